"""Texts without what people leave out when they search: case, accents, the width of letters."""

import unicodedata

# What is a letter of its own to Unicode, and to whoever has no such key the one beside it; and what phones make of
# quotes and hyphens, and Unicode of fractions.
_ALIKE = str.maketrans(
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
# Of no width: what controls, what joins letters or lets a word be broken, and halves of characters.
_UNSEEN = frozenset(["Cc", "Cf", "Cs"])


def folded(text: str) -> str:
    """The text as it is sought and sorted: "Straße  Zoë" as "strasse zoe". Folded again, it is the same.

    Only the iota that Greek writes beneath a letter is lost there and kept where it stands beside it, in capitals.
    It may be longer than the text: one character becomes up to eighteen.
    """
    bare = _bare(_bare(text).casefold()).translate(_ALIKE)
    return " ".join(unicodedata.normalize("NFC", bare).split())


def _bare(text: str) -> str:
    """Without marks above and below. Vowels that other scripts write as marks stay: their combining class is 0."""
    spaced = " ".join(text.split())
    apart = unicodedata.normalize("NFKD", spaced)
    return "".join(c for c in apart if not unicodedata.combining(c) and unicodedata.category(c) not in _UNSEEN)
