"""The tables. Imported whole, so that relationships between modules find each other."""

from webapp.models.audio import AudioFile, Rendition
from webapp.models.chore import Chore
from webapp.models.job import TranscodeJob
from webapp.models.letter import Letter, LetterKind, Link, Purpose
from webapp.models.measurement import Measurement
from webapp.models.notification import Kind, Notification
from webapp.models.own_preset import OwnPreset
from webapp.models.removal import Removal
from webapp.models.sign_in import Attempt, SignIn
from webapp.models.sns import SnsMessage, SnsTopic
from webapp.models.tagging import Tagging
from webapp.models.upload import Upload
from webapp.models.user import User
from webapp.models.waveform import Waveform

__all__ = [
    "Attempt", "AudioFile", "Chore", "Kind", "Letter", "LetterKind", "Link", "Measurement", "Notification",
    "OwnPreset", "Purpose", "Removal", "Rendition", "SignIn", "SnsMessage", "SnsTopic", "Tagging", "TranscodeJob",
    "Upload", "User", "Waveform",
]  # fmt: skip
