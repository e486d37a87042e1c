"""The database: one session per request or task, typed columns, and `writing`, with which a writing service begins."""

import enum
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry
from sqlalchemy.sql.compiler import SQLCompiler

# A reader or writer waits this long for another writer before it is told "busy", which becomes a 503.
BUSY_SECONDS = 20
_ASK_AGAIN_SECONDS = 0.005

# The clocks of our machines are less apart. What was noted further in the future was noted before one was set back.
SKEW = timedelta(minutes=10)


def utcnow() -> datetime:
    """The time, in UTC, with its zone."""
    return datetime.now(UTC)


class UTCDateTime(sa.TypeDecorator[datetime]):
    """A time that comes back with its zone from SQLite too."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Keep in UTC; a time without a zone is a mistake of ours."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Put the zone back that SQLite does not keep."""
        return value and (value if value.tzinfo else value.replace(tzinfo=UTC))


class Base(DeclarativeBase):
    """What every model inherits."""

    registry = registry(
        type_annotation_map={
            datetime: UTCDateTime(),
            enum.StrEnum: sa.Enum(enum.StrEnum, native_enum=False, length=20, values_callable=lambda e: [*e]),
            int: sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            uuid.UUID: sa.Uuid(),
        }
    )
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


pk = Annotated[int, mapped_column(primary_key=True)]
key = Annotated[uuid.UUID, mapped_column(primary_key=True, default=uuid.uuid4)]
created = Annotated[datetime, mapped_column(default=utcnow)]

db = SQLAlchemy(model_class=Base)


@contextmanager
def writing(*, patience: int = BUSY_SECONDS) -> Iterator[None]:
    """A transaction that may write, from its beginning: committed at the end, rolled back if anything is raised.

    On SQLite a transaction that reads first and writes later fails at once when another wrote in between, whatever the
    busy timeout, so what was read before is let go and the lock is taken first. What was loaded before is loaded anew.
    Others are waited for so many seconds; then it raises OperationalError.
    """
    db.session.rollback()
    connection = db.session.connection(execution_options={"writing": patience})
    if patience < BUSY_SECONDS and connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{patience}s'"))
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def peek(statement: sa.Select[*tuple[Any, ...]], values: Mapping[str, object]) -> Sequence[Any] | None:
    """The first row of a statement, by the driver itself, or None; as the driver has it, so for numbers and text only.

    For what is asked every second of everybody: most of such a query is SQLAlchemy's way to the driver and back, see
    benchmarks/poll.py. The statement is made once and takes its values by name. Raises what SQLAlchemy would.
    """
    engine = db.engine
    text, parameters = _prepared(statement, engine.dialect)
    try:
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(text, parameters(values))
            row: Sequence[Any] | None = cursor.fetchone()
            return row
        finally:
            connection.close()
    except engine.dialect.loaded_dbapi.Error:  # the usual way knows what to raise, and what can be tried once more
        with engine.connect() as usual:
            return usual.execute(statement, values).first()


@lru_cache(maxsize=8)
def _prepared(
    statement: sa.Select[*tuple[Any, ...]], dialect: sa.Dialect
) -> tuple[str, Callable[[Mapping[str, object]], Any]]:
    """The words of a statement, and what turns values into the parameters that the driver takes."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - that of a SELECT
    types = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}

    def parameters(values: Mapping[str, object]) -> Any:
        given = {name: convert(values[name]) if convert else values[name] for name, convert in types.items()}
        return [given[name] for name in compiled.positiontup or ()] if compiled.positional else given

    return str(compiled), parameters


def engine_options(url: str) -> dict[str, Any]:
    """What SQLAlchemy needs for this kind of database."""
    common = {"hide_parameters": True}  # they may be hashes and addresses, and errors are logged
    if url.startswith("sqlite"):
        # With no isolation level the driver begins nothing by itself, and `_begin` below decides.
        # A connection is an open file: as many as there are threads, so that nobody waits for one behind a writer.
        pool = {"pool_size": 10, "max_overflow": 200}
        return {**common, **pool, "connect_args": {"timeout": BUSY_SECONDS, "isolation_level": None}}
    pool = {"pool_size": 10, "max_overflow": 30, "pool_timeout": BUSY_SECONDS}
    return {**common, **pool, "pool_pre_ping": True, "connect_args": _POSTGRESQL}


_POSTGRESQL = {
    "connect_timeout": 5,
    "tcp_user_timeout": 30_000,
    # As long as SQLite waits; and a worker that is frozen in a transaction does not hold its user's lock for ever.
    "options": f"-c lock_timeout={BUSY_SECONDS}s -c idle_in_transaction_session_timeout=60s",
}


def only_one(name: str) -> None:
    """Let transactions that name the same thing follow each other. SQLite has one writer anyway."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


@sa.event.listens_for(sa.Engine, "connect")
def _prepare_sqlite(connection: Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        # SQLite's own knows the letters of ASCII only, and titles are sorted for everybody.
        connection.create_function("lower", 1, lambda text: text and text.lower(), deterministic=True)


@sa.event.listens_for(sa.Engine, "begin")
def _begin(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        patience = connection.get_execution_options().get("writing")
        if patience is None:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_to_write(connection, patience)


def _begin_to_write(connection: sa.Connection, patience: int) -> None:
    """Become the one who writes in SQLite, as soon as nobody else does.

    Its own way of waiting asks ever more seldom, up to ten times a second: then whoever comes last is served first, and
    one among many may wait until its patience ends. Here all ask as often.
    """
    driver, end = connection.connection.driver_connection, time.monotonic() + patience
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - that of this dialect
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        if not _has_begun(driver, end):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # for SQLAlchemy to say what is wrong
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _has_begun(driver: sqlite3.Connection, end: float) -> bool:
    """True once nobody else writes; False when it is time to give up, and for what waiting does not mend."""
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as exc:
            is_busy = getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() >= end:
                return False
            time.sleep(_ASK_AGAIN_SECONDS)
        else:
            return True
