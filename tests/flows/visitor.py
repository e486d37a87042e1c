"""Somebody with a browser that has no JavaScript: forms, cookies, and the marks in the pages."""

import http.client
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urlencode

PASSWORD = "a long enough password"
TIMEOUT_SECONDS = 60
HTMX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def marks(self) -> list[dict[str, str]]:
        """The attributes of each element that is marked for programs, in the page's order."""
        return self._page.marks

    @property
    def token(self) -> str:
        """The CSRF token, if it is a page that has one."""
        return self._page.token

    @cached_property
    def _page(self) -> "_Page":
        return _Page.read(self)

    @property
    def rows(self) -> "list[Row]":
        """The files that it shows."""
        found: list[Row] = []
        for mark in self.marks:
            if "data-status" in mark:
                progress = int(mark["data-progress"]) if "data-progress" in mark else None
                found.append(Row(mark["data-file"], mark["data-status"], progress))
            elif "data-rendition" in mark:
                found[-1].renditions[mark["data-rendition"]] = mark["href"]
        return found

    @property
    def poll_address(self) -> str:
        """What the page asks for news next; nothing if it does not ask."""
        return next((mark["hx-get"] for mark in self.marks if "data-poll" in mark), "")


@dataclass
class Row:
    """A file as the list shows it."""

    id: str
    status: str
    progress: int | None
    renditions: dict[str, str] = field(default_factory=dict)
    """Of those that are ready, where they can be downloaded."""


@dataclass(frozen=True)
class Note:
    """A notification, in an alert or in the inbox."""

    id: str
    file: str
    kind: str


class Visitor:
    """Keeps cookies, and the CSRF token of the last page."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self.token = ""
        self.poll_address = ""

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request. Redirections are not followed. Raises OSError and HTTPException if there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, self.headers(**headers))
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        self.token = answer.token or self.token
        return answer

    def headers(self, **headers: str) -> dict[str, str]:
        """What is sent along with each request."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return sent | {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form."""
        body = urlencode({"csrf_token": self.token, **fields}).encode()
        return self.ask("POST", path, body, Content_Type="application/x-www-form-urlencoded")

    def register(self, name: str) -> Self:
        """Make an account and sign in by it."""
        self.get("/auth/register")
        answer = self.post("/auth/register", email=f"{name}@example.com", password=PASSWORD)
        assert answer.status == 303, answer.text
        self.get("/files/")
        return self

    def upload(self, name: str, sound: bytes, *presets: str, **headers: str) -> Answer:
        """Send a file by the form."""
        body, content_type = self.form(name, sound, presets)
        return self.ask("POST", "/files/", body, Content_Type=content_type, **headers)

    def keep(self, name: str, sound: bytes, *presets: str) -> str:
        """Send a file that is accepted, and return its id."""
        answer = self.upload(name, sound, *presets, HX_Request="true")
        assert answer.status == 201, answer.text
        return next(mark["data-file"] for mark in answer.marks if "data-status" in mark)

    def keep_together(self, sounds: Mapping[str, bytes], *presets: str) -> dict[str, str]:
        """Send several files at once, all of which are accepted, and return their ids by their names."""
        body, content_type = self.form_of_several(sounds, presets)
        answer = self.ask("POST", "/files/", body, Content_Type=content_type, HX_Request="true")
        ids = [mark["data-file"] for mark in answer.marks if "data-status" in mark]
        assert (answer.status, len(ids)) == (201, len(sounds)), answer.text
        return dict(zip(reversed(list(sounds)), ids, strict=True))  # the rows come newest first

    def form(self, name: str, sound: bytes, presets: Sequence[str] = ()) -> tuple[bytes, str]:
        """The body that a browser would send, and its content type."""
        return self.form_of_several({name: sound}, presets)

    def form_of_several(self, sounds: Mapping[str, bytes], presets: Sequence[str] = ()) -> tuple[bytes, str]:
        """The same with several files."""
        boundary = uuid.uuid4().hex
        fields = [("csrf_token", self.token), *(("presets", preset) for preset in presets)]
        lines = [f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields]
        body = "".join(lines).encode()
        for name, sound in sounds.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="audio"; filename="{name}"\r\n'
            body += f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + sound + b"\r\n"
        return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"

    def raw_upload(self, name: str, sound: bytes) -> bytes:
        """The whole request of an upload, as it goes over the line."""
        body, content_type = self.form(name, sound)
        sent = self.headers(Host=f"127.0.0.1:{self.port}", Content_Type=content_type, Content_Length=str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return f"POST /files/ HTTP/1.1\r\n{head}\r\n".encode() + body

    def rows(self) -> list[Row]:
        """The list of files, as it is shown now."""
        return self.get("/files/").rows

    def row(self, file_id: str) -> Row | None:
        return next((row for row in self.rows() if row.id == file_id), None)

    def has(self, file_id: str, status: str) -> bool:
        """Whether this file of theirs is in that state."""
        row = self.row(file_id)
        return row is not None and row.status == status

    def is_under_way(self, file_id: str) -> bool:
        """Whether some of the file is done, and some is not."""
        row = self.row(file_id)
        return row is not None and (row.progress or 0) > 0

    def alerts(self) -> list[Note]:
        """Those that stand on every page."""
        return _notes(self.get("/account/"))

    def inbox(self, file_id: str = "") -> list[Note]:
        """All that they were ever told, or told of this file."""
        return [note for note in _notes(self.get("/notifications/")) if file_id in ("", note.file)]

    def unread(self) -> int:
        """The number on the bell."""
        return next(int(mark["data-unread"]) for mark in self.get("/account/").marks if "data-unread" in mark)

    def poll(self) -> Answer:
        """What an open page would ask next. The first time it opens one."""
        if not self.poll_address:
            self.poll_address = self.get("/account/").poll_address
        answer = self.get(self.poll_address, HX_Request="true")
        self.poll_address = answer.poll_address or self.poll_address
        return answer


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.marks: list[dict[str, str]] = []
        self.token = ""

    @classmethod
    def read(cls, answer: Answer) -> Self:
        """What is marked in it; nothing if it is no HTML."""
        page = cls()
        if answer.headers.get_content_type() == "text/html":
            page.feed(answer.text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and given.get("name") == "csrf-token":
            self.token = given["content"]
        if any(name.startswith("data-") for name in given):
            self.marks.append(given)


def _notes(page: Answer) -> list[Note]:
    """Each once, though one that stands is in the inbox and in an alert."""
    marks = [mark for mark in page.marks if "data-notification" in mark]
    return list(dict.fromkeys(Note(m["data-notification"], m["data-file"], m["data-kind"]) for m in marks))
