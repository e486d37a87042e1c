"""Say in ffmpeg's language what of a file may be opened, and how its sound gets to the filters that are to have it."""

from dataclasses import dataclass
from pathlib import Path

from webapp.ports import Facts

LONGEST_SECONDS = 24 * 3600
MAX_STREAMS = 64

# ffmpeg's name for each container that we read, by ours.
DEMUXERS = {
    "WAV": "wav",
    "RF64": "wav",
    "W64": "w64",
    "AIFF": "aiff",
    "CAF": "caf",
    "AU": "au",
    "FLAC": "flac",
    "MP3": "mp3",
    "MP2": "mp3",
    "AAC": "aac",
    "M4A": "mov",
    "MP4": "mov",
    "MOV": "mov",
    "3GP": "mov",
    "Ogg": "ogg",
    "Matroska": "matroska",
    "WebM": "matroska",
    "WMA": "asf",
    "WavPack": "wv",
    "AMR": "amr",
    "AC-3": "ac3",
    "E-AC-3": "eac3",
    "TTA": "tta",
    "APE": "ape",
    "DSF": "dsf",
}
FORMATS = tuple(dict.fromkeys(DEMUXERS.values()))
# No decoder of pictures is among them: a look into a file opens whatever decoder the file asks for.
CODECS = (
    *("pcm_u8", "pcm_s8", "pcm_s8_planar", "pcm_alaw", "pcm_mulaw"),
    *("pcm_s16le", "pcm_s16be", "pcm_s16le_planar", "pcm_s16be_planar", "pcm_u16le", "pcm_u16be"),
    *("pcm_s24le", "pcm_s24be", "pcm_s24le_planar", "pcm_u24le", "pcm_u24be"),
    *("pcm_s32le", "pcm_s32be", "pcm_s32le_planar", "pcm_u32le", "pcm_u32be", "pcm_s64le", "pcm_s64be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be"),
    *("adpcm_ima_wav", "adpcm_ima_qt", "adpcm_ms", "gsm", "gsm_ms"),
    *("flac", "alac", "wavpack", "tta", "ape", "wmalossless"),
    *("dsd_lsbf", "dsd_msbf", "dsd_lsbf_planar", "dsd_msbf_planar"),
    *("mp3", "mp3float", "mp2", "mp2float", "aac", "ac3", "eac3"),
    *("vorbis", "libvorbis", "opus", "libopus", "speex", "libspeex"),
    *("wmav1", "wmav2", "wmapro", "wmavoice", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb"),
)

# What ffmpeg says when the form of a sound changes under its filters.
CHANGED = "Changing audio frame properties on the fly is not supported"
_LEAST_RATE = 44100
# Whose length is that of the first frames, times as many as there are.
_RECKONED = ("mp3", "aac", "ac3", "eac3", "amr", "ogg", "flac")
# Mono is put on both sides as it is, and not 3 dB lower, as it would be by itself.
_MONO = f"volume='if(eq(nb_channels,1),{2**0.5},1)':precision=float"
_QUIETLY = ("-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-threads", "1")


@dataclass(frozen=True)
class Evened(Facts):
    """Those of a sound that changes its form on the way, and of the one form that it is brought into first."""

    @classmethod
    def of(cls, facts: Facts) -> "Evened":
        """Two channels, at the rate of the beginning if that is not low."""
        return cls(**vars(facts) | {"sample_rate": max(facts.sample_rate, _LEAST_RATE), "channels": 2})


def filtered(source: Path, facts: Facts, steps: str) -> list[str]:
    """The arguments that send the first sound track of the file, and nothing besides, through these filters.

    Wherever the form of the sound changes (a mono jingle in a stereo programme) ffmpeg would begin its filters anew,
    and with them the time and all that they have measured. So it is told to give up instead, and then, with facts that
    are Evened, to bring the sound into one form first, which is decoded once more for the filters proper. The times of
    both have to go on together: with "asetpts=N" here, which begins anew at each change, ffmpeg 9 can stand still.
    """
    if not isinstance(facts, Evened):
        return ["-reinit_filter", "0", *_opened(source, facts), "-map", "0:a:0", *_QUIETLY, "-filter:a", steps]
    # By soxr, a part would lose its end where the rate changes.
    rate = f"osr={facts.sample_rate}:resampler=swr:filter_size=64"
    one_form = f"{_MONO},aresample={rate}:osf=flt:ochl=stereo:rematrix_maxval=1"
    return [
        *(*_opened(source, facts), "-map", "0:a:0", *_QUIETLY),
        *("-filter:a", one_form, "-c:a", "pcm_f32le", "-f", "null", "-"),
        *("-dec", "0:0", "-filter_complex_threads", "1"),
        *("-filter_complex", f"{track(facts)}{steps}[evened]", "-map", "[evened]", *_QUIETLY),
    ]


def seconds(facts: Facts) -> float:
    """How much sound there has to be; 0 if nobody can tell.

    What the first frames are reckoned to, or say, holds for as long as the form does.
    """
    is_reckoned = isinstance(facts, Evened) and DEMUXERS.get(facts.container) in _RECKONED
    return 0.0 if is_reckoned else facts.seconds or 0.0


def track(facts: Facts) -> str:
    """What a graph of filters calls the sound."""
    return "[dec:0]" if isinstance(facts, Evened) else "[0:a:0]"


def progress(facts: Facts, rate: int) -> list[str]:
    """The arguments, in front of an output of this rate, that have ffmpeg tell on stdout how far it is.

    Of two outputs `-progress` tells the longest time, which is that of the file's own clock, with its gaps.
    """
    if not isinstance(facts, Evened):
        return ["-progress", "pipe:1", "-stats_period", "0.25"]
    return ["-stats_enc_pre", "pipe:1", "-stats_enc_pre_fmt", f"samples={{sn}} {{samp}} {rate}"]


def _opened(source: Path, facts: Facts) -> list[str]:
    """The file, of the kind that the probe has seen: with its demuxer named, there is no second guess to differ."""
    demuxer = DEMUXERS.get(facts.container)
    return [
        *("-protocol_whitelist", "file"),
        *("-format_whitelist", ",".join(FORMATS)),
        *("-codec_whitelist", ",".join(CODECS)),
        *("-max_streams", str(MAX_STREAMS), "-threads", "1"),
        # A little more than is allowed, so that what is longer can be told from what is just as long.
        *("-t", str(LONGEST_SECONDS + 1)),
        *(("-f", demuxer) if demuxer else ()),
        *("-i", f"file:{source}"),
    ]
