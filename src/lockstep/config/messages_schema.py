"""The keys of ``lockstep-serve.yaml`` that say who is told what."""

from lockstep.config.rows import flag, group, text, texts
from lockstep.config.shapes import Key, Shape

__all__ = ["MESSAGES"]

_RULE = group(
    "rule",
    "Which messages; each list that is absent stands for all.",
    texts("projects", "Names of projects.", text("project", "A project.", example="syrf")),
    texts(
        "environments",
        "Names of environments; preview stands for all previews.",
        text("environment", "An environment.", example="production"),
    ),
    texts(
        "events",
        "run is every sync and everything that somebody asked for, failure what of it failed and rollouts "
        "that were taken back, rollout and drift what they say.",
        text("event", "What a message is about.", enum=("run", "failure", "rollout", "drift")),
    ),
)

MESSAGES = Key(
    name="messages",
    shape=Shape.OPEN,
    about="Who is told what goes on, by a name of lower-case letters, digits and hyphens. Each has one of "
    "slack, slackWebhook, webhook, mail and deployments; its secret is LOCKSTEP_MESSAGE_SECRET__NAME.",
    item=group(
        "destination",
        "One place.",
        text(
            "slack",
            "Id of a channel, where a bot writes and changes its messages; the secret is the bot's token.",
            pattern=r"[A-Z0-9]{2,32}",
            says="write the channel's id, such as C0123456789",
            example="C0123456789",
        ),
        text("api", "URL of Slack's API for slack; https://slack.com/api when absent."),
        flag("slackWebhook", "An incoming webhook of Slack's; the secret is its whole URL."),
        text(
            "webhook",
            "URL that each message is posted to, signed as Standard Webhooks say; the secret is whsec_ and "
            "the key in base64.",
        ),
        group(
            "mail",
            "Mails by SMTP; the secret is the password, where there is a user.",
            text(
                "server",
                "Host and port of the server, such as mail.example.org:587.",
                pattern=r"([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}",
                says="write a host and a port, such as mail.example.org:587",
                example="mail.example.org:587",
                required=True,
            ),
            text(
                "security",
                "starttls, tls from the beginning, or none, to a server on this machine only; starttls when "
                "absent.",
                enum=("starttls", "tls", "none"),
            ),
            text("user", "Who logs in there; nobody when absent."),
            text("from", "Address that they come from.", example="lockstep@example.org", required=True),
            texts("to", "Addresses that they go to.", text("address", "An address.")),
        ),
        flag(
            "deployments",
            "Deployments of the followed repository's commits, with their statuses, where it is on GitHub.",
        ),
        Key(
            name="rules",
            shape=Shape.LIST,
            about="What is told: what one of them takes. Everything when absent.",
            item=_RULE,
        ),
    ),
)
