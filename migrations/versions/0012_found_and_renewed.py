"""Keep a file's name and tags as they are sought, without case and accents, and when its days were begun anew."""

import unicodedata
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0012", "0011", None, None

LONGEST = 4000
BATCH = 500
SOUGHT = ("title", "artist", "album", "album_artist", "date", "genre")
TEXT = sa.String(LONGEST).with_variant(sa.String(LONGEST, collation="C"), "postgresql")
FILES = sa.table(
    "audio_files",
    sa.column("id", sa.Uuid()),
    sa.column("name", sa.String()),
    sa.column("tags", sa.JSON()),
    sa.column("folded", TEXT),
)
ALIKE = str.maketrans(
    {
        **dict(zip("øłđðħŧı", "olddhti", strict=True)),
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        **dict.fromkeys("‘’ʼ", "'"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("‐–—", "-"),
        "⁄": "/",
    }
)


def upgrade() -> None:
    """Files that are there already are found by what they have now; nobody has sent them again."""
    op.add_column("audio_files", sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("audio_files", sa.Column("folded", TEXT, nullable=False, server_default=""))
    change = sa.update(FILES).where(FILES.c.id == sa.bindparam("file_id")).values(folded=sa.bindparam("text"))
    query, last = sa.select(FILES.c.id, FILES.c.name, FILES.c.tags).order_by(FILES.c.id).limit(BATCH), None
    while rows := op.get_bind().execute(query if last is None else query.where(FILES.c.id > last)).all():
        texts = [{"file_id": row.id, "text": folded(row.name, row.tags or {})} for row in rows]
        op.get_bind().execute(change, texts)
        last = rows[-1].id


def downgrade() -> None:
    """What is sought can be told anew from what is kept. Days count from the newest job again."""
    op.drop_column("audio_files", "renewed_at")
    op.drop_column("audio_files", "folded")


def folded(name: str, tags: Mapping[str, str]) -> str:
    """As the model of a file had it then."""
    texts = (name, *(tags[each] for each in SOUGHT if tags.get(each)))
    return "\n".join(fold(text) for text in texts)[:LONGEST]


def fold(text: str) -> str:
    """As one text was folded then."""
    plain = bare(bare(text).casefold()).translate(ALIKE)
    return " ".join(unicodedata.normalize("NFC", plain).split())


def bare(text: str) -> str:
    """Without marks, and without what cannot be seen."""
    apart = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(
        c for c in apart if not unicodedata.combining(c) and unicodedata.category(c) not in ("Cc", "Cf", "Cs")
    )
