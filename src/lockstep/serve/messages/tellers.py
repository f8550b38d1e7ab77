"""Which way is gone by what."""

from collections.abc import Callable
from typing import assert_never

from lockstep.forge.base import Forge
from lockstep.serve.messages.deployments import Deployer
from lockstep.serve.messages.destinations import Deployments, Mail, Slack, SlackWebhook, Way, Webhook
from lockstep.serve.messages.mail import Mailer
from lockstep.serve.messages.slack import SlackBot, SlackHook
from lockstep.serve.messages.ways import Teller
from lockstep.serve.messages.webhook import WebhookTeller

__all__ = ["teller_of"]


def teller_of(way: Way, address: str, forge_of: Callable[[str], Forge]) -> Teller:
    """Who tells it; ``address`` is the page's, "" where nobody outside knows it."""
    match way:
        case Slack():
            return SlackBot(way, address)
        case SlackWebhook():
            return SlackHook(way, address)
        case Webhook():
            return WebhookTeller(way, address)
        case Mail():
            return Mailer(way, address)
        case Deployments():
            return Deployer(forge_of, address)
    assert_never(way)
