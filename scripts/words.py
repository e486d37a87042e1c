"""The catalogue of all that a reader can be told: translations/messages.pot, and each language brought up to it.

    .venv/bin/python -m scripts.words

It has neither times nor places in the code, so that it changes only when a sentence does.
"""

import io
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "translations"
TEMPLATE = FOLDER / "messages.pot"
METHODS = [("webapp/**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def main() -> None:
    """Write them, and say what each language lacks."""
    found = extracted()
    TEMPLATE.write_text(written(found))
    for path in sorted(FOLDER.glob("*.po")):
        catalogue = updated(path, found)
        path.write_text(written(catalogue))
        missing = sum(1 for message in catalogue if message.id and not message.string)
        print(f"{path.name}: {missing} of {len(catalogue)} sentences are missing")
    print(f"{TEMPLATE.name}: {len(found)} sentences")


def extracted() -> Catalog:
    """All sentences of templates and Python, as they are now."""
    catalogue = Catalog(charset="utf-8")
    for path, _line, sentence, comments, context in extract_from_dir(
        ROOT, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, directory_filter=lambda _: True
    ):
        catalogue.add(sentence, None, [(path, 0)], auto_comments=comments, context=context)
    return catalogue


def updated(path: Path, template: Catalog) -> Catalog:
    """A language's catalogue with the sentences of the template: those that have changed are to be translated anew."""
    with path.open("rb") as source:
        catalogue = read_po(source, locale=Locale.parse(path.stem, sep="-"))
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def written(catalogue: Catalog) -> str:
    """The catalogue as a file, in the order of the sentences."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, no_location=True, omit_header=True, sort_output=True, width=0)
    told = [f"Language: {catalogue.locale_identifier}", f"Plural-Forms: {catalogue.plural_forms}"]
    header = ["Content-Type: text/plain; charset=utf-8", *(told if catalogue.locale else [])]
    return "".join(['msgid ""\nmsgstr ""\n', *(f'"{line}\\n"\n' for line in header), "\n"]) + buffer.getvalue().decode()


if __name__ == "__main__":
    main()
