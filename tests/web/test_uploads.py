"""The protocol of uploads in parts, as programs see it."""

import io
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import HTMX
from tests.fakes import MemoryStorage
from webapp.models import User
from webapp.services import library
from webapp.services.checksum import PART_SIZE, Checksum

SOUND = b"sound" * 2
WHOLE = b"x" * PART_SIZE + b"y" * 10


def begin(client: FlaskClient, **given: object) -> TestResponse:
    usual = {"name": "song.wav", "size": len(SOUND), "type": "audio/wav", "fp": "song|10|1", "presets": ["wav"]}
    return client.post("/uploads", json=usual | given)


def told(answer: TestResponse) -> Mapping[str, Any]:
    assert answer.is_json, answer.text
    return answer.get_json()  # type: ignore[no-any-return]


def put(client: FlaskClient, upload: str, number: int = 1, content: bytes = SOUND, **given: Any) -> TestResponse:
    return client.put(f"/uploads/{upload}/parts/{number}", data=content, **given)


def stream(body: io.BytesIO, length: int) -> dict[str, Any]:
    """A body that says it is so long."""
    return {"content": b"", "input_stream": body, "environ_overrides": {"CONTENT_LENGTH": str(length)}}


def complete(client: FlaskClient, upload: str) -> TestResponse:
    return client.post(f"/uploads/{upload}/complete")


def mark_of(content: bytes) -> str:
    made = Checksum()
    made.update(content)
    return made.hexdigest()


def test_a_file_comes_in_parts_in_any_order_and_is_listed(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    begun = begin(as_alice, size=len(WHOLE))
    assert begun.status_code == 201
    upload = told(begun)
    assert {**upload, "id": ""} == {"id": "", "part_size": PART_SIZE, "parts": 2, "have": []}

    second = put(as_alice, upload["id"], 2, WHOLE[PART_SIZE:])
    assert (second.status_code, second.data) == (204, b"")
    assert second.headers["ETag"].strip('"')
    assert told(as_alice.get(f"/uploads/{upload['id']}"))["have"] == [2]
    put(as_alice, upload["id"], 1, WHOLE[:PART_SIZE])

    done = complete(as_alice, upload["id"])
    assert done.status_code == 201
    assert told(done) == {"file": upload["id"], "name": "song.wav", "href": f"/files/{upload['id']}"}
    assert list(storage.objects.values()) == [WHOLE]
    assert f'data-file="{upload["id"]}"' in as_alice.get("/files/").text

    again = complete(as_alice, upload["id"])
    assert (again.status_code, told(again)) == (200, told(done))


def test_the_same_file_chosen_again_goes_on(as_alice: FlaskClient) -> None:
    first = told(begin(as_alice, size=len(WHOLE)))
    put(as_alice, first["id"], 2, WHOLE[PART_SIZE:])

    again = begin(as_alice, size=len(WHOLE))

    assert again.status_code == 200
    assert told(again) == dict(first) | {"have": [2]}


def test_what_is_missing_is_named(as_alice: FlaskClient) -> None:
    upload = told(begin(as_alice, size=len(WHOLE)))
    put(as_alice, upload["id"], 2, WHOLE[PART_SIZE:])

    answer = complete(as_alice, upload["id"])

    assert answer.status_code == 409
    assert told(answer)["missing"] == [1]
    assert told(answer)["message"] == "Some of the file has not arrived yet."


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"size": 0}, 422),
        ({"size": 2**40}, 413),
        ({"size": 2**63}, 413),
        ({"size": 10**30}, 413),
        ({"presets": ["mp7"]}, 422),
        ({"size": -1}, 422),
        ({"size": "10"}, 400),
        ({"size": True}, 400),
        ({"size": None}, 400),
        ({"name": 5}, 400),
        ({"name": None}, 400),
        ({"presets": "wav"}, 400),
        ({"presets": [1]}, 400),
        ({"batch": "one"}, 400),
        ({"batch": 7}, 400),
        ({"fp": {}}, 400),
        ({"copy": "yes"}, 400),
        ({"checksum": "\0" * 64}, 400),
        ({"name": "\ud800", "fp": "\ud800", "size": 0}, 422),
    ],
)
def test_what_cannot_be_is_refused_in_words(as_alice: FlaskClient, given: dict[str, object], status: int) -> None:
    answer = begin(as_alice, **given)

    assert answer.status_code == status
    assert set(told(answer)) == {"error", "message", "request_id"}
    assert told(answer)["message"].endswith(".")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_a_bad_request(as_alice: FlaskClient, body: bytes) -> None:
    assert as_alice.post("/uploads", data=body, content_type="application/json").status_code == 400


def test_without_a_choice_the_three_usual_formats_are_made(as_alice: FlaskClient, alice: User) -> None:
    upload = told(as_alice.post("/uploads", json={"name": "a.wav", "size": len(SOUND)}))
    put(as_alice, upload["id"])

    complete(as_alice, upload["id"])

    made = library.find(alice, uuid.UUID(upload["id"])).job.preset_names
    assert made == ["wav", "flac", "mp4"]


def test_a_name_is_shown_and_no_path(as_alice: FlaskClient) -> None:
    upload = told(begin(as_alice, name="..\\..\\<b>x</b>\x00.wav"))
    put(as_alice, upload["id"])

    assert told(complete(as_alice, upload["id"]))["name"] == "b> .wav"


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999", "-1", "x"])
def test_a_part_that_there_is_not(as_alice: FlaskClient, number: str) -> None:
    upload = told(begin(as_alice))

    assert as_alice.put(f"/uploads/{upload['id']}/parts/{number}", data=SOUND).status_code == 404


def test_a_part_of_a_wrong_length_is_refused_before_it_is_read(as_alice: FlaskClient) -> None:
    upload = told(begin(as_alice))

    class Unread(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("it was read")

    for length, status in ((len(SOUND) + 1, 413), (len(SOUND) - 1, 400)):
        answer = put(as_alice, upload["id"], **stream(Unread(), length))
        assert answer.status_code == status
    assert told(as_alice.get(f"/uploads/{upload['id']}"))["have"] == []


def test_a_part_that_breaks_off_does_not_count(as_alice: FlaskClient) -> None:
    upload = told(begin(as_alice))

    answer = put(as_alice, upload["id"], **stream(io.BytesIO(SOUND[:5]), len(SOUND)))

    assert answer.status_code == 400
    assert told(as_alice.get(f"/uploads/{upload['id']}"))["have"] == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html"])
def test_a_part_is_bytes_whatever_it_says_it_is(as_alice: FlaskClient, storage: MemoryStorage, kind: str) -> None:
    upload = told(begin(as_alice))

    assert put(as_alice, upload["id"], content_type=kind).status_code == 204
    complete(as_alice, upload["id"])
    assert list(storage.objects.values()) == [SOUND]


def test_a_canceled_upload_is_gone(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    upload = told(begin(as_alice))
    put(as_alice, upload["id"])

    assert as_alice.delete(f"/uploads/{upload['id']}").status_code == 204

    assert storage.open == {}
    assert put(as_alice, upload["id"]).status_code == 404
    assert as_alice.get(f"/uploads/{upload['id']}").status_code == 404
    assert as_alice.delete(f"/uploads/{upload['id']}").status_code == 404


def test_a_form_discards_it_too_and_twice_is_no_error(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    upload = told(begin(as_alice))

    first = as_alice.post(f"/uploads/{upload['id']}/delete")
    second = as_alice.post(f"/uploads/{upload['id']}/delete", headers=HTMX)

    assert (first.status_code, first.location) == (303, "/files/")
    assert (second.status_code, second.text) == (200, "")
    assert storage.open == {}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_a_page_without_scripts_is_told_in_a_page(app: Flask, as_alice: FlaskClient, kind: str) -> None:
    upload = told(begin(as_alice))
    app.config["WTF_CSRF_ENABLED"] = True

    refused = as_alice.post(f"/uploads/{upload['id']}/delete", content_type=kind)

    assert (refused.status_code, refused.mimetype) == (400, "text/html")
    assert "<h1" in refused.text


def test_the_files_are_listed_while_the_storage_is_down(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    begin(as_alice, name="half.wav")
    assert "half.wav" in as_alice.get("/files/").text
    storage.is_down = True

    page = as_alice.get("/files/")

    assert page.status_code == 200
    assert "half.wav" not in page.text


def test_a_part_without_a_token_is_refused_and_a_page_that_is_old_gets_the_new_one(
    app: Flask, as_alice: FlaskClient, storage: MemoryStorage
) -> None:
    upload = told(begin(as_alice))
    app.config["WTF_CSRF_ENABLED"] = True

    refused = put(as_alice, upload["id"])
    assert (refused.status_code, told(refused)["error"]) == (400, "FormExpired")
    assert "fresh-token" in refused.headers["HX-Trigger"]
    token = as_alice.get("/files/").text.partition('csrf-token" content="')[2].partition('"')[0]
    assert put(as_alice, upload["id"], headers={"X-CSRFToken": token}).status_code == 204


def test_parts_go_elsewhere_if_the_storage_says_so(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    storage.elsewhere = "https://bucket.example"

    upload = told(begin(as_alice, size=len(WHOLE)))

    assert list(upload["urls"]) == ["1", "2"]
    assert list(told(as_alice.get(f"/uploads/{upload['id']}?from=2"))["urls"]) == ["2"]


def test_a_file_that_is_here_already_is_told_of_and_not_kept_twice(
    as_alice: FlaskClient, storage: MemoryStorage
) -> None:
    first = told(begin(as_alice))["id"]
    put(as_alice, first)
    complete(as_alice, first)

    again = told(begin(as_alice, fp="again"))
    assert again["alike"] is True
    named = told(begin(as_alice, fp="again", checksum=mark_of(SOUND)))
    assert named["known"] == {"file": first, "name": "song.wav", "href": f"/files/{first}"}
    assert "known" not in told(begin(as_alice, fp="again", checksum=mark_of(b"other")))
    put(as_alice, again["id"])
    done = complete(as_alice, again["id"])

    assert (done.status_code, told(done)["file"]) == (200, first)
    assert len(storage.objects) == 1


def test_a_copy_that_is_wanted_is_kept(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    for fp in "ab":
        upload = told(begin(as_alice, fp=fp, copy=True))
        assert "alike" not in upload
        put(as_alice, upload["id"])
        assert complete(as_alice, upload["id"]).status_code == 201

    assert len(storage.objects) == 2


def test_what_is_not_audio_is_told_and_told_again(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    upload = told(begin(as_alice, size=9))["id"]
    put(as_alice, upload, content=b"not audio")

    for _ in range(2):
        answer = complete(as_alice, upload)
        assert (answer.status_code, told(answer)["error"]) == (422, "NotAudio")
        assert told(answer)["message"] == "This is not audio that we can read."
    assert storage.objects == {}


def test_of_what_was_refused_no_part_is_asked_for_again(as_alice: FlaskClient) -> None:
    upload = told(begin(as_alice, size=9))["id"]
    put(as_alice, upload, content=b"not audio")
    complete(as_alice, upload)

    assert told(as_alice.get(f"/uploads/{upload}"))["have"] == [1]


def test_a_full_disk_is_told_before_anything_is_sent(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    storage.free = len(SOUND) - 1

    answer = begin(as_alice)

    assert answer.status_code == 503
    assert "no room left on the server" in told(answer)["message"]


def test_a_stranger_is_told_in_json(visitor: FlaskClient) -> None:
    upload = uuid.uuid4()
    for answer in (begin(visitor), visitor.get(f"/uploads/{upload}"), put(visitor, str(upload))):
        assert (answer.status_code, told(answer)["error"]) == (401, "NotSignedIn")
