"""Over HTTP, with a password: everything works and nothing shows it."""

from pathlib import Path

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.base import CheckState, MergeMethod, Merging, PullState
from lockstep.forge.local import LocalForge
from tests.functional.forge.local.conftest import Place
from tests.functional.forges.ground import content, push
from tests.support.git_http import git_server


def test_a_story_over_http(place: Place, tmp_path: Path) -> None:
    """Opened, checked, merged, released, over a server that asks for a password."""
    package = tmp_path / "package.zip"
    package.write_bytes(b"PK\3\4")
    change = push(place.work, "lockstep/a", version="1\n")
    with git_server(place.bare.parent) as server:
        server.password = "p4ssw0rd"
        url = server.url("gitops.git", user="someone:p4ssw0rd")
        forge = LocalForge(url, place.machines / "one")
        made = forge.open_pull(head="lockstep/a", base="main", title="A", body="")
        forge.comment(made.number, "a plan", marker="plan")
        forge.set_status(change.sha, context="plan", state=CheckState.PENDING, description="")
        assert (
            forge.merge_when_ready(made.number, sha=change.sha, method=MergeMethod.MERGE) is Merging.WAITING
        )
        other = LocalForge(url, place.machines / "two")
        other.set_status(change.sha, context="plan", state=CheckState.SUCCESS, description="")
        pull = other.pull(made.number)
        assert (pull.state, pull.merge_commit is not None) == (PullState.MERGED, True)
        assert content(place.work, "version") == "1"
        place.work.git("tag", "v1", "origin/main")
        place.work.git("push", "-q", "origin", "v1")
        commit = place.work.git("rev-parse", "v1")
        release = other.publish(
            tag="v1", commit=commit, title="1", body="", assets={"package.zip": package}, is_prerelease=True
        )
        assert forge.release("v1") == release
        shown = f"{pull} {release} {forge.comments(made.number)}"
        assert "p4ssw0rd" not in shown + place.work.git("log", "--all", "-p")
        server.password = "changed"
        with pytest.raises(ForgeError, match=r"refused the credentials[\s\S]*fix:") as caught:
            forge.pulls()
        assert "p4ssw0rd" not in str(caught.value)
        server.failing = 503
        with pytest.raises(ForgeError, match=r"cannot be reached[\s\S]*fix:"):
            forge.put_issue("m", title="I", body="")
