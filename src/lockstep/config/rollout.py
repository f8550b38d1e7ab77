"""The declared rollout of a target, and the files of its smoke call."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.config.context import Context
from lockstep.config.durations import duration
from lockstep.config.layers import Path
from lockstep.config.problems import Problems
from lockstep.config.rollout_schema import ALARM_ARN, NAMED, read_name
from lockstep.model import Target
from lockstep.model.alias import described
from lockstep.model.foreign import read_json
from lockstep.model.rolling import LONGEST_MARK
from lockstep.model.rollout import Compared, MetricGate, Rollout, Smoke, Stage, Unjudged
from lockstep.model.tree import Tree

__all__ = ["read_rollout", "with_smoke_files"]

_AT = ("lambda", "rollout")
_LONGEST = 180 * 86_400  # seconds of one step
_CALLS = 20
_WORSE = {Compared.ERRORS: 0.005, Compared.THROTTLES: 0.005, Compared.P95: 0.2, Compared.P99: 0.2}
_LARGEST = 1_000_000  # bytes of a smoke file


def read_rollout(context: Context, block: Mapping[str, Any]) -> Rollout | None:
    """The declared rollout; None without one. Problems are noted in the context."""
    declared = block.get("rollout")
    if declared is None:
        return None
    if block.get("alias") is None:
        context.wrong(
            _AT,
            "lambda.rollout is about the calls of an alias, and none is declared",
            "add lambda.alias, for example live, or remove rollout",
        )
        return None
    said = declared if isinstance(declared, Mapping) else {"steps": declared}
    steps_at: Path = (*_AT, "steps") if isinstance(declared, Mapping) else _AT
    steps = said.get("steps")
    if steps is None:
        context.wrong(
            _AT, "lambda.rollout has no steps", "add steps: Canary10Percent5Minutes, or a list of steps"
        )
        return None
    name, stages = _stages(context, steps, steps_at)
    rollout = Rollout(
        name=name,
        stages=stages,
        alarms=tuple(dict.fromkeys(_alarms(context, said.get("alarms") or ()))),
        metrics=tuple(_metrics(context, said.get("metrics") or ())),
        smoke=_smoke(context, said.get("smoke")),
        no_data=Unjudged(said.get("noData") or Unjudged.PAUSE),
        rolls_back=said.get("onFailure") == "rollback",
        group=said.get("group") or "",
        place=context.place(*_AT),
        group_place=context.place(*_AT, "group") if said.get("group") else "",
    )
    _check_together(context, rollout, said)
    environment = context.file.project.environment(context.candidate.environment)
    traits = environment.traits
    is_left = environment.terraform is not None and traits.road is not None and traits.runs is None
    if is_left and (rollout.stages or rollout.smoke is not None):
        context.wrong(
            _AT,
            f"a rollout with steps or a smoke call is declared, and a cluster applies this environment "
            f"(engine: {environment.engine}), where nobody takes its steps",
            "write rollout: allAtOnce, or use `engine: terraform` or `engine: aws`",
        )
    return rollout


def _stages(context: Context, steps: Any, at: Path) -> tuple[str, tuple[Stage, ...]]:
    if isinstance(steps, str):
        found = NAMED.fullmatch(steps)
        if found is None and (problem := read_name(steps)) is not None:  # of a template
            context.wrong(at, *problem)
        if found is None or found["once"]:
            return "allAtOnce", ()
        if found["canary"]:
            return steps, (Stage(weight=int(found["canary"]) / 100, seconds=int(found["bake"]) * 60),)
        share, seconds = int(found["linear"]), int(found["every"]) * 60
        return steps, tuple(
            Stage(weight=weight / 100, seconds=seconds) for weight in range(share, 100, share)
        )
    stages: list[Stage] = []
    for number, step in enumerate(steps):
        where = (*at, number)
        stage = _stage(context, step, where, stages[-1].weight if stages else 0.0)
        if stage is not None:
            stages.append(stage)
    if not steps:
        context.wrong(at, "the rollout has an empty list of steps", "add a step, or write allAtOnce")
    return f"{len(steps)} {'step' if len(steps) == 1 else 'steps'}", tuple(stages)


def _stage(context: Context, step: Mapping[str, Any], where: Path, before: float) -> Stage | None:
    weight, lasts, pause = (step.get(name) for name in ("weight", "for", "pause"))
    if pause is not None:
        if weight is not None or lasts is not None:
            context.wrong(
                where,
                "a pause has no weight and no length: it keeps the weight until somebody approves",
                "write two steps: {weight: 5%, for: 10m} and {pause: approval}",
            )
            return None
        return Stage(weight=before, approval=True)
    if weight is None:
        context.wrong(where, "the step has no weight", "add weight: 5%, or write {pause: approval}")
        return None
    share = float(weight[:-1]) / 100
    if share > 1:
        context.wrong((*where, "weight"), f"{weight} is more than all calls", "write at most 100%")
    elif share <= before:
        context.wrong(
            (*where, "weight"),
            f"{weight} is not above the weight of the step before, {before * 100:g}%",
            "let the weights grow from step to step",
        )
    if lasts is None:
        last = share >= 1
        context.wrong(
            where,
            "the step has no end",
            "remove it: after the last step all calls go to the new version"
            if last
            else "add for: 10m; to wait for a person, let {pause: approval} follow it",
        )
        return None
    seconds = duration(lasts) or 0
    if not 0 < seconds <= _LONGEST:
        context.wrong((*where, "for"), f"{lasts} is no length of a step", "write between 1s and 180d")
    return Stage(weight=share, seconds=seconds)


def _alarms(context: Context, declared: Any) -> Iterator[str]:
    environment = context.file.project.environment(context.candidate.environment)
    for number, alarm in enumerate(declared):
        found = re.fullmatch(ALARM_ARN, alarm)
        if found is None:
            if alarm.startswith("arn:"):
                context.wrong(
                    (*_AT, "alarms", number),
                    f"{alarm!r} is no ARN of an alarm",
                    "write the alarm's name, or arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME",
                )
            yield alarm
            continue
        for what, is_here in (("Region", environment.region), ("account", environment.account)):
            there = found[what.lower()]
            if is_here is not None and there != is_here:
                context.wrong(
                    (*_AT, "alarms", number),
                    f"the alarm is in the {what} {there}, and {environment.name} in {is_here}",
                    "CloudWatch tells of alarms in its own place only: name one there",
                )
        yield found["name"]


def _metrics(context: Context, declared: Any) -> Iterator[MetricGate]:
    for number, entry in enumerate(declared):
        where = (*_AT, "metrics", number)
        name = entry.get("metric") or ""
        own = [key for key in ("dimensions", "statistic", "most", "least") if entry.get(key) is not None]
        ours = [key for key in ("worse", "calls") if entry.get(key) is not None]
        if entry.get("namespace") is not None:
            if ours:
                context.wrong(
                    (*where, ours[0]),
                    f"{ours[0]} is about a comparison, and a metric of your own is not compared",
                    "write most: or least:, the bound of its value",
                )
            most, least = entry.get("most"), entry.get("least")
            if most is None and least is None:
                context.wrong(where, f"nothing says when {name} is well", "add most: or least:")
            if most is not None and least is not None and most < least:
                context.wrong(
                    (*where, "least"),
                    f"no value of {name} is at least {least:g} and at most {most:g}: the gate always fails",
                    f"write most: {least:g} and least: {most:g}, or one of the two",
                )
            yield MetricGate(
                namespace=entry["namespace"],
                metric=name,
                dimensions=dict(entry.get("dimensions") or {}),
                statistic=entry.get("statistic") or "Average",
                most=most,
                least=least,
            )
            continue
        if name not in [*Compared]:
            context.wrong(
                (*where, "metric"),
                f"{name!r} is none of the metrics that are compared",
                f"write one of {', '.join(Compared)}, or add the namespace of your own metric",
            )
            continue
        if own:
            context.wrong(
                (*where, own[0]),
                f"{own[0]} is about a metric of your own, and {name} is compared with the stable version's",
                f"remove it, or add the namespace of your own {name}",
            )
        compared = Compared(name)
        worse = _WORSE[compared] if entry.get("worse") is None else float(entry["worse"][:-1]) / 100
        if worse >= 1 and not compared.is_duration:
            context.wrong(
                (*where, "worse"),
                f"{name} is a share of calls, which is never {entry['worse']} above another one: the gate "
                "never fails",
                "write less than 100%, such as 1%",
            )
        yield MetricGate(
            compared=compared,
            worse=worse,
            calls=entry.get("calls") or _CALLS,
        )


def _smoke(context: Context, declared: Any) -> Smoke | None:
    if declared is None:
        return None
    return Smoke(
        payload=declared.get("payload") or "",
        expect=declared.get("expect") or "",
        place=context.place(*_AT, "smoke"),
    )


def _check_together(context: Context, rollout: Rollout, said: Mapping[str, Any]) -> None:
    """Nothing is declared that would not be acted upon, and the record has to find room."""
    if not rollout.stages:
        for name in ("alarms", "metrics", "noData", "onFailure", "group"):
            if said.get(name):
                context.wrong(
                    (*_AT, name),
                    f"rollout.{name} is about the steps, and allAtOnce has none",
                    f"write steps, or remove {name}",
                )
    if said.get("noData") is not None and not rollout.alarms and rollout.stages:
        context.wrong(
            (*_AT, "noData"), "noData is about alarms, and none is named", "add alarms, or remove it"
        )
    key = context.candidate.key
    mark = described(context.file.project.name, key, context.version or "")
    if rollout.stages and len(mark) > LONGEST_MARK:
        context.wrong(
            _AT,
            f"project, target and version have {len(mark)} characters; beside a rollout's record an alias's "
            f"description has room for {LONGEST_MARK}",
            "shorten the names or the version, or write allAtOnce",
        )


def with_smoke_files(tree: Tree, targets: Mapping[str, Target], problems: Problems) -> dict[str, Target]:
    """The targets with the contents of the files that their smoke calls name.

    A file that is missing or is no JSON is a problem at the line that names it.
    """
    smokes = {key: one.rollout.smoke for key, one in targets.items() if one.rollout and one.rollout.smoke}
    if not smokes:
        return dict(targets)
    paths = {path for one in smokes.values() for path in (one.payload, one.expect) if path}
    contents = tree.read(sorted(paths & tree.blobs.keys()))
    found = dict(targets)
    for key, smoke in smokes.items():
        texts = {}
        for name, path in (("payload", smoke.payload), ("expect", smoke.expect)):
            text = _json_text(contents.get(path), path, smoke.place, name, problems, key) if path else None
            texts[name] = text
        rollout = targets[key].rollout
        assert rollout is not None  # noqa: S101 - it has the smoke call
        filled = replace(smoke, sent=texts["payload"] or "{}", expected=texts["expect"] or "")
        found[key] = replace(targets[key], rollout=replace(rollout, smoke=filled))
    return found


def _json_text(
    data: bytes | None, path: str, place: str, name: str, problems: Problems, key: str
) -> str | None:
    if data is None:
        problem, fix = f"{name} names {path}, which is not in the repository", "commit it, or mend the path"
    elif len(data) > _LARGEST:
        problem, fix = f"{path} has {len(data):,} bytes", f"keep it below {_LARGEST:,}"
    else:
        try:
            return json.dumps(read_json(data), ensure_ascii=False)
        except ValueError as error:
            problem, fix = f"{path} is no JSON: {error}", "mend the file"
    problems.add(place, problem, fix, doing=key)
    return None
