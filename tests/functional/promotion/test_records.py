"""What syncs write down: when each version was deployed, and whose a difference is."""

from lockstep.local.ministack import LocalCloud
from tests.functional.promotion.conftest import STAGING_FILE, Shop
from tests.support import clouds

REF = "refs/lockstep/syncs"


def test_declared_and_deployed_are_two_things(live: Shop) -> None:
    """A version that was only declared has no record; one that a sync brought says when, and by whom."""
    live.run("promote", "notifier@0.1.0", "--to", "staging", "--override", "x")
    live.pull()
    declared, synced, skipped = live.json("history", "staging/notifier")["versions"]
    assert (declared["version"], declared["deployment"]) == ("0.1.0", None)
    assert synced["deployment"]["done"] == "deployed"
    assert synced["deployment"]["by"] == "Ada"
    assert synced["deployment"]["commit"] == synced["commit"]
    assert (skipped["version"], skipped["deployment"]) == ("0.1.0", None)
    out = live.run("history", "staging/notifier")
    assert out.splitlines()[0].split() == ["VERSION", "DECLARED", "DEPLOYED", "COMMIT", "BY", "PULL"]
    assert out.count("no record") == 2


def test_a_record_is_no_precondition_of_a_sync(live: Shop) -> None:
    """A server that takes none is a note; nothing else changes, and history says what it does not know."""
    hook = live.bare / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in refs/lockstep/syncs) echo no records here >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    before = live.work.git("ls-remote", "origin", REF)
    live.run("promote", "notifier@0.1.0", "--to", "staging", "--override", "x")
    live.pull()
    live.run("sync", "staging")
    assert "note: no record of this sync was left in refs/lockstep/syncs" in live.err
    assert "no records here" in live.err
    assert live.work.git("ls-remote", "origin", REF) == before
    live.work.git("remote", "set-url", "origin", str(live.bare) + "-gone")
    assert "no record" in live.run("history", "staging/notifier")
    assert "note: what was deployed when is not known" in live.err


def test_nothing_done_leaves_no_record(live: Shop) -> None:
    """A sync that finds everything as it should be writes nothing."""
    before = live.work.git("ls-remote", "origin", REF)
    assert before
    live.run("sync")
    assert live.work.git("ls-remote", "origin", REF) == before


def test_git_that_is_ahead_is_told_from_aws_that_was_changed(live: Shop, ministack: LocalCloud) -> None:
    """By what the last sync brought: each alone, then both."""
    before = live.show(STAGING_FILE) + "\n"
    live.push(**{STAGING_FILE: before + "  timeout: 30\n"})
    assert _cause(live) == "Git is ahead"
    for verb in ("status", "drift"):
        assert "staging/notifier: Git is ahead" in live.run(verb, "staging")
    assert "staging/notifier: OutOfSync, Healthy, Git is ahead" in live.run(
        "drift", "staging", "-o", "markdown"
    )
    function = clouds.client(ministack, "lambda")
    function.update_function_configuration(FunctionName="notifier-staging", MemorySize=1024)
    function.get_waiter("function_updated_v2").wait(
        FunctionName="notifier-staging", WaiterConfig={"Delay": 0}
    )
    assert _cause(live) == "Git is ahead, and AWS was changed"
    live.push(**{STAGING_FILE: before})
    assert _cause(live) == "AWS was changed"
    live.run("sync", "staging")
    assert _cause(live) is None
    function.delete_function(FunctionName="notifier-staging")
    assert _cause(live) == "AWS was changed"


def test_what_was_synced_without_a_commit_tells_nothing_later(live: Shop) -> None:
    """The record says that no commit was it, so nobody can look it up."""
    live.work.write(STAGING_FILE, live.show(STAGING_FILE) + "\n  timeout: 30\n")
    live.run("sync", "staging")
    live.push(**{STAGING_FILE: live.show(STAGING_FILE) + "\n  timeout: 40\n"})
    assert _cause(live) is None


def _cause(live: Shop) -> object:
    (row,) = live.json("status", "staging/notifier")["targets"]
    return row["cause"]
