"""People in every state that a page can show, brought there as anybody could get there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import sounds
from tests.flows.house import House, wait_for
from tests.flows.sender import Sender, noise
from tests.flows.visitor import Visitor

# Loud and soft as speech and songs are: noise and tones under slow envelopes.
SONG = (
    "aevalsrc=exprs='(0.5*sin(2*PI*(180+60*sin(0.9*t))*t)*abs(sin(1.1*t+{seed}))+0.7*(random(0)-0.5)*pow(abs(sin(2.7*t)),3))"
    "*(0.15+0.85*pow(abs(sin(0.23*t+{seed})),1.5))*min(1,t/2)':s=44100:d={seconds}"
)
# Long enough to be still under way when the pictures of it are taken.
LONG_SECONDS = 1500
NAMES = (
    *("Interview with Ana.wav", "Lullaby, take 3.wav", "Rain on the roof.flac", "Choir rehearsal.m4a", "Demo 7.mp3"),
    *("Field recording, harbour.wav", "Voice memo 12.m4a", "Take 1.wav", "Take 2.wav", "Piano at night.flac"),
)
SHORT = sounds.wav(2.0)
LONG_NAMES = (
    "Очень длинное имя файла с записью репетиции хора.wav",
    "تسجيل المطر.wav",
    "𝄞 " + "sehr" * 40 + "lang.wav",
    "<b>bold.wav",
)


@dataclass
class Cast:
    """Who is there, and the ids of the files that pages are about."""

    address: str
    people: dict[str, Visitor] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def cookies_of(self, who: str) -> list[Any]:
        """What makes a browser theirs."""
        cookies = self.people[who].cookies if who else {}
        return [{"name": name, "value": value, "url": self.address} for name, value in cookies.items()]


def made(house: House, folder: Path) -> Cast:
    """Everybody. What takes a while is asked for last, and is then under way."""
    cast = Cast(house.address)
    songs = {
        ending: song(folder, f"song.{ending}", 40, seed) for seed, ending in enumerate(("wav", "flac", "m4a", "mp3"))
    }
    for name in ("new", "one", "many", "undo", "batch", "failed", "named", "canceled", "busy", "readme", "uploads"):
        cast.people[name] = house.visitor().register(name)
    cast.people["uploads"].keep("First mix.wav", SHORT, "wav")
    left_unfinished(cast.people["uploads"])
    cast.files["ready"] = cast.people["one"].keep(NAMES[0], songs["wav"])
    cast.files["failed"] = cast.people["failed"].keep("Broken tape.wav", sounds.damaged())
    cast.people["failed"].keep(NAMES[1], songs["wav"], "mp3-320")
    for number in range(30):
        name = NAMES[number % len(NAMES)]
        cast.people["many"].keep(
            name if number < len(NAMES) else f"{number} {name}", songs[Path(name).suffix[1:]], "mp3-192"
        )
    for name in NAMES[:6]:
        cast.people["undo"].keep(name, songs[Path(name).suffix[1:]], "mp3-192")
    cast.people["batch"].keep_together(
        {f"Album {n:02}.wav": sounds.wav(1.0, hertz=200.0 + n) for n in range(1, 13)}, "mp3-192"
    )
    for name in LONG_NAMES:
        cast.files["named"] = cast.people["named"].keep(name, songs["wav"], "mp3-192")
    for name in NAMES[2:5]:
        cast.people["readme"].keep(name, songs[Path(name).suffix[1:]])
    for visitor in cast.people.values():
        wait_for("all to be done", lambda each=visitor: not is_busy(each), 180)  # type: ignore[misc]
    for note in cast.people["readme"].alerts()[1:]:
        cast.people["readme"].post(f"/notifications/{note.id}/dismiss")
    long_song = song(folder, "long.flac", LONG_SECONDS, 2)
    cancel(cast, long_song)
    cast.people["readme"].keep("Concert, second half.flac", long_song)
    cast.files["busy"] = cast.people["busy"].keep("Whole concert.flac", long_song)
    cast.files["queued"] = cast.people["busy"].keep("The other concert.flac", long_song)
    wait_for("the concert to be under way", lambda: cast.people["readme"].rows()[0].progress)
    wait_for("the other concert to be under way", lambda: any(row.progress for row in cast.people["busy"].rows()))
    return cast


def is_busy(visitor: Visitor) -> bool:
    """Whether something of theirs, on the first page of the list, is still to be made."""
    return any(row.status in ("created", "submitted", "progressing") for row in visitor.rows())


def left_unfinished(visitor: Visitor) -> None:
    """An upload of which one part is there."""
    sender = Sender(visitor, noise(60))
    sender.begin(name="Interview, second half.wav")
    sender.put(1)


def cancel(cast: Cast, long_song: bytes) -> None:
    """Somebody who thinks better of it."""
    visitor = cast.people["canceled"]
    cast.files["canceled"] = visitor.keep("Wrong file.flac", long_song)
    visitor.post(f"/files/{cast.files['canceled']}/cancel")


def song(folder: Path, name: str, seconds: int, seed: int) -> bytes:
    """A sound that looks like one."""
    source = SONG.format(seconds=seconds, seed=seed)
    return sounds.ffmpeg(folder / name, "-f", "lavfi", "-i", source, "-ac", "2").read_bytes()
