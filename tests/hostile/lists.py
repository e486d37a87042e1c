"""Playlists and manifests in every disguise, which name a file of a neighbour, or somebody on the network."""

import struct

from tests.hostile.boxes import box, mp4, track
from tests.hostile.case import HERE, NEIGHBOUR, NEIGHBOURS_FILM, Case, End, refused

FAR = "http://127.0.0.1:@PORT@/song.wav"
"""Whoever tries this replaces the port by one at which somebody listens."""
THERE, FILM = f"{HERE}/{NEIGHBOUR}", f"{HERE}/{NEIGHBOURS_FILM}"


def hls(address: str, before: str = "") -> bytes:
    """A playlist of one piece."""
    start = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n"
    return f"{start}{before}#EXTINF:2,\n{address}\n#EXT-X-ENDLIST\n".encode()


def dash(address: str, kind: str = "audio/mp4", codec: str = "mp4a.40.2") -> bytes:
    """A manifest of one representation."""
    return f"""<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
        mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>
        <AdaptationSet mimeType="{kind}"><Representation id="1" bandwidth="128000" codecs="{codec}">
        <BaseURL>{address}</BaseURL></Representation></AdaptationSet></Period></MPD>""".encode()


def sdp(address: str) -> bytes:
    """A description of a stream."""
    return f"v=0\no=- 0 0 IN IP4 {address}\ns=x\nc=IN IP4 {address}\nt=0 0\nm=audio 5004 RTP/AVP 0\n".encode()


MASTER = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=128000\n{THERE}\n"
ALTERNATIVE = f'#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="{THERE}"\n' + MASTER[8:]
KEY = f'#EXT-X-KEY:METHOD=AES-128,URI="{THERE}"\n'
MAP = f'#EXT-X-MAP:URI="{THERE}"\n'
XXE = f'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY x SYSTEM "file://{THERE}">]><MPD>&x;</MPD>'
ASX = f'<asx version="3.0"><entry><ref href="{THERE}"/></entry></asx>'
XSPF = f'<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track><location>file://{THERE}'
SMOOTH = '<SmoothStreamingMedia MajorVersion="2" MinorVersion="0" Duration="20000000"></SmoothStreamingMedia>'


def _pointing(kind: bytes) -> bytes:
    """A movie whose samples lie, it says, in the neighbour's file."""
    path = THERE.encode()
    if kind == b"url ":
        reference = box(b"url ", bytes(4), b"file://" + path + b"\0")
    else:
        tail = struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + struct.pack(">hH", -1, 0)
        name = NEIGHBOUR.encode()
        form, size = ">IHHHB27sIH4sIB63s", 150 + len(tail)
        alias = struct.pack(form, 0, size, 2, 0, 1, b"x", 0, 0, b"H+\0\0", 0, len(name), name)
        reference = box(b"alis", bytes(4), alias.ljust(150, b"\0") + tail)
    return mp4(track(1, samples=44100, size=2, reference=reference), body=bytes(88200), brand=b"qt  ")


def elsewhere(name: str, kind: bytes) -> Case:
    """Not followed: what there is of its own is silence."""
    return Case(name, "song.mov", lambda: _pointing(kind), frozenset({End.READY, End.MARKED, End.REFUSED}))


CASES = [
    refused("hls, absolute", "song.m3u8", hls(THERE)),
    refused("hls, relative", "list.m3u8", hls(NEIGHBOUR)),
    refused("hls by another name", "song.mp3", hls(THERE)),
    refused("hls as a wav", "song.wav", hls(f"file://{THERE}")),
    refused("hls behind an ID3 tag", "tagged.m3u8", b"ID3\3\0\0\0\0\0\0" + hls(THERE)),
    refused("hls, a list of lists", "master.m3u8", MASTER.encode()),
    refused("hls, another sound", "other.m3u8", ALTERNATIVE.encode()),
    refused("hls with a key", "key.m3u8", hls(NEIGHBOUR, KEY)),
    refused("hls with a map", "map.m3u8", hls(NEIGHBOUR, MAP)),
    refused("hls, from the network", "far.m3u8", hls(FAR)),
    refused("hls by way of concat", "concat.m3u8", hls(f"concat:{THERE}|{THERE}")),
    refused("hls by way of subfile", "sub.m3u8", hls(f"subfile,,start,0,end,1000,,:{THERE}")),
    refused("dash", "song.mpd", dash(FILM)),
    refused("dash by another name", "dash.mp3", dash(FILM)),
    refused("dash, relative", "dash.flac", dash(NEIGHBOURS_FILM)),
    refused("dash, from the network", "far.mpd", dash(FAR)),
    refused("dash with an entity", "entity.mpd", XXE.encode()),
    refused("ffconcat, relative", "song.ffconcat", f"ffconcat version 1.0\nfile {NEIGHBOUR}\n".encode()),
    refused("ffconcat, absolute", "concat.mp3", f"ffconcat version 1.0\nfile '{THERE}'\n".encode()),
    refused("ffconcat, from the network", "concat.wav", f"ffconcat version 1.0\nfile {FAR}\n".encode()),
    refused("sdp", "song.sdp", sdp("127.0.0.1")),
    refused("sdp as an mp3", "sdp.mp3", sdp("127.0.0.1")),
    refused("m3u", "song.m3u", f"#EXTM3U\n#EXTINF:2,Song\n{THERE}\n".encode()),
    refused("pls", "song.pls", f"[playlist]\nFile1={THERE}\nNumberOfEntries=1\n".encode()),
    refused("asx", "song.asx", ASX.encode()),
    refused("xspf", "song.xspf", XSPF.encode()),
    refused("cue sheet", "song.cue", f'FILE "{THERE}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'.encode()),
    refused("smooth streaming", "song.ism", SMOOTH.encode()),
    refused("avisynth", "song.avs", f'WavSource("{THERE}")\n'.encode()),
    refused("real media list", "song.ram", f"file://{THERE}\n".encode()),
    elsewhere("mov with its samples elsewhere, by url", b"url "),
    elsewhere("mov with its samples elsewhere, by alias", b"alis"),
]
