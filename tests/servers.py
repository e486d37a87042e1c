"""The servers that the tests are told of, in the place of files."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "")
BROKER_URL = os.environ.get("TEST_BROKER_URL", "")


@contextmanager
def own_database() -> Iterator[str]:
    """The address of an empty database that is gone afterwards; none without a server."""
    if not DATABASE_URL:
        yield ""
        return
    name = f"tapedeck_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(DATABASE_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        # What is lost with the server's own crash is no test's business, and most of a commit is waiting for the disk.
        connection.execute(sa.text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    try:
        yield sa.make_url(DATABASE_URL).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()
