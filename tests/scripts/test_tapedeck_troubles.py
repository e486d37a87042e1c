"""The client for those who script, when something is in its way."""

import json
import os
import signal
import ssl
import subprocess
from pathlib import Path
from shutil import which

import pytest

from tests import sounds
from tests.conftest import leave_out
from tests.flows.house import House, wait_for
from tests.scripts.passage import Passage, Reply
from tests.scripts.scripter import Scripter, noise

CHANGED = "long.wav: It was changed while it was sent, and has to be sent anew."
pytestmark = [pytest.mark.processes, pytest.mark.slow]


class Interference:
    """Answers, each once and to one kind of request, in the place of the house."""

    def __init__(self, *answers: tuple[str, str, Reply]) -> None:
        self.answers = list(answers)

    def __call__(self, method: str, path: str, _body: bytes) -> Reply | None:
        for answer in self.answers:
            if (method, path.endswith(answer[1])) == (answer[0], True):
                self.answers.remove(answer)
                return answer[2]
        return None


REPLIES = (
    *(Reply(status) for status in (0, 401, 404, 408, 500)),
    Reply(200, b"<h1>Welcome to this network</h1>"),
    Reply(409, b'{"message": "Not now."}'),
    Reply(429, b"", [("Retry-After", "1")]),
    Reply(503, b'{"message": "Later."}'),
)


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply.status))
@pytest.mark.parametrize("where", ["GET ?from=1", "PUT /parts/2", "POST /complete"])
def test_whatever_comes_between_it_goes_on(scripter: Scripter, passage: Passage, where: str, reply: Reply) -> None:
    song = scripter.has("long.wav", noise(45))
    method, _, path = where.partition(" ")
    passage.instead = interference = Interference((method, path, reply))

    ended = scripter.run("long.wav", passage.address, "--no-wait")

    assert ended.returncode == 0, ended.stderr
    assert interference.answers == []
    (row,) = scripter.visitor.rows()
    assert scripter.visitor.get(f"/files/{row.id}/original").body == song.read_bytes()


def test_an_upload_that_is_discarded_meanwhile_is_begun_anew(scripter: Scripter, passage: Passage) -> None:
    song = scripter.has("long.wav", noise(45))
    visitor, discarded = scripter.visitor, list[int]()

    def discard(method: str, path: str, _body: bytes) -> None:
        if method == "PUT" and path.endswith("/parts/2") and not discarded:
            upload = path.removesuffix("/parts/2")
            discarded.append(visitor.ask("DELETE", upload, X_CSRFToken=visitor.token).status)

    passage.instead = discard
    ended = scripter.run("long.wav", passage.address, "--no-wait")

    assert (ended.returncode, discarded) == (0, [204]), ended.stderr
    (row,) = visitor.rows()
    assert visitor.get(f"/files/{row.id}/original").body == song.read_bytes()


def test_who_is_signed_out_meanwhile_is_signed_in_again(
    scripter: Scripter, passage: Passage, shared_house: House
) -> None:
    song = scripter.has("long.wav", noise(45))
    other, ended_by = shared_house.visitor(), list[int]()

    def end_session(method: str, path: str, _body: bytes) -> None:
        if method == "PUT" and path.endswith("/parts/2") and not ended_by:
            own = passage.seen[-1].headers
            other.cookies = dict(each.split("=", 1) for each in own["Cookie"].split("; "))
            ended_by.append(other.ask("POST", "/auth/logout", X_CSRFToken=own["X-CSRFToken"]).status)

    passage.instead = end_session
    ended = scripter.run("long.wav", passage.address, "--no-wait")

    assert (ended.returncode, ended_by) == (0, [303]), ended.stderr
    (row,) = scripter.visitor.rows()
    assert scripter.visitor.get(f"/files/{row.id}/original").body == song.read_bytes()


def test_ctrl_c_ends_it_at_once_and_says_how_to_go_on(scripter: Scripter, passage: Passage) -> None:
    scripter.has("long.wav", noise(60))
    passage.slowness = 5.0
    started = scripter.start("long.wav", passage.address)
    wait_for("parts to be on their way", lambda: passage.busy)

    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=3)

    assert started.returncode == 130
    assert err.endswith("Stopped. The same command goes on where it stopped.\n")


def test_a_server_that_is_killed_meanwhile_is_waited_for(scripter: Scripter, shared_house: House) -> None:
    song = scripter.has("long.wav", noise(180))
    with Passage.opened(shared_house) as passage:
        passage.slowness = 0.2
        started = scripter.start("long.wav", passage.address, "--format", "flac")
        wait_for("a part to be there", lambda: passage.parts)
        shared_house.kill("web")

        _, err = started.communicate(timeout=60)

    assert started.returncode == 0, err
    (row,) = scripter.visitor.rows()
    original = scripter.visitor.get(f"/files/{row.id}/original")
    assert original.body == song.read_bytes()


def test_a_refusal_that_does_not_pass_is_not_repeated_for_ever(scripter: Scripter, passage: Passage) -> None:
    scripter.has("song.wav", sounds.wav(1.0))
    passage.instead = lambda method, _path, _body: Reply(403, b'{"message": "Not so."}') if method == "PUT" else None

    ended = scripter.run("song.wav", passage.address)

    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "song.wav: Not so.")


def test_more_parts_than_there_are_addresses_for_go_elsewhere_and_nothing_of_ours_with_them(
    scripter: Scripter, passage: Passage, shared_house: House
) -> None:
    song = scripter.has("long.wav", noise(120))
    visitor = scripter.visitor
    with Passage.opened(shared_house) as elsewhere:

        def take(_method: str, path: str, body: bytes) -> Reply:
            return Reply(visitor.ask("PUT", path.partition("?")[0], body, X_CSRFToken=visitor.token).status, b"{}")

        def with_addresses(path: str, reply: Reply) -> Reply:
            if not path.startswith("/uploads") or path.endswith("/complete"):
                return reply
            told = json.loads(reply.body)
            first = int(path.partition("?from=")[2] or 1)
            places = {
                n: f"{elsewhere.address}/uploads/{told['id']}/parts/{n}?signed=1" for n in range(first, first + 2)
            }
            return Reply(reply.status, json.dumps(told | {"urls": places}).encode(), reply.headers)

        elsewhere.instead, passage.change = take, with_addresses
        ended = scripter.run("long.wav", passage.address, "--no-wait")

        assert ended.returncode == 0, ended.stderr
        assert passage.parts == []
        assert len(elsewhere.seen) == 5
        assert all({*seen.headers} == {"Host", "Accept-Encoding", "Content-Length"} for seen in elsewhere.seen)
    (row,) = visitor.rows()
    assert visitor.get(f"/files/{row.id}/original").body == song.read_bytes()


def test_a_download_that_breaks_off_goes_on_from_there(scripter: Scripter, passage: Passage) -> None:
    song = scripter.has("long.wav", noise(20))
    breaks = [1_000_000, 700_000]

    def cut(path: str, reply: Reply) -> Reply:
        is_song = path.endswith("/renditions/flac") and breaks
        return Reply(reply.status, reply.body, reply.headers, breaks.pop()) if is_song else reply

    passage.change = cut
    ended = scripter.run("long.wav", passage.address, "--format", "flac")

    assert (ended.returncode, ended.stdout) == (0, "long.flac\n"), ended.stderr
    assert sounds.samples(scripter.folder / "long.flac") == sounds.samples(song)
    asked = [seen.headers.get("Range") for seen in passage.seen if seen.path.endswith("/renditions/flac")]
    assert asked == [None, "bytes=700000-", "bytes=1700000-"]
    assert {path.name for path in scripter.folder.iterdir()} == {"long.wav", "long.flac"}


def test_a_download_may_come_from_elsewhere_which_learns_nothing_of_us(
    scripter: Scripter, passage: Passage, shared_house: House
) -> None:
    scripter.has("song.wav", sounds.wav(1.0))
    with Passage.opened(shared_house) as elsewhere:
        elsewhere.instead = lambda *_: Reply(200, b"a song", [("Content-Disposition", "attachment; filename=a.flac")])
        passage.instead = Interference(
            ("GET", "/renditions/flac", Reply(302, b"", [("Location", f"{elsewhere.address}/bucket?signed=1")]))
        )

        ended = scripter.run("song.wav", passage.address, "--format", "flac")

        assert (ended.returncode, ended.stdout) == (0, "a.flac\n"), ended.stderr
        assert {*elsewhere.seen[0].headers} == {"Host", "Accept-Encoding", "Connection"}
    assert (scripter.folder / "a.flac").read_bytes() == b"a song"


def test_a_server_that_has_moved_is_not_followed(scripter: Scripter, passage: Passage) -> None:
    scripter.has("song.wav", sounds.wav(1.0))
    passage.instead = lambda *_: Reply(301, b"", [("Location", "https://tapedeck.example/auth/login")])

    ended = scripter.run("song.wav", passage.address)

    assert ended.returncode == 1
    assert "sends us to https://tapedeck.example/auth/login: give that address." in ended.stderr
    assert len(passage.seen) == 1


def test_a_song_that_is_changed_meanwhile_is_not_kept(scripter: Scripter, passage: Passage) -> None:
    song = scripter.has("long.wav", noise(45))
    passage.slowness = 1.0
    started = scripter.start("long.wav", passage.address)
    wait_for("parts to be on their way", lambda: any(seen.path == "/uploads" for seen in list(passage.seen)))
    os.utime(song, (1, 1))

    _, err = started.communicate(timeout=30)

    assert (started.returncode, err.splitlines()[-1]) == (1, CHANGED)
    assert scripter.visitor.rows() == []
    assert "data-upload=" not in scripter.visitor.get("/files/").text


def test_it_works_by_https_and_under_a_prefix(tmp_path: Path) -> None:
    if not which("openssl"):
        leave_out("https (install openssl)")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    made = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost".split()
    for_whom = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *made, *for_whom], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with (
        House.opened(tmp_path / "instance", PUBLIC_URL="https://localhost", TRUSTED_PROXIES="127.0.0.1") as house,
        Passage.opened(house, "/tape/deck", tls) as passage,
    ):
        scripter = Scripter(house, tmp_path)
        song = scripter.has("song.wav", sounds.wav(2.0))

        stranger = scripter.run("song.wav", passage.address)
        ended = scripter.run("song.wav", f"{passage.address}/", "--format", "flac", SSL_CERT_FILE=str(certificate))

        assert stranger.returncode == 1
        assert "certificate" in stranger.stderr
        assert (ended.returncode, ended.stdout) == (0, "song.flac\n"), ended.stderr
        assert sounds.samples(tmp_path / "song.flac") == sounds.samples(song)
