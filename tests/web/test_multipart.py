"""Forms, and what else is too much, are refused with 413 or 429, in the words of the user (W10)."""

import dataclasses
import io
from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes import MemoryStorage
from webapp import LONGEST_FORM, MOST_FORM_PARTS
from webapp.models import AudioFile
from webapp.services import allowance
from webapp.web import multipart


def upload(client: FlaskClient, *names: str, **fields: str) -> TestResponse:
    return client.post("/files/", data={**fields, "audio": [(io.BytesIO(b"sound"), name) for name in names]})


def refusal(answer: TestResponse) -> Mapping[str, object]:
    """What a program is told."""
    assert answer.is_json, answer.text
    return {"status": answer.status_code, **answer.get_json()}


# Guards MAX_CONTENT_LENGTH, MAX_FORM_PARTS and MAX_FORM_MEMORY_SIZE in webapp/__init__.py.
@pytest.mark.parametrize("address", ["/auth/login", "/files/selected"])
def test_sec_W10_a_form_has_limits(app: Flask, as_alice: FlaskClient, address: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    many = "&".join(["a=1"] * 10)
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(MOST_FORM_PARTS + 1)
    )
    kind = "multipart/form-data; boundary=x"

    answers = [
        as_alice.post(address, data=b"a=" + b"x" * LONGEST_FORM, content_type="application/x-www-form-urlencoded"),
        as_alice.post(address, data=parts + b"--x--\r\n", content_type=kind),
    ]

    assert [answer.status_code for answer in answers] == [413, 413]
    assert all("This is more than we take at once." in answer.text for answer in answers)
    assert as_alice.post(address, data=many).status_code != 413


def test_sec_W10_a_body_of_a_program_has_a_limit(as_alice: FlaskClient) -> None:
    answer = as_alice.post("/uploads", data=b'{"a": "' + b"x" * LONGEST_FORM + b'"}', content_type="application/json")

    assert refusal(answer)["status"] == 413
    assert refusal(answer)["message"] == "This is more than we take at once."


# Guards MOST_PARTS and LONGEST_FIELDS in webapp/web/multipart.py.
def test_sec_W10_a_form_with_files_has_limits_and_keeps_what_came_before(
    as_alice: FlaskClient, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multipart, "MOST_PARTS", 4)

    some = upload(as_alice, "1.wav", "2.wav", "3.wav", "4.wav", "5.wav", "6.wav", presets="wav")
    listed = as_alice.get("/files/").text

    assert some.status_code == 303
    assert listed.count("data-file=") == 2 == len(storage.objects)
    assert "This is more than 4 files and fields at once. Please send the rest of them separately." in listed
    assert upload(as_alice, "1.wav", presets="w" * (multipart.LONGEST_FIELDS + 1)).status_code == 400
    fields = {f"field{number}": "x" for number in range(6)}
    assert as_alice.post("/files/", data=fields, content_type="multipart/form-data").status_code == 413
    assert len(storage.objects) == 2


def test_sec_W10_files_bytes_and_jobs_of_a_user_are_limited_in_words(
    app: Flask, as_alice: FlaskClient, as_bob: FlaskClient, song: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"name": "x.wav", "size": 10, "presets": ["wav"]}

    def is_refused(status: int, words: str) -> None:
        page, program = upload(as_alice, "x.wav", presets="wav"), as_alice.post("/uploads", json=asked)
        assert (page.status_code, program.status_code) == (status, status)
        assert words in page.text
        assert words in program.get_json()["message"]
        assert ("Retry-After" in page.headers) is (status == 429)
        assert 'data-status="created"' in as_alice.get("/files/").text  # what was there stays

    monkeypatch.setattr(allowance, "MOST_FILES", 1)
    is_refused(413, "You have 1 files, the most that an account may have. Delete some of them first.")
    monkeypatch.setattr(allowance, "MOST_FILES", 100)
    monkeypatch.setattr(allowance, "MOST_WAITING", 3)
    is_refused(429, "Very many of your conversions are waiting already. Please send more when some of them are done.")
    assert as_alice.post(f"/files/{song.id}/jobs", data={"presets": "aiff"}).status_code == 429
    monkeypatch.setattr(allowance, "MOST_WAITING", 100)
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], user_quota_bytes=song.size)
    is_refused(413, "There is not enough room left in your account for this file. Delete some files first.")
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], max_upload_bytes=4)
    is_refused(413, "This file is bigger than 4 bytes, the most that we take.")

    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], max_upload_bytes=4000)
    assert upload(as_bob, "x.wav", presets="wav").status_code == 303
