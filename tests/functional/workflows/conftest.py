"""Two repositories on a Git server, an empty AWS, and a runner for their workflows."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.delivery.places.workspace import Where, open_workspace
from lockstep.delivery.setup.iam_policy import policy_of
from lockstep.delivery.setup.init_github import Kind, workflow_files
from lockstep.engines.aws.actions import Feature
from lockstep.forge.base import Pull
from lockstep.forge.local import LocalForge
from lockstep.local.ministack import LocalCloud
from tests.functional.git.conftest import _own_configuration
from tests.strict import Proxy
from tests.strict.policies import Policy
from tests.support import actions, clouds
from tests.support.actions.runner import Ran
from tests.support.git_http import GitServer, git_server
from tests.support.quick_git import CONFIGURATION
from tests.unit.workflows.written import workflow

__all__ = ["GITOPS", "MONO", "World", "_own_configuration"]

MONO, GITOPS = "acme/shop", "acme/gitops"
KINDS = {MONO: Kind.MONOREPO, GITOPS: Kind.GITOPS}
PLAN, DRIFT, DEPLOY, PREVIEW = (
    f"arn:aws:iam::{clouds.ACCOUNT}:role/{name}" for name in ("plan", "drift", "deploy", "preview")
)
_FEATURES = {
    PLAN: [Feature.PLAN],
    DRIFT: [Feature.PLAN, Feature.VALUES],
    DEPLOY: [Feature.SYNC, Feature.GC],
    PREVIEW: [Feature.PREVIEWS],
}
BUCKET, PACKAGES = "shop-uploads", "shop-packages"

_MONO = """\
forge: {kind: local}
services:
  notifier:
    source: {paths: [src/notifier]}
    build: {builder: prebuilt, path: src/notifier, output: .}
  api:
    source: {paths: [src/api]} # an image, which another workflow builds
"""
_GITOPS = """\
project: shop
region: eu-west-1
forge: {{kind: local}}
source: {{kind: local, repository: "{mono}"}}
artifacts: {{source: git-release, repository: "{mono}", tag: "{{service}}-v{{version}}", asset: "*.zip"}}
environments:
  staging: {{promotion: {{merge: direct}}}}
  production: {{promotion: {{merge: direct, from: staging}}}}
  preview: {{}}
preview: {{label: preview}}
packages: {{bucket: shop-packages}}
triggers: {{bucket: shop-uploads}}
functionDefaults: {{runtime: python3.12, handler: app.handler, role: lambda-role}}
"""
_TREE = {
    "services/notifier/config.yaml": "serviceName: notifier\ndeploymentType: lambda\n",
    "services/api/config.yaml": "serviceName: api\n",
    "environments/staging/notifier/config.yaml": (
        'serviceName: notifier\nlambda:\n  version: "0.0.9"\n'
        "  functionName: notifier-staging\n  s3TriggerPrefix: staging/\n"
        "  environment: {DbPassword: hunter2-staging}\n"
    ),
    "environments/staging/api/config.yaml": 'serviceName: api\nimage:\n  tag: "0.0.9"\n',
    "environments/preview/preview.values.yaml": "replicas: 1\n",
    "environments/preview/services/notifier/config.yaml": "serviceName: notifier\n",
    "environments/preview/services/notifier/values.yaml": (
        'lambda:\n  functionName: "notifier-{env}"\n  s3TriggerPrefix: "preview/{env}/"\n'
    ),
    "environments/preview/services/api/config.yaml": "serviceName: api\n",
}
_APP = """\
import json
VERSION = {version!r}
def handler(event, context):
    for record in event["Records"]:
        print(json.dumps({{"version": VERSION, "key": record["s3"]["object"]["key"]}}))
"""


@dataclass
class World:
    """What a team has, and what it does."""

    server: GitServer
    folder: Path
    cloud: LocalCloud
    runner: actions.Runner
    heads: dict[str, str] = field(default_factory=dict)  # of main, when its last workflow ran
    roles: dict[str, Policy] = field(default_factory=dict)  # what each may do

    def allow(self) -> None:
        """Give each role what ``iam-policy`` prints for it now, and nothing else."""
        workspace = open_workspace(Where(folder=self.clone(GITOPS), cache=self.folder / "person"))
        for role, features in _FEATURES.items():
            document = policy_of(workspace, features)
            self.roles.setdefault(role, Policy(document)).document = document

    def clone(self, name: str) -> Path:
        """A person's clone of a repository."""
        return self.folder / "clones" / name.partition("/")[2]

    def git(self, name: str, *words: str) -> str:
        """Run git in a person's clone. Only what workflows do goes over HTTP."""
        command = ["git", *self._by_path, "-C", str(self.clone(name)), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    @property
    def _by_path(self) -> tuple[str, str]:
        """Git's configuration by which the server's repositories are read and written where they lie."""
        return "-c", f"url.{self.server.root}/.insteadOf={self.server.url('')}"

    def create(self, name: str, kind: Kind, project: str) -> None:
        """A repository on the server and a person's clone, with a project file and the workflows in it."""
        bare, clone = self.server.root / name, self.clone(name)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
        command = ["git", *self._by_path, "clone", "-q", self.server.url(name), str(clone)]
        subprocess.run(command, check=True, capture_output=True)
        (clone / "lockstep.yaml").write_text(project, encoding="utf-8")
        assert main(["-C", str(clone), "init", "--github", kind]) == 0

    def forge(self, name: str) -> LocalForge:
        """The forge of a repository."""
        return LocalForge(self.server.root / name, self.folder / "person")

    def head(self, name: str, branch: str = "main") -> str:
        """The commit that a branch on the server is at."""
        bare = self.server.root / name
        command = ["git", "-C", str(bare), "rev-parse", f"refs/heads/{branch}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def push(self, name: str, files: dict[str, str | None], *, branch: str = "main", message: str) -> str:
        """Commit files on top of a branch (of main where it is new), push, and return the commit."""
        self.git(name, "fetch", "-q", "origin")
        heads = self.git(name, "branch", "-r").split()
        if heads:  # else it is the first commit
            start = f"origin/{branch}" if f"origin/{branch}" in heads else "origin/main"
            self.git(name, "checkout", "-q", "-B", branch, start)
        for path, text in files.items():
            file = self.clone(name) / path
            if text is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        self.git(name, "add", "-A")
        self.git(name, "commit", "-q", "-m", message)
        self.git(name, "push", "-q", "origin", branch)
        return self.git(name, "rev-parse", "HEAD")

    def workflow(self, name: str, which: str) -> dict[str, Any]:
        """A workflow as ``init --github`` has written it into the repository."""
        path = f".github/workflows/lockstep-{which}.yml"
        bare = self.server.root / name
        text = subprocess.run(
            ["git", "-C", str(bare), "show", f"main:{path}"], check=True, capture_output=True, text=True
        ).stdout
        return workflow(text)

    def pushed(self, name: str, which: str) -> list[Ran]:
        """Run a workflow for what was pushed to main since it ran last."""
        after = self.head(name)
        before = self.heads.get(f"{name} {which}", actions.events.ZEROS)
        self.heads[f"{name} {which}"] = after
        payload = actions.push(name, before=before, after=after)
        return self.runner.run(self.workflow(name, which), "push", payload, sha=after)

    def happened(self, name: str, which: str, action: str, pull: Pull, **fields: Any) -> list[Ran]:
        """Run a workflow for something that happened to a pull request."""
        payload = actions.pull_request(
            name,
            action,
            number=pull.number,
            head=pull.head,
            sha=pull.sha,
            base_sha=self.head(name),
            labels=pull.labels,
            state="open" if pull.state == "open" else "closed",
            **fields,
        )
        return self.runner.run(self.workflow(name, which), "pull_request", payload, sha=pull.sha)

    def scheduled(self, name: str, which: str, *, kind: Kind | None = None) -> list[Ran]:
        """Run a workflow because it is time; that of another kind of repository when one is given."""
        payload = {"schedule": "17 4 * * *", "repository": actions.events.repository(name)}
        path = f".github/workflows/lockstep-{which}.yml"
        chosen = workflow(workflow_files(kind)[path]) if kind is not None else self.workflow(name, which)
        return self.runner.run(chosen, "schedule", payload, sha=self.head(name))

    def dispatched(self, name: str, which: str, **inputs: str) -> list[Ran]:
        """Run a workflow by hand."""
        payload = {"inputs": inputs, "repository": actions.events.repository(name)}
        return self.runner.run(self.workflow(name, which), "workflow_dispatch", payload, sha=self.head(name))

    def messages(self, function: str) -> list[dict[str, Any]]:
        """What a function has logged."""
        logs = clouds.client(self.cloud, "logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        lines = [line for event in events for line in event["message"].splitlines()]
        return [json.loads(line) for line in lines if line.startswith('{"version"')]

    def functions(self) -> set[str]:
        """The functions that there are."""
        found = clouds.client(self.cloud, "lambda").list_functions()["Functions"]
        return {one["FunctionName"] for one in found}

    def prefixes(self) -> set[str]:
        """The prefixes that somebody is told of."""
        s3 = clouds.client(self.cloud, "s3")
        entries = s3.get_bucket_notification_configuration(Bucket=BUCKET)
        return {
            rule["Value"]
            for entry in entries.get("LambdaFunctionConfigurations", [])
            for rule in entry["Filter"]["Key"]["FilterRules"]
            if rule["Name"].lower() == "prefix"
        }


def combined(url: str) -> tuple[str, dict[str, str | None]]:
    """The project file and the tree of a repository that holds both."""
    project = _GITOPS.format(mono=url).splitlines(keepends=True)
    services = _MONO.removeprefix("forge: {kind: local}\n")
    return "".join(line for line in project if not line.startswith("source:")) + services, {**_TREE}


def app(version: str) -> str:
    """Source of the function."""
    return _APP.format(version=version)


@pytest.fixture
def world(
    ministack: LocalCloud,
    strict: Callable[..., Proxy],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    forks: Path,
) -> Iterator[World]:
    """Both repositories with their workflows on main; nothing was released or deployed yet.

    Each role may do what ``iam-policy`` prints for it, and no test gets more.
    """
    for name in [*os.environ]:
        if name.startswith("GITHUB_") or name in ("GH_TOKEN", "CI"):
            monkeypatch.delenv(name)
    clouds.make_role(ministack)
    clouds.make_bucket(ministack, PACKAGES)
    clouds.make_bucket(ministack, BUCKET)
    with git_server(tmp_path / "served") as server:
        programs = (str(forks), str(Path(sys.executable).parent), os.environ["PATH"])
        base = {
            "PATH": os.pathsep.join(programs),
            "HOME": str(tmp_path / "home"),
            "GIT_CONFIG_GLOBAL": os.environ["GIT_CONFIG_GLOBAL"],
            "GIT_CONFIG_SYSTEM": CONFIGURATION,
            "LOCKSTEP_CACHE": str(tmp_path / "cache"),
        }
        runner = actions.Runner(
            folder=tmp_path / "runner",
            server=server.url("").rstrip("/"),
            base=base,
            aws={},
            vars={
                "LOCKSTEP_GITOPS": server.url(GITOPS),
                "LOCKSTEP_PLAN_ROLE": PLAN,
                "LOCKSTEP_DRIFT_ROLE": DRIFT,
                "LOCKSTEP_DEPLOY_ROLE": DEPLOY,
                "LOCKSTEP_PREVIEW_ROLE": PREVIEW,
                "AWS_REGION": "eu-west-1",
            },
            secrets={"LOCKSTEP_TOKEN": "token-of-a-bot"},
        )
        made = World(server=server, folder=tmp_path, cloud=ministack, runner=runner)
        for name, kind in KINDS.items():
            made.create(name, kind, _MONO if kind is Kind.MONOREPO else _GITOPS.format(mono=server.url(MONO)))
        made.push(MONO, {"src/notifier/app.py": app("first"), "src/api/x": "1\n"}, message="feat: begin")
        made.push(GITOPS, dict(_TREE), message="begin")
        made.allow()
        for role, rule in made.roles.items():
            environment = strict(ministack, rule).environment().items()
            runner.aws[role] = {name: value for name, value in environment if name.startswith("AWS_")}
        yield made
        assert [denied for rule in made.roles.values() for denied in rule.denied] == []
