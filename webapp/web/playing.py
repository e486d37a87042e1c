"""What of a file a browser can play: the media types by which browsers know sounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, url_for

from webapp.models import AudioFile, Rendition
from webapp.presets import Preset
from webapp.web.labels import label
from webapp.web.language import gettext

_MP4, _OGG, _WEBM = 'audio/mp4; codecs="{}"', 'audio/ogg; codecs="{}"', 'audio/webm; codecs="{}"'
# By container and codec, as the probe names them. Not every browser plays all of these; none plays what is not here.
_TYPES: Mapping[tuple[str, str], str] = {
    ("WAV", "PCM"): "audio/wav",
    ("AIFF", "PCM"): "audio/aiff",
    ("FLAC", "FLAC"): "audio/flac",
    ("MP3", "MP3"): "audio/mpeg",
    ("AAC", "AAC"): "audio/aac",
    ("M4A", "AAC"): _MP4.format("mp4a.40.2"),
    ("MP4", "AAC"): _MP4.format("mp4a.40.2"),
    ("M4A", "ALAC"): _MP4.format("alac"),
    ("MP4", "ALAC"): _MP4.format("alac"),
    ("MP4", "FLAC"): _MP4.format("flac"),
    ("Ogg", "Opus"): _OGG.format("opus"),
    ("Ogg", "Vorbis"): _OGG.format("vorbis"),
    ("Ogg", "FLAC"): _OGG.format("flac"),
    ("WebM", "Opus"): _WEBM.format("opus"),
    ("WebM", "Vorbis"): _WEBM.format("vorbis"),
}
_RARE = (_TYPES["AIFF", "PCM"], _TYPES["M4A", "ALAC"])
# Of our codecs; nothing is lost in the first three.
_BEST = ("flac", "pcm", "alac", "aac", "mp3", "opus", "vorbis")


@dataclass(frozen=True)
class Version:
    """One form of a sound that can be listened to."""

    name: str
    """The preset's; "original" for what was uploaded."""
    label: str
    type: str
    """What to ask a browser: can you play this?"""
    address: str
    begins_at: float = 0.0
    """Where in the original, in seconds."""


def init_app(app: Flask) -> None:
    """Let templates ask what can be listened to, and what most browsers leave out."""
    app.jinja_env.globals.update(versions_of=versions, has_unheard=has_unheard)


def versions(file: AudioFile) -> list[Version]:
    """The original, if browsers play such a thing, and what is ready, the best first."""
    found = [
        Version(
            r.preset_name,
            label(r.preset),
            media_type(r.preset),
            _address("rendition", file, preset=r.preset_name),
            r.begins_at,
        )
        for r in sorted(file.ready, key=_place)
    ]
    known = _TYPES.get((file.container, file.codec))
    if known:
        found.insert(0, Version("original", gettext("Original"), known, _address("original", file)))
    return found


def has_unheard(file: AudioFile) -> bool:
    """Whether any version of it is one that most browsers do not play."""
    return any(version.type in _RARE for version in versions(file))


def media_type(preset: Preset) -> str:
    """That of what the preset makes, with the codec where the container has several."""
    return _TYPES.get((preset.container_name, preset.codec_name), preset.media_type)


def _place(rendition: Rendition) -> int:
    """Its place among the versions: a codec that is not named comes last."""
    codec = rendition.preset.codec
    return _BEST.index(codec) if codec in _BEST else len(_BEST)


def _address(endpoint: str, file: AudioFile, **more: Any) -> str:
    return url_for(f"files.{endpoint}", file_id=file.id, inline=1, **more)
