"""Security, M4: whatever a file is called, it is stored under a name of ours, shown as text and downloaded whole."""

import re
from collections.abc import Callable
from html import escape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.http import parse_options_header

from tests.fakes import MemoryStorage
from webapp.db import db
from webapp.models import AudioFile

OURS = re.compile(r"media/\d+/[0-9a-f-]{36}/[\w-]{16,}\.[a-z0-9]{2,4}")
# What is sent, and as what it is shown.
NAMES = {
    "song.wav": "song.wav",
    "Größe – 音楽 🎵.flac": "Größe – 音楽 🎵.flac",
    "שיר.mp3": "שיר.mp3",
    "\u202egnp.exe.wav": "gnp.exe.wav",
    "<script>alert(1)</script>.wav": "script>.wav",
    "<img src=x onerror=alert(1)>.wav": "<img src=x onerror=alert(1)>.wav",
    "\"'><b hx-get=x>.wav": "\"'><b hx-get=x>.wav",
    "{{7*7}}{% raw %}.wav": "{{7*7}}{% raw %}.wav",
    "../../../etc/passwd": "passwd",
    "..\\..\\windows\\system32.wav": "system32.wav",
    "/etc/shadow.wav": "shadow.wav",
    "C:\\song.wav": "song.wav",
    "..": "Untitled",
    "-y.wav": "-y.wav",
    "--help": "--help",
    "-i http:x.wav": "-i http:x.wav",
    "concat:a|b.wav": "concat:a|b.wav",
    "http:x.wav": "http:x.wav",
    "song%d%s%n%00.wav": "song%d%s%n%00.wav",
    "$(touch x);`id`&|.wav": "$(touch x);`id`&|.wav",
    "a\tb.wav": "a b.wav",
    ".htaccess": ".htaccess",
    "con.wav": "con.wav",
    "x" * 251 + ".wav": "x" * 251 + ".wav",
    "ü" * 300 + ".wav": "ü" * 255,
    " ": "Untitled",
}


def by_the_form(client: FlaskClient, name: str) -> None:
    written = name.replace("\\", "\\\\").replace('"', "%22")
    head = f'--X\r\nContent-Disposition: form-data; name="audio"; filename="{written}"\r\n\r\n'
    body = f"{head}RIFF{name}\r\n--X--\r\n".encode()
    sent = client.post("/files/", data=body, content_type="multipart/form-data; boundary=X")
    assert sent.status_code == 303, sent.text


def by_parts(client: FlaskClient, name: str) -> None:
    content = b"RIFF parts" + name.encode()
    wanted = {"name": name, "size": len(content), "type": "audio/wav", "fp": name[:50], "presets": ["flac"]}
    begun = client.post("/uploads", json=wanted)
    assert begun.status_code == 201, begun.text
    place = f"/uploads/{begun.get_json()['id']}"
    assert client.put(f"{place}/parts/1", data=content).status_code == 204
    assert client.post(f"{place}/complete").status_code == 201


@pytest.mark.parametrize("send", [by_the_form, by_parts])
def test_sec_M4_a_name_is_only_ever_a_text(
    send: Callable[[FlaskClient, str], None], as_alice: FlaskClient, storage: MemoryStorage
) -> None:
    for name, shown in NAMES.items():
        send(as_alice, name)
        db.session.rollback()
        (file,) = db.session.scalars(sa.select(AudioFile))
        address = f"/files/{file.id}"

        assert file.name == shown
        assert list(storage.objects) == [file.key]
        assert OURS.fullmatch(file.key)
        for page in (as_alice.get("/files/").text, as_alice.get(address).text):
            assert escape(shown).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
            assert not re.search(r"<(script>alert|img src=x|b hx-get)", page)
        header = as_alice.get(f"{address}/original").headers["Content-Disposition"]
        kind, options = parse_options_header(header)
        assert header.isascii()
        assert header.isprintable()
        assert kind == "attachment"
        assert options["filename"].startswith(file.stem)
        assert "/" not in options["filename"]
        assert "\\" not in options["filename"]
        assert as_alice.post(f"{address}/delete").status_code == 303
