"""Writes the reference pages that follow from the code: keys, fields and commands.

    ./dev docs

A test compares what is committed with what this would write.
"""

import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lockstep.config.schema import LAMBDA, LAYER, PROJECT
from lockstep.config.serve_schema import SERVE
from lockstep.config.shapes import Key, Shape
from lockstep.model.fields import BY_NAME, FIELDS, NOT_FIELDS, Call
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.model.runtimes import AS_OF, RUNTIMES
from lockstep.roads.base import Weight
from lockstep.roads.costs import COSTS
from lockstep.roads.losses import LOSSES
from lockstep.roads.table import ROADS

__all__ = ["pages"]

REFERENCE = Path(__file__).parent / "reference"
_MADE = "<!-- Made by docs/generate.py: change the code, then run ./dev docs. -->"


def pages() -> Mapping[str, str]:
    """Every generated page by its file name."""
    return {
        "lockstep-yaml.md": _keys(
            "lockstep.yaml",
            "The file at the root of the project. It says what the tree of services and environments "
            "does not: accounts, Regions, the package bucket, where packages come from, policies.\n"
            "Editors complete it with [the JSON Schema](../schemas/lockstep.schema.json).",
            PROJECT,
        ),
        "lambda.md": _keys(
            "The `lambda:` block",
            "What a `config.yaml` or `values.yaml` may say below `lambda:`. An absent field means AWS's "
            "default, so removing a line takes effect.\n"
            "Editors complete it with [the JSON Schema](../schemas/values.schema.json).",
            LAMBDA,
        )
        + _fields()
        + _layer()
        + _runtimes(),
        "serve-yaml.md": _keys(
            "lockstep-serve.yaml",
            "What [`lockstep serve`](../how-to/serve.md) follows, and what it may do by itself.\n"
            "Editors complete it with [the JSON Schema](../schemas/serve.schema.json).\n\n"
            "Each key can be given by a variable of the environment instead, which wins: `LOCKSTEP_SERVE__` "
            "and the path of the key in capitals, with two underscores between names and one for each "
            "hyphen, such as `PROJECTS__MY_SHOP__POLL` behind it for `projects.my-shop.poll`. Projects and "
            "environments have to stand in the file.",
            SERVE,
        ),
        "commands.md": _commands(),
        "roads.md": _roads(),
    }


def _keys(title: str, intro: str, root: Key) -> str:
    lines = [_MADE, f"# {title}", "", intro, "", "| key | type | meaning |", "|---|---|---|"]
    lines += [f"| `{path}` | {kind} | {about} |" for path, kind, about in _rows(root, "")]
    return "\n".join(lines) + "\n"


def _rows(key: Key, prefix: str) -> Iterator[tuple[str, str, str]]:
    for member in key.members:
        path = f"{prefix}{member.name}"
        yield path, _kind(member), _cell(member.about)
        if member.name == "functionDefaults":
            continue  # its keys are those of the lambda: block
        nested = member.item if member.item is not None else member
        suffix = {Shape.LIST: "[].", Shape.OPEN: ".NAME."}.get(member.shape, ".")
        yield from _rows(nested, f"{path}{suffix}")


def _kind(key: Key) -> str:
    words = [str(key.shape.value)]
    if key.enum:
        words.append(", ".join(f"`{value}`" for value in key.enum))
    if key.minimum is not None or key.maximum is not None:
        low = "" if key.minimum is None else f"{key.minimum:g}"
        high = "" if key.maximum is None else f"{key.maximum:g}"
        words.append(f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}")
    if key.short is not None:
        words.append(f"or {_kind(key.short)}")
    return _cell("; ".join(words))


def _fields() -> str:
    lines = [
        "",
        "## How each field reaches AWS",
        "",
        "The table that Lockstep itself works from (`model/fields.py`).",
        "",
        "| field | AWS | default | changed by |",
        "|---|---|---|---|",
    ]
    for row in FIELDS:
        default = "" if row.default in (None, (), {}, "") else f"`{_plain(row.default)}`"
        lines.append(f"| `{row.name}` | `{row.api or row.call.value}` | {default} | {_call(row.name)} |")
    lines += [
        "",
        "## Resources beside the function",
        "",
        "Each is a call of its own (`model/kinds/`), which no listing of AWS's tells. A plan reads it where "
        "it is declared or was made by Lockstep, and everywhere with `--full`. The role that runs Lockstep "
        "needs these IAM actions.",
        "",
        "| kind | read by | written by | removed by |",
        "|---|---|---|---|",
        *(
            f"| `{kind.name}` | {_calls(kind, kind.reads)} | {_calls(kind, kind.writes)} "
            f"| {_calls(kind, kind.removes)} |"
            for kind in KINDS.values()
        ),
        "",
        "| value | AWS | default |",
        "|---|---|---|",
    ]
    for kind in KINDS.values():
        for row in kind.rows:
            default = "" if row.default in (None, (), {}, "") else f"`{_plain(row.default)}`"
            meaning = _cell(row.about) if row.computed else f"`{row.api}`"
            lines.append(f"| `{kind.path(row)}` | {meaning} | {default} |")
    lines += ["", "Members of CreateFunction and of both updates that are no fields:", ""]
    lines += [f"- `{name}`: {why}." for name, why in NOT_FIELDS.items()]
    return "\n".join(lines) + "\n"


def _layer() -> str:
    lines = [
        "",
        "## The `layer:` block",
        "",
        "What the files of [a layer that is built here](../how-to/build-a-layer.md) say, at their top and "
        "not below `lambda:`.",
        "",
        "| key | type | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{path}` | {kind} | {about} |" for path, kind, about in _rows(LAYER, "")]
    return "\n".join(lines) + "\n"


def _calls(kind: ResourceKind, names: Iterable[str]) -> str:
    """Calls as IAM names their actions, each once."""
    return ", ".join(dict.fromkeys(f"`{kind.actions.get(name, name)}`" for name in names))


def _runtimes() -> str:
    lines = [
        "",
        "## Runtimes",
        "",
        f"As AWS dated them in {AS_OF} (`model/runtimes.py`). `validate` warns of a runtime that is "
        "deprecated and refuses one that AWS no longer changes; `lockstep validate --on 2027-08-31` judges "
        "as of another day. A version a little above the newest here is a warning, any other name an error.",
        "",
        "| runtime | deprecated | no new functions | no changes | SnapStart |",
        "|---|---|---|---|---|",
    ]
    for row in RUNTIMES.values():
        days = " | ".join(str(day or "") for day in (row.deprecated, row.no_create, row.no_update))
        lines.append(f"| `{row.name}` | {days} | {'yes' if row.has_snap_start else ''} |")
    return "\n".join(lines) + "\n"


def _roads() -> str:
    lines = [
        _MADE,
        "# What roads cannot express",
        "",
        "The table that `lockstep render` makes its reports of (`roads/losses.py`). How to choose: "
        "[Roads through Kubernetes](../explanation/roads.md).",
        "",
        "| | |",
        "|---|---|",
        "| refused | the target is not rendered: what would come of it is wrong, or does harm |",
        "| lost | declared, and not expressed |",
        "| differs | expressed, and works otherwise than with Lockstep's own engine |",
        "",
        "With `--strict` the command ends with 2 when anything that is declared is refused or lost. "
        "A field or a kind that no row names is rendered.",
    ]
    lines += ["", "## What each costs", ""]
    lines += [
        "| | who has to run what | processes | calls of AWS for functions in sync | a commit is live after |"
    ]
    lines += ["|---|---|---|---|---|"]
    for name, cost in COSTS.items():
        lines.append(f"| `{name}` | {cost.runs} | {cost.processes} | {cost.calls} | {cost.live} |")
    lines += ["", "Of functions without triggers and aliases; the others take more on every road."]
    lines += ["Lockstep's own is [counted and measured](../explanation/limits.md#calls-on-real-aws)."]
    words = _Capitals()
    for road in ROADS.values():
        lines += ["", f"## {road.name}", "", f"For {road.title}.", ""]
        lines += ["| what | | what cannot be expressed | what happens instead |", "|---|---|---|---|"]
        rows = [row for row in LOSSES.values() if row.road == road.name]
        for row in sorted(rows, key=lambda row: list(Weight).index(row.weight)):
            problem, instead = (_cell(text.format_map(words)) for text in (row.problem, row.instead))
            lines.append(f"| `{row.field}` | {row.weight} | {problem} | {instead} |")
    return "\n".join(lines) + "\n"


class _Capitals(dict[str, str]):
    """What a report fills in, in capitals."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def _call(name: str) -> str:
    call = BY_NAME[name].call
    return call.value if call is Call.NEVER else f"`{call.value}`"


def _commands() -> str:
    from lockstep.cli.app import COMMANDS, command_parser, global_parser

    parts = [
        _MADE,
        "# Commands",
        "",
        "`lockstep VERB [TARGET...]`. A target is `staging/s3-notifier`; `staging` is a whole environment; "
        "globs such as `'*/s3-*'` select several; no target means all.",
        "Results go to stdout, the log to stderr; with `-o json` errors are a document on stdout, too.",
        "On a terminal each command ends with the next step.",
        "",
        "| exit code | meaning |",
        "|---|---|",
        "| 0 | done, or nothing to do |",
        "| 1 | failed, or a target is blocked or could not be read |",
        "| 2 | differences (with `--exit-code`, or `render --check`), or losses (with `--strict`) |",
        "| 3 | bad input: nothing was changed |",
        "| 130 | stopped by Ctrl-C |",
        "",
    ]
    parts += ["## lockstep", "", "```text", _help(global_parser()), "```", ""]
    for name in COMMANDS:
        parts += [f"## {name}", "", "```text", _help(command_parser(name)), "```", ""]
    return "\n".join(parts)


def _help(parser: ArgumentParser) -> str:
    os.environ["COLUMNS"] = "82"  # argparse leaves two of them empty
    return "\n".join(line.rstrip() for line in parser.format_help().strip().splitlines())


def _plain(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;").strip()


if __name__ == "__main__":
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}\n")
