"""One original of every kind that we read, with tags and, where it can have one, a cover."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

from tests import rare, sounds

SECONDS = 0.7
# No multiple of any codec's frame.
COUNT = 30_871
TAGS = {
    "title": "Der Hölle Rache",
    "artist": "Ana",
    "album": "黄昏",
    "track": "3",
    "date": "2026",
    "genre": "Opera",
    "comment": "Take two",
}
COVERED = (".mp3", ".flac", ".m4a")
# The name of the file, and how ffmpeg makes it of a sound of 44.1 kHz and two channels; 16 bit unless it is said.
ORIGINALS: dict[str, tuple[str, ...]] = {
    "WAV, 16 bit": ("a.wav",),
    "WAV, 16 bit, mono": ("mono.wav", "-ac", "1"),
    "WAV, 24 bit, 96 kHz": ("b.wav", "-af", "aresample=96000:osf=s32", "-c:a", "pcm_s24le"),
    "WAV, 32 bit float": ("c.wav", "-af", "anull", "-c:a", "pcm_f32le"),
    "WAV, 24 bit, 5.1": ("d.wav", "-af", "pan=5.1|c0=c0|c1=c1|c2=c0|c3=c1|c4=c0|c5=c1", "-c:a", "pcm_s24le"),
    "RF64": ("e.wav", "-rf64", "always"),
    "W64": ("f.w64",),
    "AIFF": ("g.aiff",),
    "CAF": ("h.caf",),
    "AU": ("i.au",),
    "FLAC, 16 bit": ("j.flac",),
    "FLAC, 24 bit, 96 kHz": ("k.flac", "-af", "aresample=96000:osf=s32", "-bits_per_raw_sample", "24"),
    "ALAC in M4A": ("l.m4a", "-c:a", "alac"),
    "WavPack": ("m.wv",),
    "TTA": ("n.tta",),
    "Monkey's Audio": ("o.ape",),
    "DSF (DSD64)": ("p.dsf",),
    "MP3": ("q.mp3", "-b:a", "192k"),
    "MP2": ("r.mp2",),
    "AAC": ("s.aac",),
    "AAC in M4A": ("t.m4a", "-c:a", "aac"),
    "AAC in MP4": ("u.mp4", "-c:a", "aac"),
    "AAC in MOV": ("v.mov", "-c:a", "aac"),
    "AAC in 3GP": ("w.3gp", "-c:a", "aac"),
    "Ogg Vorbis": ("x.ogg", "-c:a", "libvorbis"),
    "Ogg Opus": ("y.opus", "-c:a", "libopus"),
    "Ogg FLAC": ("z.oga", "-c:a", "flac"),
    "Ogg Speex": ("aa.spx",),
    "WebM (Opus)": ("ab.webm", "-c:a", "libopus"),
    "MKA (FLAC)": ("ac.mka", "-c:a", "flac"),
    "WMA": ("ad.wma",),
    "AMR": ("ae.amr", "-ar", "8000", "-ac", "1"),
    "AMR-WB": ("af.amr",),
    "AC-3": ("ag.ac3",),
    "E-AC-3": ("ah.eac3",),
}
RARE = {".spx": rare.speex, ".ape": rare.ape}


def made(folder: Path, kind: str) -> Path:
    """The original of this kind."""
    name, *words = ORIGINALS[kind]
    target = folder / name
    if kind == "AMR-WB":
        target.write_bytes(rare.amr_wb(SECONDS))
    elif target.suffix in RARE:
        target.write_bytes(RARE[target.suffix](SECONDS))
    elif target.suffix == ".dsf":
        sounds.make(folder, name, seconds=SECONDS)
    else:
        _by_ffmpeg(target, words)
    return target


def _by_ffmpeg(target: Path, words: list[str]) -> None:
    hum = "0.4*sin(2*PI*440*t)+0.1*random(0)|0.4*sin(2*PI*550*t)+0.1*random(1)"
    inputs = ["-f", "lavfi", "-i", f"aevalsrc={hum}:s=44100,atrim=end_sample={COUNT}"]
    maps = ["-map", "0"]
    if target.suffix in COVERED:
        inputs += ["-f", "lavfi", "-i", "color=red:size=32x32:duration=0.04:rate=25"]
        maps += ["-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic"]
    depth = [] if "-af" in words else ["-af", "aformat=s16"]
    tags = [word for name, value in TAGS.items() for word in ("-metadata", f"{name}={value}")]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *inputs, *maps, *depth, *words, *tags, str(target)]
    subprocess.run(command, check=True, timeout=60)
