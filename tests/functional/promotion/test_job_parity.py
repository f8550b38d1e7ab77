"""The Jobs of Argo CD's make of a generated repository what the aws engine makes of it.

Each container's command is run as the manifest says, one target after the other in an order of its own. Eight
fleets for each commit, 200 once a week (``LOCKSTEP_EVERY_FAULT=1``), 25 at a time.
"""

import json
import os
import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
import yaml

from lockstep.artifacts.package import make_zip_of
from lockstep.model import Target
from lockstep.model.kinds import KINDS
from tests.functional.kinds.samples import furnish
from tests.functional.promotion.conftest import Shop
from tests.functional.promotion.test_handed_over import KUBERNETES
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.carried import fleet_of
from tests.support.clouds import Cloud, client
from tests.support.engine import Lab, prepare
from tests.support.projects import PACKAGES, UPLOADS

BATCHES = [range(at, at + 25) for at in range(0, 200, 25)]
if not os.environ.get("LOCKSTEP_EVERY_FAULT"):
    BATCHES = [range(8)]

PROJECT = f"""\
project: shop
region: eu-west-1
environments:
  staging: {{engine: ENGINE, promotion: {{merge: direct}}}}
  preview: {{engine: ENGINE}}
packages: {{bucket: {PACKAGES}}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
{KUBERNETES}"""
_NEVER_ALIKE = ("LastModified", "RevisionId", "Version")


@pytest.fixture
def ground(shop: Shop) -> Shop:
    """The shop's repository with nothing declared in it."""
    shop.work.git("rm", "-rq", "environments", "services")
    return shop


@pytest.fixture
def lab(ministack: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """A strict AWS."""
    return lab_on(ministack, *everything(lag=0), Settings())


def _empty(lab: Lab) -> None:
    """An account with nothing in it but what is called, or calls, by name."""
    lab.aws.reset()
    prepare(lab.aws, lab.folder)
    furnish(lab.aws.behind)
    client(lab.aws.behind, "kinesis").create_stream(StreamName="clicks", ShardCount=1)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """``a.b`` as a key below ``a``."""
    made: dict[str, Any] = {}
    for path, value in values.items():
        *groups, leaf = path.split(".")
        place = made
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    return made


def _declared(target: Target) -> dict[str, Any]:
    """The ``lambda`` block of a target, as somebody would write it."""
    assert target.function is not None
    block = _nested(target.function.settings)
    variables = block.get("environment", {})  # templates of names in braces
    block |= {"environment": {name: re.sub("([{}])", r"\1\1", text) for name, text in variables.items()}}
    block |= {"version": target.version, "functionName": target.function.name}
    block |= {"tags": dict(target.function.tags), "ignore": list(target.ignore)}
    block["triggers"] = [
        {"bucket": one.bucket, "prefix": one.prefix, "suffix": one.suffix} for one in target.triggers
    ]
    if target.alias:
        block["alias"] = target.alias
    for one in target.resources:
        kind = KINDS[one.kind]
        usual = kind.usual(one.settings, target.function.name, one.name)
        said = _nested({n: v for n, v in one.settings.items() if usual.get(n) != v and n != "statementId"})
        value = said.get(kind.bare) if kind.bare else said
        if kind.is_many and kind.has_names:
            label = f"at-{one.name}" if one.kind == "schedules" else one.name  # of no rule's name
            block.setdefault(one.kind, {})[label] = value
        else:
            block[one.kind] = value
    return json.loads(json.dumps(block))  # type: ignore[no-any-return]


def _files(targets: Iterable[Target], shop: Shop) -> dict[str, str]:
    """What declares targets; their packages are written, too."""
    files = {}
    for one in targets:
        common = {"serviceName": one.service, "deploymentType": "lambda"}
        files[f"services/{one.service}/config.yaml"] = yaml.safe_dump(common)
        text = yaml.safe_dump({"serviceName": one.service, "lambda": _declared(one)}, sort_keys=False)
        if one.is_preview:
            folder = f"environments/{one.environment}"
            files[f"{folder}/pr.yaml"] = "prNumber: 7\n"
            files[f"{folder}/services/{one.service}.values.yaml"] = "deploymentType: lambda\n" + text
        else:
            files[f"environments/{one.environment}/{one.service}/config.yaml"] = text
        place = shop.work.folder / "packages" / f"{one.service}-{one.version}.zip"
        place.parent.mkdir(exist_ok=True)
        make_zip_of({"app.py": f"NAME = {one.service!r}\ndef handler(e, c): pass\n".encode()}, place)
    return files


def _account(lab: Lab, targets: Iterable[Target]) -> dict[str, Any]:
    """Everything that is live, without what differs between any two deployments."""
    functions, events = lab.client("lambda"), lab.client("events")
    notifications = lab.client("s3").get_bucket_notification_configuration(Bucket=UPLOADS)
    entries = notifications.get("LambdaFunctionConfigurations", [])
    found: dict[str, Any] = {
        "bucket": sorted(entries, key=lambda one: str(one["Id"])),
        "rules": sorted((one["Name"], one.get("ScheduleExpression")) for one in events.list_rules()["Rules"]),
    }
    for target in targets:
        assert target.function is not None
        name = target.function.name
        answer = _settled(functions, name)
        found[target.key] = {
            **{k: v for k, v in answer["Configuration"].items() if k not in _NEVER_ALIKE},
            "Tags": answer.get("Tags"),
            "Concurrency": answer.get("Concurrency"),
            "Policy": [_policy(functions, name, one) for one in (None, target.alias)],
            "Aliases": [
                (one["Name"], one["FunctionVersion"])
                for one in functions.list_aliases(FunctionName=name)["Aliases"]
            ],
            "EventSources": sorted(
                (str(one["EventSourceArn"]), one["BatchSize"], one["State"])
                for one in functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
            ),
        }
    return found


def _settled(functions: Any, name: str) -> Mapping[str, Any]:
    """What Lambda answers of a function once it has made it."""
    for waiter in ("function_active_v2", "function_updated_v2"):
        functions.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    found: Mapping[str, Any] = functions.get_function(FunctionName=name)
    return found


def _policy(functions: Any, name: str, qualifier: str | None) -> list[Any]:
    on = {"Qualifier": qualifier} if qualifier else {}
    try:
        statements = json.loads(functions.get_policy(FunctionName=name, **on)["Policy"])["Statement"]
    except functions.exceptions.ResourceNotFoundException:
        return []
    return sorted(statements, key=lambda one: str(one["Sid"]))


def _containers(shop: Shop, seed: int) -> list[list[str]]:
    """What the containers of the sync hooks run, in an order of its own; the clone is ours."""
    found = []
    for path in sorted(shop.work.folder.glob("environments/**/*deploy-job.yaml")):
        (job,) = [one for one in yaml.safe_load_all(path.read_text()) if _hook(one) == "Sync"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["lockstep"]
        assert container["args"][:4] == ["--repo", "https://git.example.com/acme/gitops", "--rev", "main"]
        found.append(container["args"][4:])
    random.Random(seed).shuffle(found)  # noqa: S311 - an order, no secret
    return found


def _hook(one: Mapping[str, Any]) -> str | None:
    hook: str | None = one["metadata"]["annotations"].get("argocd.argoproj.io/hook")
    return hook


@pytest.mark.parametrize("seeds", BATCHES, ids=lambda batch: f"{batch[0]}-{batch[-1]}")
def test_jobs_make_what_the_aws_engine_makes(ground: Shop, lab: Lab, seeds: range) -> None:
    """Functions, aliases, who may call them, what stands beside them and the bucket: all is as declared."""
    targets = [one for seed in seeds for one in fleet_of(seed).targets.values()]
    files = _files(targets, ground)
    ground.push_disk("fleets", **files, **{"lockstep.yaml": PROJECT.replace("ENGINE", "argocd-job")})
    _empty(lab)
    ground.run("sync")
    ground.pull()
    words_of = _containers(ground, seeds[0])
    for words in words_of:
        ground.run(*words)
    assert len(words_of) == len(targets)
    by_jobs = _account(lab, targets)
    ground.push("Lockstep applies it", **{"lockstep.yaml": PROJECT.replace("ENGINE", "aws")})
    ground.pull()
    ground.run("plan", "--full", "--exit-code")
    _empty(lab)
    ground.run("sync")
    by_aws = _account(lab, targets)
    differing = {key: (by_aws[key], by_jobs[key]) for key in by_aws if by_aws[key] != by_jobs[key]}
    assert not differing
