"""``lockstep demo``: from a change of the source to live functions and back, with the real commands.

Two repositories are copies of the example, and a plain Git server is a folder; AWS is MiniStack, which
really runs the function. Each step checks that AWS is what it should be, and the story ends with an
error when it is not.
"""

import shlex
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from lockstep.local.account import BUCKET, Account
from lockstep.local.example import copy_example
from lockstep.local.ground import environment, put_on_server, write_exports
from lockstep.local.ministack import LocalCloud
from lockstep.local.stage import Stage

__all__ = ["run_demo"]

PRODUCTION = "syrfAppUploadS3Notifier"
STAGING = f"{PRODUCTION}-staging"
PREVIEW = f"{PRODUCTION}-pr-1"
_SOURCE = "src/s3-notifier/app.py"
_PROJECT = '"project": int(key.split("/")[1])'  # fails for staging/paper.pdf
_MOST_UPLOADS = 300  # of which one in ten goes to the new version
_STAGING_FILE = "syrf/environments/staging/s3-notifier/config.yaml"
_POLICY = """\
  production: {promotion: {merge: review, from: staging, soak: 24h}} # a person merges
  staging: {promotion: {merge: auto}} # merges itself
"""
_ARTIFACTS = """\
artifacts: # packages are assets of the releases of the monorepo
  source: git-release
  repository: ../monorepo.git
  tag: "{service}-v{version}"
  asset: "*.zip"
"""

_ALIAS = """\
  alias: live
  rollout:
    steps: [{weight: 10%, for: 10m}]
    alarms: [s3-notifier-errors]
    onFailure: rollback
"""


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
        stage = Stage(folder / "syrf" / "gitops", environment(cloud, folder))
        try:
            _tell(stage, Account(cloud.endpoint), shares_calls=cloud.shares_calls)
        finally:
            if keep:
                _leave(stage, cloud, folder)
    return 0


def _tell(stage: Stage, account: Account, *, shares_calls: bool) -> None:
    gitops, monorepo = stage.folder, stage.folder.parent / "monorepo"
    _prepare(stage, account, gitops, monorepo)
    _first_sync(stage, account)
    _uploads(stage, account)
    _release(stage, account, gitops, monorepo)
    _promote(stage, account)
    _production(stage, account)
    _roll_back(stage, account)
    _drift(stage, account)
    _preview(stage, account, gitops, monorepo)
    if shares_calls:
        _roll_out(stage, account, gitops, monorepo)
    stage.heading("Git and AWS are in lockstep")
    stage.lockstep("status", shows=("Status: 2 synced, 0 out of sync, 0 unknown",))
    stage.lockstep("plan", "--exit-code")
    stage.say(f"That was the whole story, in {stage.seconds:.0f} seconds.")


def _prepare(stage: Stage, account: Account, gitops: Path, monorepo: Path) -> None:
    stage.heading("Two repositories, a Git server and an AWS account")
    stage.say(
        "The monorepo holds the function's source, the GitOps repository says which version runs where. "
        "The Git server is a folder. A local AWS runs on 127.0.0.1: it has a role, a bucket for uploads "
        "and one for packages, and on the upload bucket another team's notification, for audit/."
    )
    account.prepare()
    stage.folder = monorepo
    put_on_server(stage, "s3-notifier as it was")
    stage.lockstep("release", "s3-notifier", "--version", "0.1.5", is_shown=False)
    stage.folder = gitops
    _declare(gitops)
    put_on_server(stage, "s3-notifier 0.1.5 everywhere")
    stage.git("ls-files", "*/s3-notifier*")
    stage.lockstep("validate", shows=("6 targets in 2 environments",))


def _declare(gitops: Path) -> None:
    """The example's GitOps repository, with packages from releases and a policy, without its preview."""
    file = gitops / "lockstep.yaml"
    text = file.read_text()
    before, _, rest = text.partition("artifacts:")
    _, _, after = rest.partition("\n\n")
    policy = [line for line in before.splitlines() if not line.startswith(("  production:", "  staging:"))]
    head = "\n".join(policy).replace("environments:\n", f"environments:\n{_POLICY}")
    file.write_text(f"{head}\n{_ARTIFACTS}\n{after}")
    shutil.rmtree(gitops / "syrf" / "environments" / "preview" / "pr-123")


def _first_sync(stage: Stage, account: Account) -> None:
    stage.heading("What the repository says becomes what AWS is")
    stage.lockstep("plan", "--exit-code", code=2, shows=("2 to create, 0 to update, 0 to delete",))
    for name in (PRODUCTION, STAGING):
        stage.expect(account.function(name) is None, f"a plan has created {name}")
    stage.say("A plan changes nothing. A sync shows the plan again and carries it out:")
    stage.lockstep("sync")
    for name in (PRODUCTION, STAGING):
        found = account.function(name)
        stage.expect(found and found["MemorySize"] == 512, f"{name} does not have 512 MB")
    stage.lockstep("status", shows=("Status: 2 synced, 0 out of sync, 0 unknown",))


def _uploads(stage: Stage, account: Account) -> None:
    stage.heading("Uploads run the function of their prefix")
    _upload(stage, account, "staging/first paper (1+1).pdf", STAGING, version="0.1.5")
    _upload(stage, account, "Projects/42/paper.pdf", PRODUCTION, version="0.1.5")
    for name, prefix in ((STAGING, "staging/"), (PRODUCTION, "Projects/")):
        others = [m["key"] for m in account.messages(name) if not m.get("key", "").startswith(prefix)]
        stage.expect(not others, f"{name} was called for {others}")


def _release(stage: Stage, account: Account, gitops: Path, monorepo: Path) -> None:
    stage.heading("A change of the source becomes a release, and deploys nothing")
    stage.enter(monorepo)
    _change(stage, "fix: say FileStored, as everybody else does", "FileStored")
    stage.git("push", "--quiet")
    stage.lockstep("version", "s3-notifier", "--explain", shows=("0.1.6",))
    stage.lockstep("release", "s3-notifier", shows=("0.1.6",))
    stage.enter(gitops)
    stage.lockstep("plan", "--exit-code", shows=("Nothing to do",))
    _expect_memory(stage, account, STAGING, 512)


def _promote(stage: Stage, account: Account) -> None:
    stage.heading("A promotion to staging merges itself, and is live")
    stage.lockstep("promote", "s3-notifier@0.1.6", "--to", "staging", shows=("Merged: pull request #1",))
    stage.git("pull", "--quiet")
    stage.git("show", "--stat=72", "--format=%s")
    stage.lockstep("sync", "--since", "HEAD~1", shows=("0.1.5 -> 0.1.6",))
    _upload(stage, account, "staging/second.pdf", STAGING, version="0.1.6")
    _upload(stage, account, "Projects/43/paper.pdf", PRODUCTION, version="0.1.5")


def _production(stage: Stage, account: Account) -> None:
    stage.heading("Production waits: for the version to prove itself, and for a person")
    stage.lockstep(
        *("promote", "s3-notifier", "--to", "production"), code=1, shows=("held back", "soak: 0.1.6 ran for")
    )
    stage.say("It lifts by itself. A demo cannot wait a day, so it gives a reason:")
    stage.lockstep(
        *("promote", "s3-notifier", "--to", "production", "--override", "it is a demo"),
        shows=("waits for a person",),
    )
    stage.lockstep("pulls", shows=("production: s3-notifier 0.1.5 -> 0.1.6",))
    stage.lockstep("pulls", "merge", "2")
    stage.git("pull", "--quiet")
    stage.lockstep("sync", "production", shows=("0.1.5 -> 0.1.6",))
    _upload(stage, account, "Projects/44/paper.pdf", PRODUCTION, version="0.1.6")


def _roll_back(stage: Stage, account: Account) -> None:
    stage.heading("Something is wrong with it: back, and stay there")
    stage.lockstep(
        *("rollback", "production/s3-notifier", "--now", "--reason", "wrong event name"),
        shows=("0.1.6 -> 0.1.5", "update code"),
    )
    _upload(stage, account, "Projects/45/paper.pdf", PRODUCTION, version="0.1.5")
    stage.lockstep("promote", "s3-notifier", "--to", "production", code=1, shows=("hold", "wrong event name"))
    stage.git("pull", "--quiet")
    stage.lockstep("history", "production/s3-notifier", shows=("taken back", "#2"))
    stage.lockstep("release-hold", "production/s3-notifier", "--now", shows=("Committed",))
    stage.git("pull", "--quiet")


def _drift(stage: Stage, account: Account) -> None:
    stage.heading("Somebody changes production behind our back")
    account.tamper(PRODUCTION)
    stage.say("Its memory is 1024 MB now, and other code was uploaded.")
    stage.lockstep("status", shows=("OutOfSync", "memorySize: 1024 -> 512", "code:"))
    stage.lockstep("sync")
    _expect_memory(stage, account, PRODUCTION, 512)
    _upload(stage, account, "Projects/46/paper.pdf", PRODUCTION, version="0.1.5")
    stage.say("The other team's notification is where it was:")
    entries = account.notifications()
    for prefix, name in entries.items():
        stage.say(f"s3://{BUCKET}/{prefix}* -> {name}", indent="  ")
    stage.expect(entries.get("audit/") == "audit", "the notification for audit/ is gone")
    stage.expect(len(entries) == 3, f"the bucket has {len(entries)} notifications, not 3")


def _preview(stage: Stage, account: Account, gitops: Path, monorepo: Path) -> None:
    stage.heading("A pull request gets a preview of its own, which goes with it")
    stage.enter(monorepo)
    stage.git("switch", "--quiet", "-c", "tell-more")
    _change(stage, "feat: say FileKept", "FileKept")
    stage.git("push", "--quiet", "--set-upstream", "origin", "tell-more")
    stage.lockstep("pulls", "open", shows=("Opened #1",))
    _preview_up(stage, account, gitops, "first")
    stage.enter(monorepo)
    _change(stage, "fix: no, FileRead", "FileRead")
    stage.git("push", "--quiet")
    _preview_up(stage, account, gitops, "second")
    stage.lockstep("preview", "list", shows=("pr-1", "Synced/Healthy"))
    stage.say("The pull request is closed:")
    stage.lockstep("-C", "../monorepo", "pulls", "close", "1")
    stage.lockstep("preview", "down", "--pr", "1")
    stage.git("pull", "--quiet")
    stage.lockstep("sync", shows=("0 to create, 0 to update, 1 to delete",))
    stage.expect(account.function(PREVIEW) is None, f"{PREVIEW} is still there")
    entries = account.notifications()
    stage.expect(set(entries) == {"audit/", "staging/", "Projects/"}, f"triggers are {sorted(entries)}")


def _preview_up(stage: Stage, account: Account, gitops: Path, name: str) -> None:
    """Release what is pushed to the pull request, bring its preview up, and try it."""
    version = stage.lockstep("version", "s3-notifier", "--pr", "1").strip()
    stage.lockstep("release", "s3-notifier", "--pr", "1", shows=(version,))
    stage.enter(gitops)
    stage.lockstep("preview", "up", "--pr", "1", "--service", f"s3-notifier@{version}")
    stage.git("pull", "--quiet")
    stage.lockstep("sync", "preview/pr-1")
    _upload(stage, account, f"preview/pr-1/{name}.pdf", PREVIEW, version=version)


def _roll_out(stage: Stage, account: Account, gitops: Path, monorepo: Path) -> None:
    stage.heading("A release gets one upload in ten first, and comes back by itself")
    account.watch(STAGING, "live", alarm="s3-notifier-errors")
    stage.say(
        "Staging gets an alias, and its next release a tenth of the calls for ten minutes. An alarm of "
        "CloudWatch watches for errors of those calls:"
    )
    file = gitops / _STAGING_FILE
    file.write_text(file.read_text().replace("gitVersion:", f"{_ALIAS}gitVersion:"))
    stage.git("commit", "--quiet", "--all", "-m", "Releases reach staging step by step")
    stage.git("push", "--quiet")
    stage.lockstep("sync", "staging", shows=("live",))
    stage.enter(monorepo)
    stage.git("switch", "--quiet", "main")
    _edit(stage, "fix: tell the project, too", '"key": key,', f'"key": key, {_PROJECT},')
    stage.git("push", "--quiet")
    stage.lockstep("release", "s3-notifier", is_shown=False, shows=("0.1.7",))
    stage.enter(gitops)
    stage.lockstep("promote", "s3-notifier@0.1.7", "--to", "staging", shows=("Merged: pull request",))
    stage.git("pull", "--quiet")
    stage.lockstep("sync", "staging", "--no-wait", shows=("10% of the calls of live",))
    _until_one_fails(stage, account)
    stage.lockstep("rollout", "status", "staging/s3-notifier", shows=("ALARM",))
    stage.say("The next sync, by anybody or a schedule, sees it as well:")
    stage.lockstep("sync", "staging", code=1, shows=("ALARM",))
    stage.git("pull", "--quiet")
    stage.lockstep("history", "staging/s3-notifier", shows=("taken back",))
    stage.lockstep("status", "staging")


def _until_one_fails(stage: Stage, account: Account) -> None:
    """Upload file after file until a call of the new version has failed, and say what was counted."""
    for number in range(1, _MOST_UPLOADS):
        key = f"staging/paper-{number}.pdf"
        account.upload(key)
        account.message(STAGING, key)  # of a call that failed it comes with the second try
        counted = {version: account.counted(STAGING, "live", version) for version in ("1", "2")}
        if counted["2"][1]:
            break
    stage.say(f"Upload {number} files, until one call has failed. CloudWatch has counted:")
    for version, (calls, failed) in counted.items():
        stage.say(f"version {version} of live: calls {calls}, failed {failed}", indent="  ")


def _change(stage: Stage, message: str, word: str) -> None:
    """Commit a change of the function's source: the event that it tells."""
    old = (stage.folder / _SOURCE).read_text().partition('"event": "')[2].partition('"')[0]
    _edit(stage, message, f'"event": "{old}"', f'"event": "{word}"')


def _edit(stage: Stage, message: str, old: str, new: str) -> None:
    """Commit a change of the function's source."""
    file = stage.folder / _SOURCE
    file.write_text(file.read_text().replace(old, new))
    stage.git("commit", "--quiet", "--all", "-m", message)


def _expect_memory(stage: Stage, account: Account, name: str, memory: int) -> None:
    found = account.function(name)
    stage.expect(found and found["MemorySize"] == memory, f"{name} does not have {memory} MB")


def _upload(stage: Stage, account: Account, key: str, function: str, *, version: str) -> None:
    """Upload a file and show what the function that must run has logged."""
    stage.say(f"Upload {key}; the log of {function} says:")
    account.upload(key)
    message = account.message(function, key)
    stage.say("{event} {key}, by {notifier} in {environment}".format_map(message), indent="  ")
    stage.expect(message.get("notifier") == version, f"{function} runs {message.get('notifier')}")


def _leave(stage: Stage, cloud: LocalCloud, folder: Path) -> None:
    """Write how to use and how to end what is left running, and say so."""
    write_exports(cloud, folder)
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
