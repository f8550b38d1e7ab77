"""``lockstep demo``: from a Git repository to live functions and back, told with the real commands.

The repository is a copy of the example; AWS is MiniStack, which really runs the function. Each step
checks that AWS is what it should be, and the story ends with an error when it is not.
"""

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lockstep.local.account import BUCKET, Account
from lockstep.local.example import copy_example
from lockstep.local.ministack import LocalCloud
from lockstep.local.stage import Stage

__all__ = ["run_demo"]

PRODUCTION = "syrfAppUploadS3Notifier"
STAGING = f"{PRODUCTION}-staging"
PREVIEW = f"{PRODUCTION}-pr-123"
_STAGING_FILE = "syrf/environments/staging/s3-notifier/config.yaml"
_PREVIEW_FOLDER = "syrf/environments/preview/pr-123"


def run_demo(*, keep: bool = False) -> int:
    """Tell the story on stdout and return 0; LockstepError when a step does not show what it should.

    ``keep`` leaves the local cloud and the repository and says how to use and how to end them.
    """
    with ExitStack() as closing:
        folder = Path(tempfile.mkdtemp(prefix="lockstep-demo-"))
        if not keep:
            closing.callback(shutil.rmtree, folder, ignore_errors=True)
        copy_example(folder / "syrf")
        cloud = LocalCloud.start(detached=keep)
        if not keep:
            closing.callback(cloud.stop)
        stage = Stage(folder / "syrf" / "gitops", _environment(cloud, folder))
        try:
            _tell(stage, Account(cloud.endpoint))
        finally:
            if keep:
                _leave(stage, cloud, folder)
    return 0


def _environment(cloud: LocalCloud, folder: Path) -> dict[str, str]:
    """The commands' environment: the local cloud, a cache and a Git identity of their own."""
    base = {k: v for k, v in cloud.environment().items() if not k.startswith(("GIT_", "LOCKSTEP_"))}
    return base | {
        "LOCKSTEP_CACHE": str(folder / "cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Demo",
        "GIT_AUTHOR_EMAIL": "demo@example.org",
        "GIT_COMMITTER_NAME": "Demo",
        "GIT_COMMITTER_EMAIL": "demo@example.org",
    }


def _tell(stage: Stage, account: Account) -> None:
    _prepare(stage, account)
    _first_sync(stage, account)
    _uploads(stage, account)
    _new_version(stage, account)
    _drift(stage, account)
    _roll_back(stage, account)
    _remove_preview(stage, account)
    stage.heading("Git and AWS are in lockstep")
    stage.lockstep("status", shows=("Status: 2 synced, 0 out of sync, 0 unknown",))
    stage.lockstep("plan", "--exit-code")
    stage.say(f"That was the whole story, in {stage.seconds:.0f} seconds.")


def _prepare(stage: Stage, account: Account) -> None:
    stage.heading("A GitOps repository and an AWS account")
    stage.say(
        "A local AWS runs on 127.0.0.1. It has a role, a bucket for uploads and one for packages, and "
        "on the upload bucket another team's notification, for audit/."
    )
    account.prepare()
    _build(stage, "0.1.5", "0.1.6-pr123")
    stage.git("init", "--quiet", "--initial-branch=main", is_shown=False)
    stage.git("add", ".", is_shown=False)
    stage.git("commit", "--quiet", "-m", "s3-notifier 0.1.5 everywhere", is_shown=False)
    stage.git("ls-files", "*/s3-notifier*", "*pr.yaml")
    stage.lockstep("validate", shows=("7 targets in 3 environments",))


def _first_sync(stage: Stage, account: Account) -> None:
    stage.heading("What the repository says becomes what AWS is")
    stage.lockstep("plan", "--exit-code", code=2, shows=("3 to create, 0 to update, 0 to delete",))
    for name in (PRODUCTION, STAGING, PREVIEW):
        stage.expect(account.function(name) is None, f"a plan has created {name}")
    stage.say("A plan changes nothing. A sync shows the plan again and carries it out:")
    stage.lockstep("sync")
    for name, memory in ((PRODUCTION, 512), (STAGING, 512), (PREVIEW, 256)):
        found = account.function(name)
        stage.expect(found and found["MemorySize"] == memory, f"{name} does not have {memory} MB")
    stage.lockstep("status", shows=("Status: 3 synced, 0 out of sync, 0 unknown",))


def _uploads(stage: Stage, account: Account) -> None:
    stage.heading("Uploads run the function of their prefix")
    _upload(stage, account, "staging/first paper (1+1).pdf", STAGING, version="0.1.5")
    _upload(stage, account, "Projects/42/paper.pdf", PRODUCTION, version="0.1.5")
    for name, prefix in ((STAGING, "staging/"), (PRODUCTION, "Projects/")):
        others = [m["key"] for m in account.messages(name) if not m.get("key", "").startswith(prefix)]
        stage.expect(not others, f"{name} was called for {others}")


def _new_version(stage: Stage, account: Account) -> None:
    stage.heading("A commit raises staging's version")
    _build(stage, "0.1.6")
    file = stage.folder / _STAGING_FILE
    file.write_text(file.read_text().replace('"0.1.5"', '"0.1.6"'))
    stage.git("grep", "version:", "--", "syrf/environments/*/s3-notifier/config.yaml")
    stage.git("commit", "--quiet", "--all", "-m", "staging: s3-notifier 0.1.6")
    stage.lockstep("plan", shows=("0.1.5 -> 0.1.6", "0 to create, 1 to update, 0 to delete"))
    stage.lockstep("sync")
    _upload(stage, account, "staging/second.pdf", STAGING, version="0.1.6")
    _upload(stage, account, "Projects/43/paper.pdf", PRODUCTION, version="0.1.5")


def _drift(stage: Stage, account: Account) -> None:
    stage.heading("Somebody changes production behind our back")
    account.tamper(PRODUCTION)
    stage.say("Its memory is 1024 MB now, and other code was uploaded.")
    stage.lockstep("status", shows=("OutOfSync", "memorySize: 1024 -> 512", "code:"))
    stage.lockstep("sync")
    found = account.function(PRODUCTION)
    stage.expect(found and found["MemorySize"] == 512, "sync has not mended the memory")
    _upload(stage, account, "Projects/44/paper.pdf", PRODUCTION, version="0.1.5")
    stage.say("The other team's notification is where it was:")
    entries = account.notifications()
    for prefix, name in entries.items():
        stage.say(f"s3://{BUCKET}/{prefix}* -> {name}", indent="  ")
    stage.expect(entries.get("audit/") == "audit", "the notification for audit/ is gone")
    stage.expect(len(entries) == 4, f"the bucket has {len(entries)} notifications, not 4")


def _roll_back(stage: Stage, account: Account) -> None:
    stage.heading("git revert rolls back")
    stage.git("revert", "--no-edit", "HEAD")
    stage.lockstep("sync", "staging", shows=("0.1.6 -> 0.1.5",))
    _upload(stage, account, "staging/third.pdf", STAGING, version="0.1.5")


def _remove_preview(stage: Stage, account: Account) -> None:
    stage.heading("The preview's folder is removed, and all that belongs to it goes")
    stage.git("rm", "-r", "--quiet", _PREVIEW_FOLDER)
    stage.git("commit", "--quiet", "-m", "preview pr-123 is closed")
    stage.lockstep("sync", shows=("0 to create, 0 to update, 1 to delete",))
    stage.expect(account.function(PREVIEW) is None, f"{PREVIEW} is still there")
    entries = account.notifications()
    stage.expect("preview/pr-123/" not in entries, "the preview's trigger is still there")
    stage.expect(set(entries) == {"audit/", "staging/", "Projects/"}, f"triggers are {sorted(entries)}")


def _build(stage: Stage, *versions: str) -> None:
    """Build packages with the example's own script."""
    script = stage.folder.parent / "build.py"
    stage.run("python", [sys.executable, str(script)], *versions, is_shown=False)


def _upload(stage: Stage, account: Account, key: str, function: str, *, version: str) -> None:
    """Upload a file and show what the function that must run has logged."""
    stage.say(f"Upload {key}; the log of {function} says:")
    account.upload(key)
    message = account.message(function, key)
    stage.say("{event} {key}, by {notifier} in {environment}".format_map(message), indent="  ")
    stage.expect(message.get("notifier") == version, f"{function} runs {message.get('notifier')}")


def _leave(stage: Stage, cloud: LocalCloud, folder: Path) -> None:
    """Write how to use and how to end what is left running, and say so."""
    exports = _exports(cloud.environment())
    (folder / "env.sh").write_text(exports + f"export LOCKSTEP_CACHE={shlex.quote(str(folder / 'cache'))}\n")
    (folder / "stop.sh").write_text(
        f"#!/bin/sh\nkill -s KILL -- -{cloud.pid}\n"
        f"rm -rf {shlex.quote(str(cloud.folder))} {shlex.quote(str(folder))}\n"
    )
    stage.say("The local cloud runs on. To use it:")
    stage.say(f". {folder}/env.sh", indent="  ")
    stage.say(f"cd {stage.folder}", indent="  ")
    stage.say("lockstep status", indent="  ")
    stage.say("To end it and remove its files:")
    stage.say(f"sh {folder}/stop.sh", indent="  ")


def _exports(environment: Mapping[str, str]) -> str:
    """Shell lines that make AWS mean the local cloud, and ``lockstep`` this one."""
    names = sorted(name for name in environment if name.startswith("AWS_") or name.lower() == "no_proxy")
    others = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_ROLE_ARN")
    lines = [f"unset {' '.join(others)}"]
    lines += [f"export {name}={shlex.quote(environment[name])}" for name in names]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    return "\n".join(lines) + "\n"
