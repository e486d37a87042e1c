"""What the web server, Celery and `flask` load."""

import sys

from webapp import create_app
from webapp.errors import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(str(error))
celery_app = app.extensions["queue"].celery
