"""What create_app binds and the services use: they name it here, and get that of the app they run in."""

from typing import cast

from flask import current_app
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.local import LocalProxy

from webapp.config import Config
from webapp.objects import Storage
from webapp.ports import Encoder, Letters, Probe, Topics, Transcoder, Workers
from webapp.tags import Tagger

login_manager = LoginManager()
csrf = CSRFProtect()
migrate = Migrate()

settings = cast("Config", LocalProxy(lambda: current_app.extensions["settings"]))
storage = cast("Storage", LocalProxy(lambda: current_app.extensions["storage"]))
transcoder = cast("Transcoder", LocalProxy(lambda: current_app.extensions["transcoder"]))
probe = cast("Probe", LocalProxy(lambda: current_app.extensions["probe"]))
topics = cast("Topics", LocalProxy(lambda: current_app.extensions["topics"]))
encoder = cast("Encoder", LocalProxy(lambda: current_app.extensions["encoder"]))
mail = cast("Letters", LocalProxy(lambda: current_app.extensions["mail"]))
tagger = cast("Tagger", LocalProxy(lambda: current_app.extensions["tagger"]))
workers = cast("Workers", LocalProxy(lambda: current_app.extensions["workers"]))
