"""What the probe takes for audio, and what it says of it."""

import json
import os
import random
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import sounds
from webapp.adapters import probe as probes
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders import opening
from webapp.adapters.transcoders.sandbox import SandboxBroken
from webapp.errors import NotAudio, Unavailable

probe = SandboxedProbe()

FOUND = {
    "wav": ("WAV", "PCM"),
    "rf64": ("RF64", "PCM"),
    "w64": ("W64", "PCM"),
    "aiff": ("AIFF", "PCM"),
    "caf": ("CAF", "PCM"),
    "au": ("AU", "PCM"),
    "flac": ("FLAC", "FLAC"),
    "mp3": ("MP3", "MP3"),
    "mp2": ("MP2", "MP2"),
    "aac": ("AAC", "AAC"),
    "m4a": ("M4A", "AAC"),
    "mp4": ("MP4", "AAC"),
    "mov": ("MOV", "AAC"),
    "3gp": ("3GP", "AAC"),
    "ogg": ("Ogg", "Vorbis"),
    "opus": ("Ogg", "Opus"),
    "oga": ("Ogg", "FLAC"),
    "webm": ("WebM", "Opus"),
    "mka": ("Matroska", "Vorbis"),
    "wma": ("WMA", "WMA"),
    "wv": ("WavPack", "WavPack"),
    "amr": ("AMR", "AMR"),
    "ac3": ("AC-3", "AC-3"),
    "eac3": ("E-AC-3", "E-AC-3"),
    "tta": ("TTA", "TTA"),
    "dsf": ("DSF", "DSD"),
}
LOSSLESS = {"wav", "rf64", "w64", "aiff", "caf", "au", "flac", "oga", "wv", "tta"}


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_every_kind_of_file_is_known_by_its_bytes(kind: str, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, f"song.{kind}", seconds=1)
    nameless = song.rename(tmp_path / "0f3a")

    facts = probe.look(nameless)

    assert (facts.container, facts.codec) == FOUND[kind]
    assert facts.channels == (1 if kind == "amr" else 2)
    assert facts.sample_rate == {"amr": 8000, "opus": 48000, "webm": 48000, "dsf": 352800}.get(kind, 44100)
    assert facts.seconds == pytest.approx(1, abs=0.06)
    assert facts.bit_depth == (16 if kind in LOSSLESS else 1 if kind == "dsf" else None)


@pytest.mark.parametrize("depth", [8, 16, 24, 32])
def test_the_depth_of_plain_samples_is_told(depth: int, tmp_path: Path) -> None:
    assert probe.look(sounds.make(tmp_path, "song.wav", seconds=0.1, depth=depth)).bit_depth == depth


@pytest.mark.parametrize("name", ["song.flac", "song.wv", "song.tta", "alac.m4a"])
def test_the_depth_of_other_lossless_sound_is_told(name: str, tmp_path: Path) -> None:
    arguments = ("-c:a", "alac") if name == "alac.m4a" else ()

    song = sounds.make(tmp_path, name, *arguments, seconds=0.5, depth=24)

    assert probe.look(song).bit_depth == 24


@pytest.mark.parametrize("channels", [1, 3, 6, 8, 12, 32])
def test_channels_are_counted(channels: int, tmp_path: Path) -> None:
    assert probe.look(sounds.make(tmp_path, "song.wav", seconds=0.1, channels=channels)).channels == channels


def test_an_unusual_order_of_channels_is_no_harm(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.aiff", seconds=0.5, channels=8)

    assert probe.look(song).channels == 8


def test_tags_are_told_in_one_line_each(tmp_path: Path) -> None:
    tags = {"title": "Zwei\nZeilen", "artist": "\u202eevil", "album": "x" * 3000, "encoder": "me", "date": "1999"}
    arguments = [word for name, value in tags.items() for word in ("-metadata", f"{name}={value}")]

    facts = probe.look(sounds.make(tmp_path, "song.flac", *arguments, seconds=0.1))

    assert facts.tags == {"title": "Zwei Zeilen", "artist": "evil", "album": "x" * 1000, "date": "1999"}


@pytest.mark.parametrize("name", ["song.mp3", "song.m4a", "song.ogg", "song.wav"])
def test_a_title_is_found_wherever_the_format_keeps_it(name: str, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, name, "-metadata", "title=Hey", seconds=0.1)

    assert probe.look(song).tags["title"] == "Hey"


def test_of_a_video_the_first_sound_track_counts(tmp_path: Path) -> None:
    video = film(tmp_path / "film.mp4", "-i", "pipe:0", "-c:a", "aac")

    facts = probe.look(video)

    assert (facts.container, facts.codec) == ("MP4", "AAC")
    assert facts.seconds == pytest.approx(1, abs=0.05)


def test_a_video_without_sound_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotAudio, match="There is no sound in this file"):
        probe.look(film(tmp_path / "film.mp4", "-an"))


def test_a_cover_does_not_make_it_a_video(tmp_path: Path) -> None:
    cover = sounds.ffmpeg(tmp_path / "cover.png", "-f", "lavfi", "-i", "color=size=32x32:duration=1", "-frames:v", "1")
    song = sounds.ffmpeg(
        tmp_path / "song.mp3", "-i", "pipe:0", "-i", str(cover), "-map", "0", "-map", "1", given=sounds.wav(1.0)
    )

    facts = probe.look(song)

    assert (facts.container, facts.codec) == ("MP3", "MP3")


def test_the_length_is_counted_where_the_file_does_not_tell_it(tmp_path: Path) -> None:
    quiet = sounds.ffmpeg(
        tmp_path / "quiet.mp3", "-f", "lavfi", "-i", "anullsrc", "-t", "4", "-q:a", "0", "-write_xing", "0"
    )
    loud = sounds.ffmpeg(
        tmp_path / "loud.mp3", "-f", "lavfi", "-i", "anoisesrc", "-t", "4", "-q:a", "0", "-write_xing", "0"
    )
    (tmp_path / "both.mp3").write_bytes(quiet.read_bytes() + loud.read_bytes())

    assert probe.look(tmp_path / "both.mp3").seconds == pytest.approx(8, abs=0.3)


def test_chained_streams_count_together(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.ogg", seconds=1).read_bytes()
    (tmp_path / "two.ogg").write_bytes(song + song)

    assert probe.look(tmp_path / "two.ogg").seconds == pytest.approx(2, abs=0.05)


def test_vorbis_at_a_low_rate_has_its_true_length(tmp_path: Path) -> None:
    assert probe.look(sounds.make(tmp_path, "song.ogg", rate=8000)).seconds == pytest.approx(2, abs=0.05)


def test_a_wav_tells_how_long_it_was_before_it_was_cut(tmp_path: Path) -> None:
    (tmp_path / "cut.wav").write_bytes(sounds.wav(2.0)[:100_000])

    assert probe.look(tmp_path / "cut.wav").seconds == 2.0


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0])
def test_a_wav_that_was_written_into_a_pipe_is_as_long_as_it_is(size: int, tmp_path: Path) -> None:
    sound = bytearray(sounds.wav(1.0))
    sound[40:44] = struct.pack("<I", size)
    (tmp_path / "pipe.wav").write_bytes(sound)

    assert probe.look(tmp_path / "pipe.wav").seconds == 1.0


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("song.mp3", b"song" * 1000)


def pictured(kind: str) -> Callable[[Path], None]:
    def paint(path: Path) -> None:
        picture = path.with_name(f"picture.{kind}")
        sounds.ffmpeg(picture, "-f", "lavfi", "-i", "testsrc=size=320x240", "-frames:v", "1")
        picture.rename(path)

    return paint


def written(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


STRANGE: dict[str, Callable[[Path], None]] = {
    "png": pictured("png"),
    "jpeg": pictured("jpg"),
    "gif": pictured("gif"),
    "zip": zipped,
    "pdf": written(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" * 50),
    "html": written(b"<!doctype html><title>Song</title><script>alert(1)</script>" * 50),
    "text": written("Eine ganz gewöhnliche Notiz.\n".encode() * 200),
    "subtitles": written(b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"),
    "program": written(Path(sys.executable).resolve().read_bytes()[:2_000_000]),
    "zeros": written(bytes(100_000)),
    "nothing": written(b""),
    "one byte": written(b"R"),
    "a wav of mpeg": written(b"RIFF\xff\xff\xff\xffWAVEfmt "),
    "m3u8": written(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/etc/passwd\n#EXT-X-ENDLIST\n"),
    "ffconcat": written(b"ffconcat version 1.0\nfile song.wav\n"),
    "sdp": written(b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"),
    "dash": written(b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>'),
    "nes music": written(b"NESM\x1a\x01\x01\x01" + bytes(145)),
}


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        *((kind, "mp3") for kind in STRANGE),
        *((kind, ending) for kind in ("png", "text", "zeros", "program") for ending in ("wav", "aac", "flac")),
    ],
)
def test_sec_M1_what_is_no_audio_is_refused_whatever_its_name(kind: str, ending: str, tmp_path: Path) -> None:
    pretender = tmp_path / f"song.{ending}"
    STRANGE[kind](pretender)

    with pytest.raises(NotAudio):
        probe.look(pretender)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_are_no_audio(seed: int, tmp_path: Path) -> None:
    noise = tmp_path / "song.mp3"
    noise.write_bytes(random.Random(seed).randbytes(10 ** (seed + 1)))

    with pytest.raises(NotAudio):
        probe.look(noise)


def test_random_bytes_with_a_frame_in_them_are_no_audio(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.mp3", "-write_xing", "0", "-id3v2_version", "0", seconds=1).read_bytes()
    noise = random.Random(1).randbytes
    (tmp_path / "noise.mp3").write_bytes(b"".join(song[at : at + 500] + noise(2000) for at in range(0, 5000, 500)))

    with pytest.raises(NotAudio):
        probe.look(tmp_path / "noise.mp3")


@pytest.mark.parametrize("name", ["song.mp3", "song.aac"])
def test_a_very_short_sound_is_audio_all_the_same(name: str, tmp_path: Path) -> None:
    assert probe.look(sounds.make(tmp_path, name, seconds=0.02)).channels == 2


def test_a_header_without_sound_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(sounds.wav(0.0))

    with pytest.raises(NotAudio, match="There is no sound in this file"):
        probe.look(tmp_path / "empty.wav")


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        ({"rate": 2}, "sample rate of 2 Hz"),
        ({"rate": 1_000_000, "seconds": 0.01}, "sample rate of 1,000,000 Hz"),
        ({"channels": 64, "seconds": 0.01}, "64 channels"),
    ],
)
def test_an_absurd_sound_is_refused_in_words(sound: dict[str, float], words: str, tmp_path: Path) -> None:
    (tmp_path / "odd.wav").write_bytes(sounds.wav(**sound))

    with pytest.raises(NotAudio, match=words):
        probe.look(tmp_path / "odd.wav")


def test_more_than_a_day_is_refused_in_words(tmp_path: Path) -> None:
    long = bytearray(sounds.make(tmp_path, "long.flac", rate=8000, seconds=1).read_bytes())
    long[21:26] = (long[21] & 0xF0 | 0x00).to_bytes(1, "big") + (8000 * 90_000).to_bytes(4, "big")
    (tmp_path / "long.flac").write_bytes(long)

    with pytest.raises(NotAudio, match="longer than 24 hours"):
        probe.look(tmp_path / "long.flac")


def test_hours_of_nothing_in_a_few_bytes_are_refused_in_words(tmp_path: Path) -> None:
    bomb = bytearray(sounds.make(tmp_path, "bomb.flac", rate=8000, seconds=1).read_bytes())
    bomb[21:26] = (bomb[21] & 0xF0).to_bytes(1, "big") + (8000 * 80_000).to_bytes(4, "big")
    (tmp_path / "bomb.flac").write_bytes(bomb)

    with pytest.raises(NotAudio, match="far too small for the 22 hours"):
        probe.look(tmp_path / "bomb.flac")


def manifests(neighbour: Path) -> dict[str, bytes]:
    """What would have ffmpeg open another user's file."""
    dash = f"""<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
        mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>
        <AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="128000" codecs="mp4a.40.2">
        <BaseURL>{neighbour}</BaseURL></Representation></AdaptationSet></Period></MPD>"""
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{neighbour}\n#EXT-X-ENDLIST\n".encode(),
        "dash": dash.encode(),
        "ffconcat": f"ffconcat version 1.0\nfile {neighbour.name}\n".encode(),
    }


@pytest.mark.parametrize(
    ("kind", "ending"),
    [("hls", "mp3"), ("hls", "m3u8"), ("dash", "mp3"), ("dash", "mpd"), ("ffconcat", "mp3"), ("ffconcat", "ffconcat")],
)
def test_sec_M3_a_list_of_other_files_is_refused(kind: str, ending: str, tmp_path: Path) -> None:
    neighbour = sounds.make(tmp_path, "neighbour.m4a")
    trap = tmp_path / f"song.{ending}"
    trap.write_bytes(manifests(neighbour)[kind])

    with pytest.raises(NotAudio):
        probe.look(trap)


def test_sec_M8_a_decoder_of_pictures_is_not_opened(tmp_path: Path) -> None:
    assert {"magicyuv", "png", "mjpeg", "h264", "mpeg4"}.isdisjoint(opening.CODECS)
    video = film(tmp_path / "film.mkv", "-i", "pipe:0", "-c:v", "magicyuv", "-c:a", "aac")

    assert probe.look(video).codec == "AAC"


def test_sound_of_a_codec_that_we_do_not_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAudio):
        probe.look(sounds.make(tmp_path, "song.mka", "-c:a", "truehd", "-strict", "-2"))


@pytest.mark.parametrize(
    "child",
    [
        "import os; os.abort()",
        "import sys; sys.exit(1)",
        "x = bytearray(4 << 30)",
        "print('no json')",
        "print('[]')",
        "print('{}')",
        "print('x' * 10_000_000)",
        "import json; print(json.dumps({'refused': 'strange'}))",
    ],
)
def test_a_look_that_goes_wrong_is_no_audio(child: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "child.py").write_text(child)
    monkeypatch.setattr(probes, "CHILD", tmp_path / "child.py")

    with pytest.raises(NotAudio):
        SandboxedProbe().look(sounds.make(tmp_path, "song.wav"))


def test_sec_R1_a_look_for_which_there_was_no_time_says_nothing_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "child.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr(probes, "CHILD", tmp_path / "child.py")

    with pytest.raises(Unavailable, match="try again"):
        SandboxedProbe(wall_seconds=0.5).look(sounds.make(tmp_path, "song.wav"))


HONEST: dict[str, object] = {
    "demuxer": "wav", "head": "", "brand": "", "codec": "pcm_s16le", "sample_rate": 44100, "channels": 2,
    "sample_bits": 16, "extradata": "", "bit_rate": 1, "seconds": 1, "tags": {},
}  # fmt: skip


@pytest.mark.parametrize(
    "lie",
    [
        {"channels": "many"},
        {"codec": "h264"},
        {"demuxer": "hls"},
        {"seconds": "NaN"},
        {"seconds": -1},
        {"tags": ["x"]},
        {"head": "not hex"},
        {"sample_rate": None},
    ],
)
def test_a_look_that_lies_is_not_believed(
    lie: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(tmp_path, monkeypatch, HONEST | lie)

    with pytest.raises(NotAudio):
        probe.look(sounds.make(tmp_path, "song.wav"))


def test_a_look_that_does_not_lie_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(tmp_path, monkeypatch, HONEST)

    assert probe.look(sounds.make(tmp_path, "song.wav", channels=1)).channels == 2


def test_a_look_that_talks_too_much_is_not_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(tmp_path, monkeypatch, HONEST, after=" " * probes.MOST_OUTPUT)

    with pytest.raises(NotAudio):
        probe.look(sounds.make(tmp_path, "song.wav"))


def claim(folder: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, object], *, after: str = "") -> None:
    """Put a child in place that says this, whatever it looks at."""
    child = folder / "child.py"
    child.write_text(f"print({after + json.dumps(said)!r})")
    monkeypatch.setattr(probes, "CHILD", child)


def test_trouble_of_our_own_is_not_blamed_on_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = sounds.make(tmp_path, "song.wav")
    monkeypatch.setattr(probes, "_site_of_pyav", lambda: tmp_path)

    with pytest.raises(SandboxBroken):
        probe.look(song)


def test_a_file_that_is_not_there_is_our_trouble(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe.look(tmp_path / "nowhere")


def test_a_name_that_is_no_utf8_can_be_looked_at(tmp_path: Path) -> None:
    song = tmp_path / os.fsdecode(b"s\xff ng'\"$(x).wav")
    song.write_bytes(sounds.wav(0.1))

    assert probe.look(song).channels == 2


def test_a_large_file_is_looked_at_in_little_memory(tmp_path: Path) -> None:
    large = tmp_path / "large.rf64"
    head = bytearray(sounds.make(tmp_path, "small.rf64", seconds=1).read_bytes())
    size = 5 << 30
    at = head.index(b"ds64") + 8
    struct.pack_into("<QQQ", head, at, size + 72, size, size // 4)
    large.write_bytes(head)
    with large.open("r+b") as file:
        file.truncate(size)

    facts = probe.look(large)

    assert facts.container == "RF64"
    assert facts.seconds == pytest.approx(size / 176_400, rel=0.01)


def film(path: Path, *arguments: str) -> Path:
    """Three seconds of a picture, and what the arguments add."""
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x64:duration=3")
    codec = () if "-c:v" in arguments else ("-c:v", "mpeg4")
    return sounds.ffmpeg(path, *picture, *arguments, *codec, given=sounds.wav(1.0))
