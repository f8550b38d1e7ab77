"""A runner: the jobs of a workflow in their order, their conditions, checkouts and ``run:`` steps.

What GitHub's runner does and our workflows rely on is done for real: a job has folders of its own, a step
has only its own ``env``, ``GITHUB_OUTPUT`` goes from step to step and from job to job. The action that
installs Lockstep stands for the Lockstep of the tests; with a role it gives the job AWS credentials.
"""

import itertools
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.actions.expressions import evaluate, fill

__all__ = ["Ran", "Runner", "StepFailed"]


class StepFailed(AssertionError):
    """A step ended with another code than 0; the text holds what it printed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """A command that ran."""

    job: str
    line: str
    output: str


@dataclass(kw_only=True)
class Runner:
    """What is the same for all workflows of a test."""

    folder: Path
    server: str  # of Git over HTTP
    base: Mapping[str, str]  # environment of every step: PATH, HOME, caches
    aws: dict[str, Mapping[str, str]]  # what a job gets that takes a role, by its ARN
    vars: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def run(
        self, workflow: Mapping[str, Any], event: str, payload: Mapping[str, Any], *, sha: str
    ) -> list[Ran]:
        """Run a workflow for an event; ``sha`` is the commit that a checkout takes. Raises StepFailed."""
        name = payload["repository"]["full_name"]
        run = next(self.numbers)
        github = {
            "event": payload,
            "event_name": event,
            "repository": name,
            "server_url": self.server,
            "sha": sha,
            "ref": payload.get("ref") or "refs/heads/main",
            "token": "workflow-token",
            "run_id": run,
        }
        needs: dict[str, Any] = {}
        before: dict[str, set[str]] = {}  # a job -> those that it waits for
        ran: list[Ran] = []
        for job, document in _in_order(workflow["jobs"]):
            wanted = _names(document.get("needs"))
            contexts: dict[str, Any] = {
                "github": github,
                "vars": self.vars,
                "inputs": payload.get("inputs") or {},
                "needs": {one: needs[one] for one in wanted},
                # A job without an environment has no secrets of environments; ours are all there.
                "secrets": self.secrets if "environment" in document else {},
            }
            before[job] = {*wanted, *(far for one in wanted for far in before[one])}
            condition = str(document.get("if", "true"))
            # Without a function of its own about it, a condition asks for all that go before, however far.
            # Source: GitHub documentation, "Using conditions to control job execution".
            is_after = all(needs[one]["result"] == "success" for one in before[job])
            is_asked = re.search(r"\b(always|cancelled|failure|success)\(\)", condition)
            if not (is_after or is_asked) or not evaluate(condition, contexts):
                needs[job] = {"result": "skipped", "outputs": {}}
                continue
            folder = self.folder / f"run-{run}-{job}"
            (folder / "work").mkdir(parents=True)
            outputs = self._job(job, document, contexts, folder, ran)
            needs[job] = {"result": "success", "outputs": outputs}
        return ran

    def _job(
        self, job: str, document: Mapping[str, Any], contexts: dict[str, Any], folder: Path, ran: list[Ran]
    ) -> dict[str, str]:
        contexts = contexts | {"steps": {}, "env": {}}
        aws: Mapping[str, str] = {}
        for number, step in enumerate(document["steps"]):
            if "if" in step and not evaluate(str(step["if"]), contexts):
                continue
            given = {key: fill(str(value), contexts) for key, value in step.get("with", {}).items()}
            uses = step.get("uses", "")
            if uses.startswith("actions/checkout@"):
                self._checkout(contexts["github"], given, folder / "work")
            elif uses.endswith("/.github/actions/lockstep"):
                if given.get("aws-role"):
                    assert document["permissions"]["id-token"] == "write", job
                    aws = self.aws[given["aws-role"]]
            elif uses:
                raise AssertionError(f"{uses}: the runner does not know it")
            else:
                env = {**document.get("env", {}), **step.get("env", {})}
                filled = {key: fill(str(value), contexts) for key, value in env.items()}
                outputs = self._step(job, step["run"], filled | aws, contexts["github"], folder, number, ran)
                if "id" in step:
                    contexts["steps"][step["id"]] = {"outputs": outputs}
        return {key: fill(str(value), contexts) for key, value in document.get("outputs", {}).items()}

    def _checkout(self, github: Mapping[str, Any], given: Mapping[str, str], work: Path) -> None:
        """As ``actions/checkout`` does it with fetch-depth: 0: all branches and tags, at one commit."""
        folder = work / given.get("path", ".")
        url = f"{self.server}/{github['repository']}"
        ref = given.get("ref") or github["sha"]
        for words in (
            ["init", "-q", str(folder)],
            ["-C", str(folder), "remote", "add", "origin", url],
            ["-C", str(folder), "fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"],
            ["-C", str(folder), "fetch", "-q", "origin", ref],
            ["-C", str(folder), "checkout", "-q", "--detach", "FETCH_HEAD"],
        ):
            subprocess.run(["git", *words], check=True, env=dict(self.base), capture_output=True, timeout=60)

    def _step(
        self,
        job: str,
        line: str,
        env: Mapping[str, str],
        github: Mapping[str, Any],
        folder: Path,
        number: int,
        ran: list[Ran],
    ) -> dict[str, str]:
        event, output = folder / "event.json", folder / f"output-{number}"
        event.write_text(json.dumps(github["event"]), encoding="utf-8")
        output.touch()
        told = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_EVENT_NAME": github["event_name"],
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REF": github["ref"],
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_RUN_ID": str(github["run_id"]),
            "GITHUB_SERVER_URL": github["server_url"],
            "GITHUB_SHA": github["sha"],
            "GITHUB_STEP_SUMMARY": str(folder / f"summary-{number}.md"),
        }
        script = folder / f"step-{number}.sh"
        script.write_text(line, encoding="utf-8")
        done = subprocess.run(
            ["bash", "-e", str(script)],
            cwd=folder / "work",
            env={**self.base, **told, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        ran.append(Ran(job=job, line=line, output=done.stdout))
        if done.returncode:
            raise StepFailed(f"{job}: {line} ended with {done.returncode}:\n{done.stdout}")
        lines = output.read_text(encoding="utf-8").splitlines()
        return dict(one.split("=", 1) for one in lines)


def _names(needs: Any) -> list[str]:
    return [needs] if isinstance(needs, str) else list(needs or ())


def _in_order(jobs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each job after those that it needs."""
    done: list[tuple[str, Any]] = []
    while len(done) < len(jobs):
        known = {name for name, _ in done}
        ready = [
            n for n, job in jobs.items() if n not in known and known.issuperset(_names(job.get("needs")))
        ]
        assert ready, "jobs need each other"
        done += [(name, jobs[name]) for name in ready]
    return done
