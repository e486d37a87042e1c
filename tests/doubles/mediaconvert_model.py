"""What MediaConvert takes as a job, by botocore's own service model, and by what its descriptions say besides.

botocore itself checks types, required members and least values only: an unknown word, a number above the highest, an
address that is none, it sends to AWS.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

# The audio codecs that each container takes when there is no picture.
CODECS = {
    "RAW": {"AAC", "MP2", "MP3", "WAV", "AIFF", "AC3", "EAC3", "FLAC"},
    "MP4": {"AAC", "AC3", "EAC3"},
    "OGG": {"OPUS", "VORBIS"},
}
# https://docs.aws.amazon.com/mediaconvert/latest/ug/aac-support.html: LC at a constant rate, kbit/s.
AAC_LC = {
    ("CODING_MODE_1_0", 44100): range(56, 257),
    ("CODING_MODE_1_0", 48000): range(56, 289),
    ("CODING_MODE_2_0", 44100): range(64, 513),
    ("CODING_MODE_2_0", 48000): range(64, 577),
}
AAC_KBPS = {56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512, 576}
MPEG_1, MPEG_2 = (32000, 44100, 48000), (16000, 22050, 24000)
MPEG_2_MOST = 160000
_PAIR = re.compile(r"[A-Za-z0-9 _.:/=+@-]*")


@cache
def model() -> ServiceModel:
    """MediaConvert's, as boto3 has it."""
    return botocore.session.get_session().get_service_model("mediaconvert")


def faults_of(request: Mapping[str, Any], *, is_wire: bool = True) -> list[str]:
    """All that is wrong with a CreateJob. On the wire names begin small, in boto3 with a capital."""
    shape = model().shape_for("CreateJobRequest")
    faults = list(_shape_faults(shape, request, "request", is_wire))
    return faults or list(_rule_faults(request if is_wire else _as_wire(shape, request)))


def _shape_faults(shape: Shape, value: Any, where: str, is_wire: bool) -> Iterator[str]:
    check = _CHECKS.get(shape.type_name)
    if check is None:
        return
    if not isinstance(value, _TYPES[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{where}: {value!r} is no {shape.type_name}"
        return
    yield from check(shape, value, where, is_wire)


def _structure(shape: Any, value: dict[str, Any], where: str, is_wire: bool) -> Iterator[str]:
    names = {(s.serialization["name"] if is_wire else name): (name, s) for name, s in shape.members.items()}
    for name, inner in value.items():
        if name not in names:
            yield f"{where}: {name} is unknown"
        else:
            yield from _shape_faults(names[name][1], inner, f"{where}.{name}", is_wire)
    for name, (own, _) in names.items():
        if own in shape.required_members and name not in value:
            yield f"{where}: {name} is missing"


def _list(shape: Any, value: list[Any], where: str, is_wire: bool) -> Iterator[str]:
    yield from _size(shape, len(value), where)
    for at, inner in enumerate(value):
        yield from _shape_faults(shape.member, inner, f"{where}[{at}]", is_wire)


def _map(shape: Any, value: dict[str, Any], where: str, is_wire: bool) -> Iterator[str]:
    yield from _size(shape, len(value), where)
    for name, inner in value.items():
        yield from _shape_faults(shape.value, inner, f"{where}.{name}", is_wire)


def _text(shape: Shape, value: str, where: str, is_wire: bool) -> Iterator[str]:
    yield from _size(shape, len(value), where)
    if "enum" in shape.metadata and value not in shape.metadata["enum"]:
        yield f"{where}: {value!r} is not one of its words"
    if "pattern" in shape.metadata and not re.search(shape.metadata["pattern"], value):
        yield f"{where}: {value!r} does not match"


def _number(shape: Shape, value: float, where: str, is_wire: bool) -> Iterator[str]:
    yield from _size(shape, value, where)


def _size(shape: Shape, size: float, where: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        yield f"{where}: {size} is not from {least} to {most}"


_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "list": list,
    "map": dict,
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "boolean": bool,
}
_CHECKS: dict[str, Callable[[Any, Any, str, bool], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _text,
    "integer": _number,
    "long": _number,
    "double": _number,
    "float": _number,
    "boolean": lambda *_: iter(()),
}


def _as_wire(shape: Any, value: Any) -> Any:
    """As boto3 puts it on the wire; the keys of a map stay as they are."""
    if shape.type_name == "structure":
        return {shape.members[k].serialization["name"]: _as_wire(shape.members[k], v) for k, v in value.items()}
    if shape.type_name == "list":
        return [_as_wire(shape.member, each) for each in value]
    if shape.type_name == "map":
        return {name: _as_wire(shape.value, inner) for name, inner in value.items()}
    return value


def _rule_faults(request: Mapping[str, Any]) -> Iterator[str]:
    marks, token = request.get("userMetadata", {}), request.get("clientRequestToken", "")
    if len(marks) > 10 or any(len(k) > 128 or len(v) > 256 or not _PAIR.fullmatch(k + v) for k, v in marks.items()):
        yield "userMetadata: too much, or letters that it does not take"
    if len(token) > 64 or not token.isascii():
        yield "clientRequestToken: at most 64 ASCII characters"
    if not re.match(r"arn:aws[a-z-]*:iam::\d{12}:role/", request["role"]):
        yield "role: no ARN of a role"
    settings = request["settings"]
    if not settings.get("inputs") or not settings["inputs"][0].get("fileInput"):
        yield "settings.inputs: no input"
    groups = settings.get("outputGroups") or []
    outputs = [output for group in groups for output in group.get("outputs") or []]
    if not outputs:
        yield "settings.outputGroups: no output"
    for group in groups:
        yield from _group_faults(group)
    selectors = {name for each in settings.get("inputs", []) for name in each.get("audioSelectors", {})}
    for output in outputs:
        yield from _output_faults(output, selectors)


def _group_faults(group: Mapping[str, Any]) -> Iterator[str]:
    how = group.get("outputGroupSettings", {})
    if how.get("type") != "FILE_GROUP_SETTINGS" or "fileGroupSettings" not in how:
        yield "outputGroupSettings: the type does not fit its settings"
    outputs = group.get("outputs") or []
    if len(outputs) > 1 and not all(output.get("nameModifier") for output in outputs):
        yield "outputs: nameModifier is required where a group has several"


def _output_faults(output: Mapping[str, Any], selectors: set[str]) -> Iterator[str]:
    sounds = output.get("audioDescriptions") or []
    if len(sounds) != 1 or "videoDescription" in output:
        yield "an output of sound alone has one audioDescription and no video"
        return
    if sounds[0].get("audioSourceName") not in selectors:
        yield "audioSourceName: there is no such selector"
    codec = sounds[0].get("codecSettings", {})
    name, container = codec.get("codec"), output.get("containerSettings", {}).get("container")
    if name not in CODECS.get(str(container), set()):
        yield f"{container} does not take {name}"
    settings = codec.get(f"{str(name).lower()}Settings")
    if settings is None:
        yield f"{name}: its settings are missing"
        return
    yield from (f"{name}: {fault}" for fault in _codec_faults(str(name), settings))


def _codec_faults(name: str, told: Mapping[str, Any]) -> Iterator[str]:
    channels = told.get("channels", 2)
    if channels > 1 and channels % 2:
        yield "channels are 0, 1 or an even number"
    if name == "OPUS" and (told["sampleRate"] not in (16000, 24000, 48000) or told["bitrate"] % 8000):
        yield "no such rate"
    if name == "VORBIS" and told["sampleRate"] not in (22050, 32000, 44100, 48000):
        yield "no such rate"
    if name == "AAC" and told["rateControlMode"] == "CBR":
        kbps = told["bitrate"] // 1000
        if kbps not in AAC_LC.get((told["codingMode"], told["sampleRate"]), ()) or kbps not in AAC_KBPS:
            yield "no such combination of mode, sample rate and bit rate"
    if name == "MP3":
        yield from _mp3_faults(told)


def _mp3_faults(told: Mapping[str, Any]) -> Iterator[str]:
    if told["sampleRate"] not in (*MPEG_1, *MPEG_2):
        yield "no such sample rate"
    if told["rateControlMode"] == "VBR" and "vbrQuality" not in told:
        yield "vbrQuality is required"
    if told["sampleRate"] in MPEG_2 and told.get("bitrate", 0) > MPEG_2_MOST:
        yield "no frame of MPEG-2 holds so much"
