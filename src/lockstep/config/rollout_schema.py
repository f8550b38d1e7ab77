"""The keys of ``lambda.rollout``."""

from lockstep.config import rules
from lockstep.config.durations import DURATION
from lockstep.config.rows import group, text, texts
from lockstep.config.shapes import Key, Shape
from lockstep.model.rollout import OWN_METRICS, Compared, Unjudged
from lockstep.regexes import regex

__all__ = ["ALARM_ARN", "NAMED", "ROLLOUT", "SHARE", "read_name"]

SHARE = r"^(?!0+(\.0+)?%$)\d{1,3}(\.\d{1,4})?%$"
"""A share of calls: a decimal with a percent sign, above nothing."""

ALARM_ARN = r"^arn:aws[a-z-]*:cloudwatch:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):alarm:(?P<name>.+)$"

NAMED = regex(
    r"(?:CodeDeployDefault\.)?(?:Lambda)?(?:"
    r"(?P<once>[Aa]llAtOnce)"
    r"|Canary(?P<canary>[1-9]\d?)Percent(?P<bake>[1-9]\d{0,3})Minutes?"
    r"|Linear(?P<linear>[1-9]\d?)PercentEvery(?P<every>[1-9]\d{0,3})Minutes?)"
)
"""Deployment configurations by CodeDeploy's names. Source: CodeDeploy user guide, "Deployment configurations
on an AWS Lambda compute platform"; percents and minutes are free here."""

_FIX = (
    "write allAtOnce, a name such as Canary10Percent5Minutes or Linear10PercentEvery1Minute, or steps: "
    "[{weight: 5%, for: 10m}, {pause: approval}]"
)


def read_name(value: str) -> rules.Problem | None:
    """What is wrong with the name of a rollout."""
    return None if NAMED.fullmatch(value) else (f"{value!r} names no rollout", _FIX)


def _path(value: str) -> rules.Problem | None:
    parts = value.split("/")
    if not value or value.startswith("/") or "\\" in value or any(part in ("", ".", "..") for part in parts):
        fix = "write the path of a file in the repository, from its root: tests/smoke.json"
        return f"{value!r} is no path in the repository", fix
    return None


_NAME = text(
    "rollout",
    "",
    rule=read_name,
    example="Canary10Percent5Minutes",
)
_STEPS = Key(
    name="steps",
    shape=Shape.LIST,
    about="Shares of calls that the new version gets, one after the other; then all. Or a name of "
    "CodeDeploy's: Canary10Percent5Minutes, Linear10PercentEvery1Minute, allAtOnce.",
    short=_NAME,
    most=50,
    item=group(
        "step",
        "",
        text(
            "weight",
            "Share of calls of the new version, such as 5% or 0.5%; each step's is above the one before.",
            pattern=SHARE,
            says="write a share such as 5% or 0.5%",
            example="5%",
        ),
        text(
            "for",
            "How long the step lasts at least: 10m.",
            pattern=DURATION,
            says="write for example 30s, 10m or 1h",
            example="10m",
        ),
        text("pause", "approval: until somebody says `lockstep rollout approve`.", enum=("approval",)),
    ),
)
_METRICS = texts(
    "metrics",
    "Metrics that have to be well in every step: Lambda's own of the new version against the stable one, and "
    "metrics of your own.",
    group(
        "metric",
        "",
        text(
            "metric",
            f"{', '.join(Compared)}; or with a namespace the name of a metric of your own.",
            required=True,
            example="errors",
        ),
        text(
            "worse",
            "Compared ones: by how much the new version may be worse. Of errors and throttles percent of the "
            "calls, 0.5% when absent; of durations percent of the stable one's, 20% when absent.",
            pattern=r"^\d{1,4}(\.\d{1,4})?%$",
            says="write a share such as 1%",
            example="1%",
        ),
        Key(
            name="calls",
            shape=Shape.INTEGER,
            about="Compared ones: calls of the new version in a step without which nothing is said; 20 when "
            "absent.",
            minimum=1,
            maximum=100_000,
        ),
        text("namespace", "Namespace of a metric of your own.", example="Shop"),
        Key(
            name="dimensions",
            shape=Shape.OPEN,
            about="Dimensions of a metric of your own.",
            item=text("dimension", ""),
        ),
        text(
            "statistic",
            "Statistic of a metric of your own, over each minute and over the step; Average when absent.",
            enum=OWN_METRICS,
        ),
        Key(name="most", shape=Shape.NUMBER, about="The highest value of a metric of your own that is well."),
        Key(name="least", shape=Shape.NUMBER, about="The lowest one."),
    ),
)

ROLLOUT = Key(
    name="rollout",
    shape=Shape.MAP,
    about="With an alias: how a release comes to the calls. Steps, or a map of them with what has to be well "
    "meanwhile. All calls at once when absent.",
    short=_STEPS,
    members=(
        _STEPS,
        texts(
            "alarms",
            "CloudWatch alarms, by name or ARN. One that fires during the rollout takes it back.",
            text(
                "alarm",
                "",
                pattern=r"^\S(.{0,253}\S)?$",
                says="write the alarm's name, or its ARN",
            ),
        ),
        _METRICS,
        group(
            "smoke",
            "A call of the new version before any other call goes to it. It is a real one.",
            text("payload", "Path of a JSON file from the repository's root; {} when absent.", rule=_path),
            text(
                "expect",
                "Path of a JSON file: what the answer has to contain. Any without an error when absent.",
                rule=_path,
            ),
        ),
        text(
            "noData",
            "What an alarm without data means: pause (when absent), pass or fail.",
            enum=tuple(Unjudged),
        ),
        text(
            "onFailure",
            "What a sync does besides when a gate fails: stop (when absent) leaves Git as it is; rollback "
            "declares the last good version with a hold, as `lockstep rollback` does.",
            enum=("stop", "rollback"),
        ),
        text(
            "group",
            "Targets of one environment with the same group and the same steps move as one: all take a step "
            "when each of them may, and one that is taken back takes back all.",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            says="write a name of letters, digits, dots, - and _, for example checkout",
            example="checkout",
        ),
    ),
    extra={"examples": ["Canary10Percent5Minutes"]},
)
"""``lambda.rollout``."""
