"""The languages that there are: a language is a file, translations/<language>.po."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).resolve().parents[1] / "translations"
# The language that the sentences are written in. Of its dialects, the one that tells dates and times as most places do.
SOURCE, SOURCE_LOCALE = "en", Locale("en", "GB")


@dataclass(frozen=True)
class Language:
    """One that can be read in."""

    tag: str
    """As RFC 5646 has it."""
    locale: Locale
    catalogue: NullTranslations

    @property
    def name(self) -> str:
        """What its speakers call it."""
        return (Locale(self.locale.language).get_display_name() or self.tag).capitalize()


@cache
def languages(folder: Path = FOLDER) -> Mapping[str, Language]:
    """All there are, by their tags, that of the sentences first."""
    found = {SOURCE: Language(SOURCE, SOURCE_LOCALE, NullTranslations())}
    for path in sorted(folder.glob("*.po")):
        locale = Locale.parse(path.stem, sep="-")
        found[path.stem] = Language(path.stem, locale, _read(path, locale))
    return found


def _read(path: Path, locale: Locale) -> NullTranslations:
    with path.open("rb") as source:
        catalogue = read_po(source, locale=str(locale))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
