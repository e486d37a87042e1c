"""Whose word on the client's address counts, and on ours: only that of the proxies that the settings name."""

import ipaddress
import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

# A name or an address, perhaps with a port.
_NAME = r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*\.?"
_HOST = re.compile(rf"(?=.{{1,255}}\Z)({_NAME}|\[[0-9a-f:.]+\])(:[0-9]{{1,5}})?", re.IGNORECASE)


class TrustedProxies:
    """Applies X-Forwarded-For, -Proto and -Host of a request that comes from one of these networks."""

    def __init__(self, app: WSGIApplication, networks: Iterable[str]) -> None:
        self.app = app
        self.fixed = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        self.networks = [ipaddress.ip_network(network) for network in networks]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does."""
        app = self.fixed if self._is_trusted(environ.get("REMOTE_ADDR", "")) else self.app
        return app(environ, start_response)

    def _is_trusted(self, address: str) -> bool:
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self.networks)


class PlainHost:
    """Leaves out a Host that cannot be one: Werkzeug would fail on some of them, before there is an answer for it."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does."""
        if not _HOST.fullmatch(environ.get("HTTP_HOST", "")):
            environ.pop("HTTP_HOST", None)
        return self.app(environ, start_response)


def init_app(app: Flask) -> None:
    """Trust the proxies of the settings, and nobody else."""
    app.wsgi_app = PlainHost(app.wsgi_app)  # type: ignore[method-assign]
    networks = app.extensions["settings"].proxies
    if networks:
        app.wsgi_app = TrustedProxies(app.wsgi_app, networks)  # type: ignore[method-assign]
