"""What the steps of the workflows do: one command each, pinned parts, and no more rights than that takes."""

import re
import shlex
from itertools import chain

import pytest

from lockstep.cli.app import COMMANDS, command_parser, global_parser
from lockstep.delivery.setup.init_github import Kind
from tests.unit.workflows.written import ROOT, Step, steps, workflows

KINDS = pytest.mark.parametrize("kind", [*Kind])
SAMPLES = {
    "BASE": "main",
    "BEFORE": "0123456789abcdef0123456789abcdef01234567",
    "COMMIT": "0123456789abcdef0123456789abcdef01234567",
    "ENVIRONMENT": "production",
    "GITOPS": "https://github.com/acme/gitops",
    "NUMBER": "7",
    "REASON": "it loses files",
    "RELEASED": "api@9.6.0,s3-notifier@0.1.6",
    "ROAD": "argocd-job",
    "SERVICES": "api@9.6.0,s3-notifier",
    "TARGET": "production/s3-notifier",
    "VERSION": "0.1.5",
}
"""What the variables of scripts hold."""
LOCAL = "$/.github/actions/lockstep"


def _runs(kind: Kind) -> list[Step]:
    return [step for step in steps(kind) if "run" in step.document]


@KINDS
def test_each_run_is_one_command_that_exists(kind: Kind) -> None:
    """A command of this version, whose parser takes every option, and nothing of a shell beside it."""
    assert _runs(kind)
    for step in _runs(kind):
        line = step.document["run"]
        assert "\n" not in line, step
        assert not set(line) & set(";|&<>`()#*?!~\\'"), line
        filled = re.sub(r"\$([A-Z]+)", lambda name: SAMPLES[name[1]], line)
        assert "$" not in filled, line
        words = shlex.split(filled)
        assert words.pop(0) == "lockstep", line
        options = global_parser().parse_args(words)
        taken = 2 if " ".join(options.words[:2]) in COMMANDS else 1
        command = " ".join(options.words[:taken])
        command_parser(command).parse_intermixed_args(options.words[taken:])


@KINDS
def test_variables_of_scripts_are_quoted_and_set(kind: Kind) -> None:
    """A value comes by ``env``, in quotes; no expression of GitHub stands in a script."""
    for step in _runs(kind):
        line = step.document["run"]
        assert "${{" not in line, line
        used = set(re.findall(r"\$([A-Z]+)", line))
        assert used <= set(step.env), line
        for name in used:
            assert re.search(rf'"[\w/]*\${name}"', line), line


@KINDS
def test_what_is_used_is_pinned(kind: Kind) -> None:
    """A commit of 40 digits with its version behind it, or the action that is written beside."""
    from lockstep.delivery.setup.init_github import workflow_files

    for path, text in workflow_files(kind).items():
        for line in re.findall(r"^[ -]*uses: (.+)", text, re.MULTILINE):
            assert line == LOCAL or re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), (path, line)


def test_this_repository_pins_the_same() -> None:
    """One commit for each action, wherever it is used: here, in the templates and in the documentation."""
    places = [ROOT / "action.yml", *(ROOT / ".github").rglob("*.yml"), *(ROOT / "docs").rglob("*.md")]
    places += (ROOT / "src" / "lockstep" / "delivery" / "setup" / "workflows").rglob("*.yml")
    pins = set(chain.from_iterable(re.findall(r"uses: (\S+@.+)", file.read_text()) for file in places))
    assert {pin.partition("@")[0] for pin in pins} >= {
        "actions/checkout",
        "aws-actions/configure-aws-credentials",
    }
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins), sorted(pins)


def test_the_action_is_the_one_at_the_root() -> None:
    """What ``init --github`` writes is what others use from this repository, with its version set."""
    packaged = ROOT / "src" / "lockstep" / "delivery" / "setup" / "workflows" / "action" / "action.yml"
    assert packaged.read_bytes() == (ROOT / "action.yml").read_bytes()


@KINDS
def test_permissions_are_what_the_steps_need(kind: Kind) -> None:
    """None for a workflow; for a job reading, and writing only where its command writes there."""
    may_write = {
        "id-token": r"lockstep (--repo \S+ )?(sync|plan|drift|preview (up|down|gc)|promote|rollback)",
        "contents": r"lockstep (-C source )?release",
        "pull-requests": r"lockstep plan .*--comment",
        "issues": r"lockstep drift --issue",
        "deployments": r"lockstep (sync|rollback)",
        "statuses": r"lockstep (sync|rollback)",
    }
    for path, document in workflows(kind).items():
        assert document["permissions"] == {}, path
        for name, job in document["jobs"].items():
            commands = "\n".join(step["run"] for step in job["steps"] if "run" in step)
            for scope, right in job["permissions"].items():
                assert right == "read" or re.search(may_write[scope], commands), (path, name, scope)
            wants_aws = any("aws-role" in step.get("with", {}) for step in job["steps"])
            assert wants_aws == (job["permissions"].get("id-token") == "write"), (path, name)


@KINDS
def test_checkouts_keep_no_credentials(kind: Kind) -> None:
    """The token is not left in the work tree, for what runs there to find."""
    for step in steps(kind):
        if step.document.get("uses", "").startswith("actions/checkout@"):
            assert step.document["with"]["persist-credentials"] is False, step


@KINDS
def test_forks_get_nothing(kind: Kind) -> None:
    """A pull request's job asks whose branch it is; no event gives a fork's code the secrets."""
    for path, document in workflows(kind).items():
        assert "pull_request_target" not in document["on"], path
        assert "workflow_run" not in document["on"], path
        if "pull_request" not in document["on"]:
            continue
        for name, job in document["jobs"].items():
            is_own = "github.event.pull_request.head.repo.full_name == github.repository"
            is_by_hand = job.get("if") == "github.event_name == 'workflow_dispatch'"
            is_after = job.get("needs") == "release"  # which does not run for a fork
            assert is_own in job.get("if", "") or is_by_hand or is_after, (path, name)


def test_a_forks_commit_is_approved_before_it_is_fetched() -> None:
    """By hand, in a job of its own that fetches nothing, and the build waits for it."""
    (document,) = [d for path, d in workflows(Kind.MONOREPO).items() if "preview" in path]
    approve, build = document["jobs"]["approve"], document["jobs"]["release"]
    told = [step.get("run") or step["uses"] for step in approve["steps"]]
    assert approve["if"] == "github.event_name == 'workflow_dispatch'"
    assert told[0] == LOCAL
    assert "preview up" in told[1]
    assert "--sha" in told[1]
    assert "--dry-run" in told[1]
    assert len(told) == 2
    assert build["needs"] == "approve"
    assert "needs.approve.result == 'success' || (github.event_name == 'pull_request' &&" in build["if"]


@KINDS
def test_what_writes_is_serialised(kind: Kind) -> None:
    """Deployments wait for each other, all of them: none is cancelled and none is dropped."""
    for path, document in workflows(kind).items():
        commands = " ".join(
            step["run"] for job in document["jobs"].values() for step in job["steps"] if "run" in step
        )
        if re.search(r"lockstep (sync|release|preview gc)|preview (up|down)", commands):
            concurrency = document["concurrency"]
            assert concurrency["cancel-in-progress"] is False, path
            assert concurrency["queue"] == "max", path
