"""What the jobs that hold a pull request's code can reach: secrets, and rights of their token."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import pytest

from lockstep.delivery.setup.init_github import Kind
from tests.support.actions import evaluate, events
from tests.unit.workflows.written import ROOT, workflow, workflows

OF_PULLS = {"pull_request", "pull_request_target", "merge_group", "workflow_run", "issue_comment"}
"""Events that a pull request makes."""
BUILDS = r"\brelease\b|^(?!\s*(lockstep|pipx install lockstep-gitops)\b)"
"""Commands that run what the repository says: a build, and whatever is not Lockstep."""


class Code(StrEnum):
    """What becomes of the code that a job has checked out."""

    READ = "read"  # as data
    PLANNED = "planned"  # by Terraform, which runs what its files say
    BUILT = "built"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What the code that is checked out in a job could get hold of."""

    secrets: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()  # scopes of the workflow's own token
    code: Code = Code.READ


PLAN = Reach(secrets=frozenset({"LOCKSTEP_PLAN_TOKEN"}), writes=frozenset({"id-token", "pull-requests"}))
BUILD = Reach(writes=frozenset({"contents"}), code=Code.BUILT)
REACH = {
    "monorepo lockstep-preview.yml release": BUILD,
    "gitops lockstep-plan.yml plan": PLAN,
    "infrastructure lockstep-plan.yml plan": replace(PLAN, code=Code.PLANNED),
    "combined lockstep-preview.yml release": BUILD,
    "combined lockstep-plan.yml plan": PLAN,
    "own ci.yml audit": Reach(code=Code.BUILT),
    "own ci.yml site": Reach(code=Code.BUILT),  # the pages of the pull request, by a kept generator
    "own ci.yml test": Reach(code=Code.BUILT),
    "docs deploy-from-ci.md plan": Reach(writes=frozenset({"id-token"})),
    "docs github-actions.md validate": Reach(),
    "docs github-actions.md plan": PLAN,  # reads a commit as data; nothing is checked out
}
"""Every job with a pull request's code. Another one, or more reach, is to be thought about first."""


def _all() -> Iterator[tuple[str, dict[str, Any]]]:
    """The workflows of each kind of repository, our own, and those that pages show."""
    for kind in Kind:
        for path, document in workflows(kind).items():
            yield f"{kind} {path.rpartition('/')[2]}", document
    for file in sorted((ROOT / ".github" / "workflows").glob("*.y*ml")):
        yield f"own {file.name}", workflow(file.read_text(encoding="utf-8"))
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"```ya?ml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            if re.search(r"^jobs:", block, re.MULTILINE):
                yield f"docs {page.name}", workflow(block)


def _events(document: Mapping[str, Any]) -> set[str]:
    on = document["on"]
    return {on} if isinstance(on, str) else {*on}


def secrets_in(part: Any) -> set[str]:
    """The secrets that a part of a workflow names; ``*`` where it takes them all."""
    text = json.dumps(part)
    found = set(re.findall(r"\bsecrets\s*\.\s*(\w+)", text))
    found |= set(re.findall(r"""\bsecrets\s*\[\s*'(\w+)'""", text))
    whole = re.search(r"""\bsecrets\s*(?![\s.\[\w"])|"secrets": "inherit"|\bsecrets\s*\[(?!\s*')""", text)
    return found | ({"*"} if whole else set())


def _is_of_pulls(document: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether a checkout of a job can be of a pull request: by its event, or by a commit that it is given."""
    if not any(
        str(step.get("uses", "")).startswith("actions/checkout@") or " --rev " in str(step.get("run", ""))
        for step in job["steps"]
    ):
        return False
    shown = json.dumps([step.get("with", {}) for step in job["steps"]])
    is_given = "inputs." in shown or "pull_request.head" in shown or "workflow_run.head" in shown
    is_of_others = re.fullmatch(r"github\.event_name == '(?!pull_request|merge_group)\w+'", job.get("if", ""))
    return is_given or (bool(OF_PULLS & _events(document)) and not is_of_others)


def reach_of(document: Mapping[str, Any], job: Mapping[str, Any]) -> Reach:
    """What a job's code could get hold of: what the job and the workflow around it name."""
    around = {key: value for key, value in document.items() if key != "jobs"}
    rights = job.get("permissions", document.get("permissions", "write-all"))
    writes = {rights} if isinstance(rights, str) else {k for k, v in rights.items() if v != "read"}
    commands = [str(step["run"]) for step in job["steps"] if "run" in step]
    has_terraform = any(step.get("with", {}).get("terraform-version") for step in job["steps"])
    return Reach(
        secrets=frozenset(secrets_in(around) | secrets_in(job)),
        writes=frozenset(writes),
        code=Code.BUILT
        if any(re.search(BUILDS, line) for line in commands)
        else Code.PLANNED
        if has_terraform
        else Code.READ,
    )


def test_jobs_with_a_pull_requests_code_reach_what_is_known() -> None:
    """All workflows there are: the jobs that hold such code, and what each of them can get hold of."""
    found = {
        f"{where} {name}": reach_of(document, job)
        for where, document in _all()
        for name, job in document["jobs"].items()
        if _is_of_pulls(document, job)
    }
    assert found == REACH


def test_what_builds_a_pull_requests_code_knows_no_secret() -> None:
    """No secret, no credentials of AWS, no environment of GitHub; of its own repository at most a release."""
    for where, document in _all():
        for name, job in document["jobs"].items():
            reach = reach_of(document, job)
            if _is_of_pulls(document, job) and reach.code is Code.BUILT:
                assert not reach.secrets, (where, name)
                assert reach.writes <= {"contents"}, (where, name)
                assert "environment" not in job, (where, name)


@pytest.mark.parametrize(
    ("event", "approved", "is_built"),
    [
        ("workflow_dispatch", "success", True),
        ("workflow_dispatch", "failure", False),
        ("workflow_dispatch", "skipped", False),
        ("pull_request", "skipped", True),
    ],
)
def test_a_build_waits_for_the_approval(event: str, approved: str, is_built: bool) -> None:
    """Of a fork's commit only one that was approved; a branch of the repository needs nobody's."""
    (document,) = [d for path, d in workflows(Kind.MONOREPO).items() if "preview" in path]
    pull = events.pull_request("a/b", "labeled", number=1, head="x", sha="0" * 40, labels=("preview",))
    github = {"event_name": event, "event": pull if event == "pull_request" else {}, "repository": "a/b"}
    contexts = {"github": github, "needs": {"approve": {"result": approved}}}
    assert bool(evaluate(document["jobs"]["release"]["if"], contexts)) is is_built


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("${{ secrets.A || github.token }}", {"A"}),
        ("${{ secrets['A'] }}", {"A"}),
        ("${{ toJSON(secrets) }}", {"*"}),
        ("${{ secrets[format('{0}', inputs.x)] }}", {"*"}),
        ({"secrets": "inherit"}, {"*"}),
        ({"env": {"TOKEN": "${{ secrets . A }}"}}, {"A"}),
        ("${{ github.token }}", set()),
    ],
)
def test_a_secret_is_seen_in_any_spelling(part: Any, names: set[str]) -> None:
    """By its name, by an index, all of them at once."""
    assert secrets_in(part) == names


def test_the_reading_sees_what_must_not_be() -> None:
    """The gate as a step of the build, and a secret around all jobs, are both reach of the build."""
    job = {
        "steps": [
            {
                "run": "lockstep preview up --dry-run",
                "env": {"GITHUB_TOKEN": "${{ secrets.LOCKSTEP_TOKEN }}"},
            },
            {"uses": "actions/checkout@x", "with": {"ref": "${{ inputs.commit }}"}},
            {"run": "lockstep -C source release"},
        ]
    }
    document = {"on": {"workflow_dispatch": {}}, "env": {"K": "${{ secrets.KEY }}"}, "jobs": {"build": job}}
    assert _is_of_pulls(document, job)
    assert reach_of(document, job) == Reach(
        secrets=frozenset({"LOCKSTEP_TOKEN", "KEY"}), writes=frozenset({"write-all"}), code=Code.BUILT
    )
