"""Where in Amazon's world a topic is: who answers for it there, and under which name its messages are signed."""

import re
from dataclasses import dataclass

from webapp.errors import ConfigError

_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):sns:(?P<region>[a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
}

# The names in the certificates are those that AWS's SDK for Java 2 knows (sns-message-manager, SnsHostProvider).
_USUAL = "sns.amazonaws.com"
_OPT_IN = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1"),
    *("me-central-1", "me-south-1", "mx-central-1"),
)
_SIGNERS = {
    **{region: f"sns-signing.{region}.amazonaws.com" for region in _OPT_IN},
    "cn-north-1": "sns-cn-north-1.amazonaws.com.cn",
    "cn-northwest-1": "sns-cn-northwest-1.amazonaws.com.cn",
    "us-gov-west-1": "sns-us-gov-west-1.amazonaws.com",
    "us-gov-east-1": "sns-us-gov-west-1.amazonaws.com",
    "eusc-de-east-1": "sns-signing.eusc-de-east-1.amazonaws.eu",
}


@dataclass(frozen=True)
class Endpoint:
    """The SNS of one region."""

    region: str
    host: str
    signer: str
    """The name that is in its certificates."""

    @classmethod
    def of(cls, topic: str) -> "Endpoint":
        """That of the topic. Raises ConfigError for a part of Amazon's world that we do not know."""
        found = _ARN.fullmatch(topic)
        suffix = _SUFFIXES.get(found["partition"]) if found else None
        if found is None or suffix is None:
            raise ConfigError(f"SNS_TOPIC_ARN={topic!r}: use a topic in one of {', '.join(_SUFFIXES)}")
        region = found["region"]
        return cls(region, f"sns.{region}.{suffix}", _SIGNERS.get(region, _USUAL))

    def signs_at(self, address: str) -> bool:
        """Whether certificates of this SNS are at the address.

        The host is that of the topic and no pattern: `sns.s3-us-west-2.amazonaws.com` is somebody's bucket.
        """
        path = r"/SimpleNotificationService-[0-9a-f]{32}\.pem"
        return re.fullmatch(re.escape(f"https://{self.host}") + path, address) is not None
