"""The keys of ``lockstep-serve.yaml``: what a controller follows, and what it may do."""

from lockstep.config import rules
from lockstep.config.access_schema import ANYBODY, LOGIN, TOKENS, URL, roles_of
from lockstep.config.durations import DURATION
from lockstep.config.messages_schema import MESSAGES
from lockstep.config.rows import flag, group, text, texts
from lockstep.config.shapes import Key, Shape

__all__ = ["SERVE"]

_SPELLED = "write a number with s, m, h or d, such as 30s"

_ADDRESS = r"^([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}$"
_POLL = text(
    "poll",
    "How often Git is asked for new commits; 1m when absent. A project may say otherwise.",
    pattern=DURATION,
    says=_SPELLED,
    example="30s",
)
_DRIFT = text(
    "drift",
    "How often all of AWS is looked at, whatever Git says; 10m when absent. A project may say otherwise.",
    pattern=DURATION,
    says=_SPELLED,
    example="10m",
)

_ENVIRONMENT = group(
    "environment",
    "What may be done in one environment. One that is not named is only looked at.",
    flag("sync", "Bring what Git says to AWS, by itself; false when absent."),
    flag("selfHeal", "Take back what was changed in AWS behind Git's back, too; false when absent."),
    roles_of("in this environment, besides those of the project"),
)

_PROJECT = group(
    "project",
    "One repository that is followed.",
    text("repository", "URL of the repository, or its folder, relative to this file.", example="/srv/gitops"),
    text(
        "branch",
        "Branch that is followed; when absent the one that lockstep.yaml names under forge, else the "
        "remote's default branch.",
        rule=rules.branch,
    ),
    _POLL,
    _DRIFT,
    text(
        "previewGc",
        "How often what previews leave behind is removed, as `lockstep preview gc --apply` does: folders of "
        "closed pull requests and of those whose time is over, and what nothing declares any more; never "
        "when absent.",
        pattern=DURATION,
        says=_SPELLED,
        example="1h",
    ),
    texts(
        "events",
        "Queues of SQS that EventBridge sends CloudTrail's events to: what they tell of is looked at when it "
        "is heard, instead of with the next drift.",
        text(
            "queue",
            "ARN of a queue.",
            pattern=r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}",
            says="write the ARN of a queue that is not FIFO",
            example="arn:aws:sqs:eu-west-1:123456789012:lockstep-events",
        ),
    ),
    Key(
        name="environments",
        shape=Shape.OPEN,
        about="By name; preview stands for all previews.",
        item=_ENVIRONMENT,
    ),
    roles_of("in all environments of the project"),
)

SERVE = group(
    "serve",
    "",
    text(
        "data",
        "Folder for what is fetched and for history, relative to this file; lockstep-data when absent.",
    ),
    text(
        "database",
        "URL of a database of PostgreSQL for history and sessions, in place of history.db; give one with a "
        "password by LOCKSTEP_SERVE__DATABASE.",
        example="postgresql://lockstep@db.example.org/lockstep",
    ),
    text(
        "lease",
        "How long a machine that gives no sign of life keeps what it does; then another one goes on with it. "
        "Only with database; 30s when absent.",
        pattern=DURATION,
        says=_SPELLED,
        example="30s",
    ),
    text(
        "listen",
        "Address of the page, such as 127.0.0.1:8321; without one there is none. Without login it is one of "
        "this machine's own.",
        pattern=_ADDRESS,
        says="write an address and a port, such as 127.0.0.1:8321",
        example="127.0.0.1:8321",
    ),
    text(
        "health",
        "Address at which a process without a page (--role worker) answers /healthz, /readyz and /metrics, "
        "and nothing else; 127.0.0.1:8322 when absent.",
        pattern=_ADDRESS,
        says="write an address and a port, such as 127.0.0.1:8322",
        example="127.0.0.1:8322",
    ),
    URL,
    LOGIN,
    roles_of("in all projects"),
    TOKENS,
    ANYBODY,
    text(
        "log",
        "text, or json: each line of the log is an object with time, project and message; text when absent.",
        enum=("text", "json"),
    ),
    _POLL,
    _DRIFT,
    text(
        "history",
        "How long what happened is remembered, in history.db of the data folder or in database; 90d when "
        "absent.",
        pattern=DURATION,
        says=_SPELLED,
        example="365d",
    ),
    MESSAGES,
    Key(
        name="projects",
        shape=Shape.OPEN,
        about="Repositories that are followed, by a name of lower-case letters, digits and hyphens.",
        item=_PROJECT,
    ),
)
