"""What comes out the same for each app of a run, and is worked out once: a run makes more than a thousand apps.

They are the real thing each time, only quicker: templates, addresses and statements are compiled as ever, but what has
been compiled before is found again. Nothing here outlives the run.
"""

import sqlite3
from collections.abc import Callable
from types import CodeType
from typing import Any

import sqlalchemy as sa
from botocore.loaders import JSONFileLoader, Loader
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

MOST_STATEMENTS = 1500


class Templates(BytecodeCache):
    """Templates as Python has them, by their text."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Find it."""
        bucket.code = self.known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        if bucket.code:
            self.known[bucket.key, bucket.checksum] = bucket.code


class Address(Rule):
    """A rule whose function that writes addresses is that of an earlier rule with the same parts."""

    known: dict[object, Callable[..., tuple[str, str]]] = {}  # noqa: RUF012 - on purpose the same for all

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        parts = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if parts not in self.known:
            self.known[parts] = super()._compile_builder(append_unknown)
        return self.known[parts]


class Sqlite(SQLiteDialect_pysqlite):
    """SQLite as SQLAlchemy speaks it. One engine speaks it as the other, so that what one has compiled serves all."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


class Models(JSONFileLoader):  # type: ignore[misc]  # botocore comes without types
    """What the clients of Amazon's services are made from: megabytes of JSON for each of them."""

    known: dict[str, Any] = {}  # noqa: RUF012 - on purpose the same for all

    def load_file(self, file_path: str) -> Any:
        """Read it, or find it."""
        if file_path not in self.known:
            self.known[file_path] = super().load_file(file_path)
        return self.known[file_path]


def prepare() -> None:
    """Let all apps of this process share what they compile, and their databases forget the disk."""
    Loader.FILE_LOADER_CLASS = Models
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}
    Flask.url_rule_class = Address
    registry.register("sqlite", __name__, Sqlite.__name__)
    statements: LRUCache[Any, Any] = LRUCache(MOST_STATEMENTS)

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def _share(connection: sa.Connection) -> None:
        if isinstance(connection.dialect, Sqlite):
            connection.execution_options(compiled_cache=statements)

    @sa.event.listens_for(sa.Engine, "connect")
    def _hurry(connection: Any, _record: object) -> None:
        """A database that is thrown away after the test need not outlive a power cut."""
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")
