"""The parsers that take bytes of others, each with documents that it takes.

A row says what reads, and from what; where a parser promises ValueError to its caller, that too.
"""

import contextlib
import hashlib
import io
import json
import marshal
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lockstep.artifacts.builders.unpacking import unpack as unpack_into
from lockstep.artifacts.checks import check_zip
from lockstep.artifacts.compare import compare_packages
from lockstep.artifacts.contents import find_faults, parts_of, sizes_in
from lockstep.artifacts.docker_login import login_for
from lockstep.artifacts.github_release import GitHubReleaseSource
from lockstep.artifacts.handlers import handler_problem
from lockstep.artifacts.oci import Registry
from lockstep.artifacts.web import Answer as Got
from lockstep.artifacts.web import Web
from lockstep.config.cache import Cache
from lockstep.config.edit import edit
from lockstep.config.load import load
from lockstep.config.preview_file import edit_preview, read_preview
from lockstep.config.yaml_reader import parse
from lockstep.delivery.events.reading import decide, read_event
from lockstep.delivery.releases.versions import read_gitversion
from lockstep.delivery.sync.records import record_of
from lockstep.engines.aws.lease import holder_of, read_lease
from lockstep.engines.aws.permission import listed_in, statement_of
from lockstep.engines.aws.remembered import pack, unpack
from lockstep.engines.aws.surroundings import trusts_lambda
from lockstep.engines.terraform.backends import Backends
from lockstep.engines.terraform.base import Source
from lockstep.engines.terraform.errors import error_of, plain_text
from lockstep.engines.terraform.files import read_files
from lockstep.engines.terraform.handover import following, managed_in, removed_blocks, triggers_of
from lockstep.engines.terraform.live import live_targets
from lockstep.engines.terraform.marker import Marker
from lockstep.engines.terraform.plan_json import read_plan
from lockstep.engines.terraform.runs import Run, runs_of
from lockstep.engines.terraform.state import read_state
from lockstep.engines.terraform.stream import Stream, lock_of
from lockstep.errors import ArtifactError
from lockstep.forge.github import GitHub
from lockstep.forge.github.answer import Answer
from lockstep.forge.github.transport import Transport
from lockstep.forge.local.records import read_thread
from lockstep.git.address import address_of
from lockstep.model import Environment, Outcome, Project, Release, Report, StepResult, Terraform
from lockstep.model.published import read_published
from lockstep.planning.conventional import read_message
from lockstep.render.codec import decode_plan, decode_report, encode_plan, encode_report
from tests.support.projects import make_target
from tests.support.pull_events import payload
from tests.unit.config.conftest import PREVIEW_FILE, SAMPLE, SERVICE_FILE, STAGING_FILE, MemoryTree, sample
from tests.unit.planning import fixtures

__all__ = ["PARSERS", "Parser"]

SHA = "0123456789abcdef0123456789abcdef01234567"
TREE = "a" * 64
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:api-staging"
API = make_target("staging/api", name="api-staging")
ABOUT = {"project": "shop", "environment": "staging", "account": "123456789012", "region": "eu-west-1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parser:
    """What reads, and what it takes: documents of JSON, or bytes."""

    read: Callable[[bytes], object]
    documents: tuple[Any, ...] = ()
    seeds: tuple[bytes, ...] = ()
    raises: tuple[type[Exception], ...] = ()  # beside our own errors, by its docstring


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _run(mapping: str = "fleet") -> Run:
    settings = Terraform(folder="tf", mapping=mapping, place="lockstep.yaml:3")
    environments = {
        name: Environment(name=name, engine="terraform", terraform=settings)
        for name in ("staging", "production", "preview")
    }
    (run,) = runs_of(Project(name="shop", environments=environments))
    return run


# Declarations


def _edit(data: bytes) -> object:
    done = edit(data, {("lambda", "version"): "1.2.3", ("a", "b"): None}, file="f.yaml")
    return parse(done, "f.yaml").value


def _preview(data: bytes) -> object:
    found = read_preview(data, "pr.yaml", 7)
    return found, edit_preview(data, found, "pr.yaml", ttl="3d")


def _tree(path: str) -> Callable[[bytes], object]:
    return lambda data: load(sample({path: data})).fleet


# Terraform


VALUES = {
    "function_name": "api-staging",
    "arn": ARN,
    "runtime": "python3.12",
    "environment": [{"variables": {"A": "b"}}],
    "file_system_config": [{"arn": "a", "local_mount_path": "/mnt"}],
    "source_code_hash": "A" * 43 + "=",
    "code_sha256": "B" * 43 + "=",
    "s3_bucket": "b",
    "s3_key": "k",
    "layers": ["l"],
    "tags": {"version": "1", "commit": "c"},
    "vpc_config": [{"subnet_ids": ["s"], "security_group_ids": ["g"]}],
}
ENTRY = {"lambda_function_arn": ARN, "events": ["s3:ObjectCreated:*"], "filter_prefix": "x/"}
STATE = {
    "version": 4,
    "outputs": {"functions": {"value": {"staging/api": {"version": "1", "commit": "c"}}}},
    "resources": [
        {
            "module": "module.fleet",
            "mode": "managed",
            "type": "aws_lambda_function",
            "name": "this",
            "instances": [{"index_key": "staging/api", "attributes": VALUES}],
        },
        {
            "mode": "managed",
            "type": "aws_s3_bucket_notification",
            "name": "this",
            "instances": [{"attributes": {"bucket": "b", "lambda_function": [ENTRY]}}],
        },
        {
            "mode": "managed",
            "type": "aws_cloudwatch_log_group",
            "name": "this",
            "instances": [{"attributes": {"name": "/aws/lambda/api-staging", "retention_in_days": 7}}],
        },
    ],
}


def _shown(kind: str, name: str, values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    address = f"{kind}.{name}"
    return {"address": address, "mode": "managed", "type": kind, "name": name, "values": values, **more}


MODULE = {
    "resources": [_shown("aws_lambda_function", "staging", VALUES, sensitive_values={"environment": True})],
    "child_modules": [
        {
            "address": "module.m",
            "resources": [
                _shown(
                    "aws_s3_bucket_notification", "n", {"bucket": "b", "lambda_function": [ENTRY]}, index=0
                )
            ],
        }
    ],
}
SHOWN = {"format_version": "1.0", "values": {"root_module": MODULE}}


def _planned(kind: str, before: Any, after: Any, actions: list[str], **more: Any) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {"arn": True}, **more}
    return {**_shown(kind, "staging", {}), "change": change}


TERRAFORM_PLAN = {
    "format_version": "1.2",
    "prior_state": {"values": {"root_module": MODULE}},
    "output_changes": {"functions": {"actions": ["update"], "before": {}, "after": {"staging/api": "1"}}},
    "resource_changes": [
        _planned(
            "aws_lambda_function",
            VALUES,
            {**VALUES, "timeout": 30},
            ["update"],
            before_sensitive={"environment": [{"variables": True}]},
            after_sensitive={},
            importing={"id": "x"},
        ),
        _planned("aws_lambda_permission", None, {"function_name": ARN, "source_arn": "a"}, ["create"]),
        _planned(
            "aws_s3_bucket_notification", {"lambda_function": []}, {"lambda_function": [ENTRY]}, ["update"]
        ),
        _planned("aws_iam_role", {"name": "a"}, {"name": "b"}, ["delete", "create"]),
    ],
}


def _state(data: bytes) -> object:
    managed = managed_in(_text(data), "here")
    gone, _ = following(managed[:1], managed, handed_over=())
    return triggers_of("api-staging", managed), removed_blocks(gone, managed)


def _live(data: bytes) -> object:
    return live_targets(_text(data), _run(), {API.key: API}, hides=True)


def _plan_of_terraform(data: bytes) -> object:
    return read_plan(_text(data), _run(), {API.key: API}, frozenset({"hunter2"}))


def _stream(data: bytes) -> object:
    stream = Stream()
    for line in _text(data).splitlines():
        stream.take(line)
    told = [str(error_of(one, folder="tf", doing="planning", place="l.yaml:1")) for one in stream.errors]
    return told, stream.lock and stream.lock.words(), stream.needs_init


def _printed(data: bytes) -> object:
    text = _text(data)
    found = lock_of(text)
    return str(error_of(plain_text(text), folder="tf", doing="x", place="y")), found and found.words()


MESSAGES = (
    {"type": "apply_complete", "hook": {"resource": {"addr": "a.b"}, "elapsed_seconds": 3}},
    {
        "type": "diagnostic",
        "diagnostic": {
            "severity": "error",
            "summary": "Error acquiring the state lock",
            "detail": "Lock Info:\n  ID: 1\n  Who: me\n  Created: 2026-11-24 05:40:00.4 +0000 UTC",
            "address": "a.b",
            "range": {"filename": "main.tf", "start": {"line": 7}},
            "snippet": {"code": "x = 1"},
        },
    },
)
LOCKED = b"""\
Error: Error acquiring the state lock

  on main.tf line 7, in resource "x" "y":
Lock Info:
  ID:        f4accb74
  Operation: OperationTypeApply
  Who:       ada@build-7
  Created:   2026-11-24 05:40:00.413626844 +0000 UTC
"""
MAIN = b"""\
terraform {
  backend "s3" { key = "k" }
}
variable "a" {}
module "m" { source = "./modules/m" }
"""


def _folder(data: bytes) -> object:
    tree = MemoryTree({"tf/main.tf": data, "tf/x.tf.json": data, "tf/modules/m/main.tf": b""})
    return read_files(Source(tree=tree, folder="tf", name=""), "lockstep.yaml:3").to_read_the_state()


class _Kept:
    """AWS as far as a marker asks it: an object that holds any bytes."""

    def __init__(self, data: bytes) -> None:
        self.text = _text(data)

    def recall(self, environment: str, name: str) -> str | None:
        return self.text


def _marker(data: bytes) -> object:
    marker = Marker.read(_run(), "shop", _Kept(data))  # type: ignore[arg-type]
    return [one.share({"A": "b"}) for one in marker.applied.values()]


MARKED = {
    "format": "lockstep.terraform/2",
    "salt": "s",
    "inputs": "i",
    "targets": {
        "staging/api": {"function": "f", "values": {"a": {"b": 1}}, "environment": [[["a", "c"], "A"]]}
    },
}


def _backend(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        run = _run()
        files = read_files(
            Source(tree=MemoryTree({"tf/main.tf": MAIN, "tf/modules/m/m.tf": b""}), folder="tf", name=""), "l"
        )
        backends = Backends(Path(folder), "shop")
        backends.check(run, files, is_empty=True)
        (file,) = (Path(folder) / "terraform" / "backends").glob("*.json")
        file.write_bytes(data)
        return backends.check(run, files, is_empty=True)


# Packages


def _zip(*, links: bool = False) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return 1\n" * 3)
        archive.writestr("lib/x.so", b"\x7fELF\2\1\1" + bytes(11) + b"\x3e\0" + bytes(40))
        if links:
            entry = zipfile.ZipInfo("lib/link")
            entry.create_system, entry.external_attr = 3, 0o120777 << 16
            archive.writestr(entry, "x.so")
    return made.getvalue()


def _package(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(data)
        check_zip(path, origin="here")
        found = parts_of(sizes_in(path)), find_faults(path, "x86_64")
        (Path(folder) / "deep").mkdir()
        with contextlib.suppress(ArtifactError):  # links may be deployed, and are not unpacked
            unpack_into(path, Path(folder) / "deep" / "out", origin="here")
        assert {one.name for one in Path(folder).iterdir()} == {"a.zip", "deep"}
        return found


def _compared(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder) / "a.zip", Path(folder) / "b.zip"
        old.write_bytes(_zip())
        new.write_bytes(data)
        compare_packages(old, new)
        return handler_problem(new, "python3.12", "app.handler")


class _Said(Web):
    """Every request has one answer: no network is between, so that there is time for many."""

    def __init__(self, data: bytes, **headers: str) -> None:
        super().__init__(attempts=1)
        self.answer = Got(status=200, headers=headers, body=data)

    def ask(self, url: str, **_: Any) -> Got:  # type: ignore[override]
        return self.answer


RELEASE = Release(
    service="api",
    version="1",
    source="github-release",
    options={"repository": "acme/shop", "tag": "v1"},
    place="c.yaml:3",
)
ASSET = {
    "id": 7,
    "name": "a.zip",
    "digest": "sha256:" + TREE,
    "size": 3,
    "updated_at": "x",
    "state": "uploaded",
}


def _release_source(data: bytes) -> object:
    return GitHubReleaseSource(web=_Said(data)).find(RELEASE)


class _Challenged(_Said):
    """A registry that asks for a token, and one that gives it."""

    def ask(self, url: str, **options: Any) -> Got:  # type: ignore[override]
        if "token" in url.partition("?")[0]:
            return self.answer
        if options.get("token"):
            return Got(status=200, headers={"docker-content-digest": f"sha256:{TREE}"}, body=b"")
        asked = 'Bearer realm="http://127.0.0.1/token",service="s",scope="r"'
        return Got(status=401, headers={"www-authenticate": asked}, body=b"")


class _Challenge(_Said):
    """A registry whose challenge is anything."""

    def ask(self, url: str, **options: Any) -> Got:  # type: ignore[override]
        said = _text(self.answer.body).replace("\n", " ")
        if "/manifests/" not in url or options.get("token"):
            return Got(status=200, headers={}, body=b'{"token": "t", "schemaVersion": 2}')
        return Got(status=401, headers={"www-authenticate": said}, body=b"")


def _registry(kind: type[_Said]) -> Callable[[bytes], object]:
    return lambda data: Registry(kind(data)).digest("127.0.0.1:9/acme/web", "1", place="c.yaml:3")


def _login(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        (Path(folder) / "config.json").write_bytes(data)
        patch.setenv("DOCKER_CONFIG", folder)
        patch.setenv("PATH", folder)
        return login_for("ghcr.io")


# AWS


def _lease(data: bytes) -> object:
    return holder_of(read_lease(data))


def _policy(data: bytes) -> object:
    return [statement_of(one, "") for one in listed_in(_text(data), "api-staging", "")]


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "lockstep-1",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": ARN,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
            },
        }
    ],
}
TRUST = {
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": ["lambda.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
}


# The forge


class _Told(Transport):
    """GitHub, which says the same to everything."""

    def __init__(self, data: bytes) -> None:
        super().__init__(patience=0)
        self.body = data

    def send(self, method: str, url: str, **_: Any) -> Answer:  # type: ignore[override]
        return Answer(status=200, headers={}, body=self.body)


def _forge(reading: Callable[[GitHub], object]) -> Callable[[bytes], object]:
    return lambda data: reading(GitHub(repository="acme/shop", token="made-up", transport=_Told(data)))


REPOSITORY = {"full_name": "acme/shop"}
PULL = {
    "number": 7,
    "title": "t",
    "body": "b",
    "state": "open",
    "head": {"ref": "f", "sha": SHA, "repo": REPOSITORY},
    "base": {"ref": "main", "sha": SHA, "repo": REPOSITORY},
    "html_url": "https://github.com/acme/shop/pull/7",
    "user": {"login": "ada"},
    "labels": [{"name": "preview"}],
    "draft": False,
    "mergeable": True,
    "mergeable_state": "clean",
    "merged_by": None,
    "created_at": "2026-11-24T05:40:00Z",
    "closed_at": None,
}
RUNS = {
    "total_count": 1,
    "check_runs": [{"name": "ci", "status": "completed", "conclusion": "success", "html_url": "u"}],
    "statuses": [{"context": "x", "state": "success", "target_url": None}],
}
COMPARED = {
    "total_commits": 1,
    "commits": [
        {
            "sha": SHA,
            "commit": {"message": "m", "author": {"name": "ada"}},
            "author": {"login": "ada"},
            "html_url": "u",
        }
    ],
}


# What Lockstep wrote, and others may have changed


def _saved_plan(data: bytes) -> object:
    made = decode_plan(_text(data))
    again = encode_plan(made)
    assert decode_plan(again) == made
    return made


def _report(data: bytes) -> object:
    made = decode_report(_text(data))
    assert decode_report(encode_report(made)) == made
    return made


def _plan() -> Any:
    wanted = fixtures.desired(
        make_target(
            "staging/api", name="api-staging", settings={"environment": {"A": "b"}, "memorySize": 512}
        )
    )
    made = json.loads(encode_plan(fixtures.plan(wanted, fixtures.live())))
    del made["digest"]  # which sees any change, so that nothing behind it would be tried
    return made


def _records(data: bytes) -> object:
    return [record_of(line) for line in data.splitlines()]


def _memory(data: bytes) -> object:
    return unpack(_packed(data), ABOUT), unpack(data, ABOUT)


def _packed(plain: bytes) -> bytes:
    body = zlib.compress(plain)
    return hashlib.sha256(body).digest() + body


def _config_cache(data: bytes) -> object:
    """Our own file: damaged, or with a digest that fits what somebody else put into it."""
    with contextlib.suppress(ValueError, RecursionError):
        payload = marshal.dumps(json.loads(data))
        data = hashlib.sha256(payload).digest() + payload
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        cache.write("x", "y", {})
        (file,) = Path(folder).glob("*.bin")
        file.write_bytes(data)
        return cache.read("x", "y")


THREAD = {
    "number": 7,
    "title": "t",
    "author": "ada",
    "created": "2026-11-24T05:40:00Z",
    "labels": ["preview"],
    "marker": None,
    "head": "f",
    "base": "main",
    "sha": SHA,
    "draft": False,
    "auto": {"sha": SHA, "method": "squash", "by": "ada"},
    "ending": {"state": "merged", "at": "x", "by": None, "commit": SHA},
    "body": "b",
    "comments": [{"marker": "m", "author": "a", "written": "w", "body": "b"}],
}
PUBLISHED = {
    "tag": "v1",
    "commit": SHA,
    "title": "t",
    "published": "p",
    "author": "a",
    "prerelease": False,
    "assets": [{"name": "a.zip", "size": 3, "sha256": TREE}],
    "body": "b",
}
RECORD = {"at": "2026-11-24T05:40:00+00:00", "done": "deployed", "version": "1", "by": "a", "commit": SHA}
REPORT = Report(
    results=(StepResult(step="s", target="t", outcome=Outcome.DONE, seconds=1.0, error=None),),
    seconds=1.0,
    calls=3,
)

DECLARED = {
    "serviceName": "s3-notifier",
    "lambda": {
        "version": "1.0.0",
        "functionName": "notifier-{env}",
        "memorySize": 128,
        "environment": {"AA": "b", "CC": {"ssm": "/x"}},
        "triggers": [{"bucket": "uploads", "prefix": "a/"}],
    },
}

PARSERS: Mapping[str, Parser] = {
    "YAML": Parser(
        read=lambda data: parse(data, "f.yaml").value,
        seeds=(*(text.encode() for text in SAMPLE.values()), b"a: &a [1]\nb: *a\nc: {<<: {d: 1}}\n"),
    ),
    "YAML, edited": Parser(read=_edit, seeds=(SAMPLE[STAGING_FILE].encode(), b"lambda: {version: 1}\n")),
    "lockstep.yaml": Parser(read=_tree("lockstep.yaml"), seeds=(SAMPLE["lockstep.yaml"].encode(),)),
    "a declaration": Parser(read=_tree(STAGING_FILE), seeds=(SAMPLE[STAGING_FILE].encode(),)),
    "a service's values": Parser(read=_tree(SERVICE_FILE), seeds=(SAMPLE[SERVICE_FILE].encode(),)),
    "a preview's values": Parser(read=_tree(PREVIEW_FILE), seeds=(SAMPLE[PREVIEW_FILE].encode(),)),
    "a declaration, as JSON": Parser(read=_tree(STAGING_FILE), documents=(DECLARED,)),
    "pr.yaml": Parser(
        read=_preview,
        seeds=(f"number: 7\nhead_sha: {SHA}\ncreated: 2026-11-24T05:40:00+00:00\nttl: 3d\n".encode(),),
    ),
    "an event": Parser(
        read=lambda data: decide(read_event(_text(data), "event.json"), "preview"),
        documents=(payload(action="labeled", number=7, sha=SHA, label="preview"),),
    ),
    "GitVersion's output": Parser(
        read=lambda data: read_gitversion(_text(data), "v.json"),
        documents=({"SemVer": "1.2.3", "Major": 1, "Minor": 2, "Patch": 3, "Sha": SHA},),
    ),
    "a commit's message": Parser(
        read=lambda data: read_message(_text(data)),
        seeds=(b"feat(api)!: x (#7)\n\n* fix: y\n\nBREAKING CHANGE: z\n",),
    ),
    "a URL": Parser(
        read=lambda data: address_of(_text(data)), seeds=(b"https://u:p@host:443/a/b.git", b"git@host:a/b")
    ),
    "Terraform's plan": Parser(read=_plan_of_terraform, documents=(TERRAFORM_PLAN,)),
    "Terraform's state": Parser(read=_state, documents=(STATE, SHOWN)),
    "Terraform's state, counted": Parser(
        read=lambda data: read_state(_text(data), "1.11.4"), documents=(STATE,)
    ),
    "Terraform's state, as targets": Parser(read=_live, documents=(STATE,)),
    "Terraform's stream": Parser(read=_stream, documents=MESSAGES),
    "what Terraform prints": Parser(read=_printed, seeds=(LOCKED,)),
    "Terraform's files": Parser(read=_folder, documents=({"variable": {"a": {}}},), seeds=(MAIN,)),
    "the marker of a run": Parser(read=_marker, documents=(MARKED,)),
    "the memory of backends": Parser(read=_backend, documents=({"type": "s3", "workspace": "default"},)),
    "a package": Parser(read=_package, seeds=(_zip(), _zip(links=True))),
    "a release on GitHub": Parser(read=_release_source, documents=({"id": 1, "assets": [ASSET]},)),
    "two packages": Parser(read=_compared, seeds=(_zip(), _zip(links=True))),
    "a lease": Parser(read=_lease, documents=({"owner": "me", "run": "1", "token": "t", "released": False},)),
    "a function's policy": Parser(read=_policy, documents=(POLICY,)),
    "a role's trust": Parser(read=lambda data: trusts_lambda(_text(data)), documents=(TRUST,)),
    "a registry's token": Parser(
        read=_registry(_Challenged), documents=({"token": "t", "access_token": "t"},)
    ),
    "a registry's challenge": Parser(
        read=_registry(_Challenge), seeds=(b'Bearer realm="http://127.0.0.1/token",service="s"',)
    ),
    "docker's logins": Parser(
        read=_login,
        documents=({"auths": {"ghcr.io": {"auth": "YTpi"}}, "credHelpers": {"x": "y"}, "credsStore": ""},),
    ),
    "a pull request": Parser(read=_forge(lambda forge: forge.pull(7)), documents=(PULL,)),
    "pull requests": Parser(read=_forge(lambda forge: forge.pulls()), documents=([PULL],)),
    "checks": Parser(read=_forge(lambda forge: forge.checks(SHA)), documents=(RUNS,)),
    "commits": Parser(read=_forge(lambda forge: forge.commits("main", "f", most=10)), documents=(COMPARED,)),
    "a saved plan": Parser(read=_saved_plan, documents=(_plan(),)),
    "a report": Parser(read=_report, documents=(json.loads(encode_report(REPORT)),)),
    "a pull request in Git": Parser(read=lambda data: read_thread(data, where="x"), documents=(THREAD,)),
    "a release in Git": Parser(read=read_published, documents=(PUBLISHED,), raises=(ValueError,)),
    "records of syncs": Parser(read=_records, documents=(RECORD,)),
    "remembered policies": Parser(
        read=_memory,
        documents=(
            {"format": 1, **ABOUT, "tag": None, "policies": {"f": ["r", [["s", "a", None, "p", "x"]]]}},
        ),
        seeds=(pack(ABOUT, {}),),
    ),
    "remembered targets": Parser(
        read=_config_cache, documents=(["x", {"staging/api": [1, "a"]}],), seeds=(marshal.dumps(("x", {})),)
    ),
}
