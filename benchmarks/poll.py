"""The idle poll over an empty view of the same app with the same cookie, in the same run.

    .venv/bin/python -m benchmarks.poll

Both are asked through the app's WSGI interface, so that what is measured is ours and not the server's.
"""

import tempfile
import time
from pathlib import Path

from flask.testing import FlaskClient
from flask_migrate import upgrade

from webapp import create_app
from webapp.config import Config
from webapp.db import db
from webapp.services import accounts

REQUESTS = 2000


def main() -> None:
    """Print the ratio of the best of three runs each."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(secret_key="x" * 32, data_dir=Path(folder), broker_url="memory://")
        app = create_app(config)
        app.config["WTF_CSRF_ENABLED"] = False
        app.add_url_rule("/empty", view_func=lambda: ("", 204))
        with app.app_context():
            upgrade()
            accounts.add("ana@example.com", "a tape in the rain")
            db.engine.dispose()
        client = app.test_client()
        client.post("/auth/login", data={"email": "ana@example.com", "password": "a tape in the rain"})
        empty = max(rate(client, "/empty") for _ in range(3))
        poll = max(rate(client, "/alerts/poll?v=0") for _ in range(3))
    print(f"idle poll {poll:.0f}/s, empty view {empty:.0f}/s, ratio {poll / empty:.2f}")


def rate(client: FlaskClient, address: str) -> float:
    """Answers a second."""
    begun = time.perf_counter()
    for _ in range(REQUESTS):
        assert client.get(address).status_code == 204
    return REQUESTS / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
