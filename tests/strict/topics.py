"""SNS's subscriptions of functions as AWS keeps them: emulators take any policy and any topic.

Sources: SNS API reference (Subscribe, SetSubscriptionAttributes); developer guide, "Subscription filter
policies" (a policy has lists of values, nested keys are for bodies, {} removes it) and "FIFO topics".
"""

import json
import re
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import unescape

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Topics"]

_ENTRY = re.compile(r"Attributes\.entry\.(\d+)\.key")


class Topics(Rule):
    """An endpoint is subscribed once, with what SNS takes of a function's."""

    def before(self, call: Call) -> Answer | None:
        """Refuse what SNS refuses."""
        match call.name:
            case "sns.Subscribe":
                why = self._subscribed(call)
            case "sns.SetSubscriptionAttributes":
                why = self._changed(call)
            case _:
                return None
        return None if why is None else error(call.operation, 400, "InvalidParameter", why)

    def _subscribed(self, call: Call) -> str | None:
        form = call.operation.params
        said = {
            form[key]: form.get(key.replace(".key", ".value"), "") for key in form if _ENTRY.fullmatch(key)
        }
        if form["TopicArn"].endswith(".fifo"):
            return "Invalid parameter: Invalid protocol type: lambda"
        for arn in re.findall(r"<SubscriptionArn>(.*?)</SubscriptionArn>", self._listed(call)):
            have = self._attributes(call, arn)
            names = ("FilterPolicy", "FilterPolicyScope", "RedrivePolicy")
            if have.get("Endpoint") == form["Endpoint"] and any(
                said.get(name, "") != have.get(name, "") for name in names
            ):
                return (
                    "Invalid parameter: Attributes Reason: Subscription already exists with different "
                    "attributes"
                )
        return _wrong(said.get("FilterPolicy", ""), said.get("FilterPolicyScope", "MessageAttributes"))

    def _changed(self, call: Call) -> str | None:
        form = call.operation.params
        have = self._attributes(call, form["SubscriptionArn"])
        have |= {form["AttributeName"]: form.get("AttributeValue", "")}
        return _wrong(have.get("FilterPolicy", ""), have.get("FilterPolicyScope", "MessageAttributes"))

    def after(self, call: Call, answer: Answer) -> Answer:
        """What is empty is not told, and a policy has its scope."""
        if call.name != "sns.GetSubscriptionAttributes" or not answer.is_success:
            return answer
        text = answer.body.decode()
        text = re.sub(
            r"<entry><key>(FilterPolicy|RedrivePolicy)</key><value>(\{\})?</value></entry>", "", text
        )
        if "<key>FilterPolicy</key>" in text and "<key>FilterPolicyScope</key>" not in text:
            told = "<entry><key>FilterPolicyScope</key><value>MessageAttributes</value></entry>"
            text = text.replace("</Attributes>", f"{told}</Attributes>")
        return Answer(status=answer.status, headers=answer.headers, body=text.encode())

    def _listed(self, call: Call) -> str:
        return self._ask(call, "ListSubscriptionsByTopic", TopicArn=call.operation.params["TopicArn"])

    def _attributes(self, call: Call, arn: str) -> dict[str, str]:
        text = self._ask(call, "GetSubscriptionAttributes", SubscriptionArn=arn)
        pairs = re.findall(r"<key>(\w+)</key><value>(.*?)</value>", text)
        return {name: unescape(value, {"&quot;": '"'}) for name, value in pairs}

    def _ask(self, call: Call, action: str, **params: str) -> str:
        body = urlencode({"Action": action, "Version": "2010-03-31", **params}).encode()
        answer = self.cloud.ask(call, "POST", "/", body=body, service="sns")
        return answer.body.decode() if answer.is_success else ""


def _wrong(policy: str, scope: str) -> str | None:
    if not policy:
        return None
    try:
        said = json.loads(policy)
    except ValueError:
        return "Invalid parameter: FilterPolicy: failed to parse JSON."
    if scope == "MessageAttributes" and not all(isinstance(one, list) for one in said.values()):
        return (
            "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
        )
    return None if _has_lists(said) else "Invalid parameter: FilterPolicy: a value must be an object or array"


def _has_lists(said: Any) -> bool:
    return isinstance(said, list) or (isinstance(said, dict) and all(map(_has_lists, said.values())))
