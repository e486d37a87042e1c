"""What the web server, Celery and `flask` load."""

from webapp import create_app

app = create_app()
celery_app = app.extensions["queue"].celery
