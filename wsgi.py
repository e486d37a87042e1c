"""What the web server, Celery and `flask` load."""

import os
import sys

from webapp import create_app
from webapp.errors import ConfigError

# Whatever one of our processes makes is for the user that runs it: people's sounds and addresses are in it.
os.umask(0o077)
try:
    app = create_app()
except ConfigError as error:
    sys.exit(str(error))
celery_app = app.extensions["queue"].celery
