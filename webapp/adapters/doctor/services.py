"""Look at what is not the bucket: who we are, MediaConvert with its queue and role, the topics."""

from functools import partial
from typing import Any

from webapp.adapters.aws import client
from webapp.adapters.doctor.findings import Look, NotTried, Wrong, asking, is_reached
from webapp.adapters.names import RECEIVER, Names, region_of

# Who we are is the same everywhere.
ANY_REGION = "us-east-1"


class ServiceLooks:
    """Looks at the services that the settings name."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def looks(self) -> list[Look]:
        """In the order in which they are to be made; of each topic, and of its subscription."""
        of_topics: list[Look] = []
        for topic in self.names.topics or ("",):
            of_topics.append((f"topic {topic}".strip(), partial(self._topic, topic)))
            of_topics.append(("subscription", partial(self._subscription, topic)))
        return [("MediaConvert queue", self._queue), ("MediaConvert role", self._role), *of_topics]

    def credentials(self) -> str:
        """Who AWS says that we are."""
        is_reached("STS")
        caller = client("sts", self.names.region or ANY_REGION).get_caller_identity()
        return f"we are {caller['Arn']}"

    def _queue(self) -> str:
        if not self.names.queue:
            raise NotTried("TRANSCODER is not mediaconvert")
        service = client("mediaconvert", self.names.region or None)
        with asking("mediaconvert:ListQueues"):
            pages = list(service.get_paginator("list_queues").paginate())
        queues = {each["Name"]: each for page in pages for each in page["Queues"]}
        found = queues.get(self.names.queue.rpartition("/")[2])
        if found is None:
            raise Wrong(f"there is no queue {self.names.queue}, only {', '.join(queues) or 'none'}")
        if found["Status"] != "ACTIVE":
            raise Wrong(f"it is {found['Status'].lower()}: jobs wait in it until it is activated")
        return f"{found['Name']} is active"

    def _role(self) -> str:
        if not self.names.role:
            raise NotTried("TRANSCODER is not mediaconvert")
        is_reached("IAM")
        with asking("iam:GetRole", none="NoSuchEntity"):
            told = client("iam", self.names.region or None).get_role(RoleName=self.names.role.rpartition("/")[2])
        if "mediaconvert.amazonaws.com" not in str(told["Role"]["AssumeRolePolicyDocument"]):
            raise Wrong("it does not trust mediaconvert.amazonaws.com, which has to take it on")
        return f"{told['Role']['RoleName']} can be taken on by MediaConvert"

    def _topic(self, topic: str) -> str:
        sns = _client_of(topic)
        with asking("sns:GetTopicAttributes", none="NotFound"):
            told = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
        if told.get("SignatureVersion", "1") == "1":
            return "it signs with version 1 (SHA-1), which is taken; better set its SignatureVersion to 2"
        return f"it signs with version {told['SignatureVersion']}"

    def _subscription(self, topic: str) -> str:
        sns = _client_of(topic)
        with asking("sns:ListSubscriptionsByTopic", none="NotFound"):
            pages = list(sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic))
        found = [each for page in pages for each in page["Subscriptions"] if self._is_ours(each["Endpoint"])]
        if not found:
            raise Wrong(f"nothing of it comes to {self.names.public_url}{RECEIVER}: flask sns subscribe --url …")
        confirmed = [each["SubscriptionArn"] for each in found if each["SubscriptionArn"].startswith("arn:")]
        if not confirmed:
            raise Wrong("it is not confirmed: start the app where SNS reaches it, then flask sns subscribe --url …")
        with asking("sns:GetSubscriptionAttributes"):
            told = sns.get_subscription_attributes(SubscriptionArn=confirmed[0])["Attributes"]
        if told.get("RawMessageDelivery") == "true":
            raise Wrong("switch its RawMessageDelivery off: without the envelope there is no signature to believe")
        return f"confirmed, to {found[0]['Endpoint']}"

    def _is_ours(self, endpoint: str) -> bool:
        return endpoint.endswith(RECEIVER) and endpoint.startswith(self.names.public_url)


def _client_of(topic: str) -> Any:
    if not topic:
        raise NotTried("SNS_TOPIC_ARN is not set")
    return client("sns", region_of(topic))
