"""``lockstep pulls`` as it is typed, on a plain Git server."""

import json
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.forge.base import CheckState
from lockstep.forge.local import LocalForge
from tests.functional.forges.conftest import clone_of_new
from tests.functional.forges.ground import branches, content, push
from tests.functional.git.conftest import Work, _own_configuration

__all__ = ["_own_configuration"]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """The current folder: a clone with a project file."""
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path / "cache"))
    made = clone_of_new(tmp_path)
    push(made, "main", **{"lockstep.yaml": "project: shop\n"})
    made.git("fetch", "-q")
    made.git("checkout", "-q", "-B", "main", "origin/main")
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def forge(work: Work, tmp_path: Path) -> LocalForge:
    """The forge of that clone."""
    return LocalForge(work.folder, tmp_path / "other")


def test_they_are_listed(work: Work, forge: LocalForge, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are open, or all; nothing of a title acts on the terminal."""
    assert main(["pulls"]) == 0
    assert capsys.readouterr() == ("There are no pull requests.\n", "")
    for name in ("lockstep/a", "b"):
        push(work, name, **{name.replace("/", "-"): "1\n"})
        forge.open_pull(head=name, base="main", title=f"\x1b[31m{name}", body="", is_draft=name == "b")
    assert main(["pulls", "merge", "1"]) == 0
    capsys.readouterr()
    assert main(["pulls"]) == 0
    assert capsys.readouterr().out == (
        "NUMBER  STATE  TITLE      BRANCH     BY\n"  # the newest first
        "#2      draft  \\x1b[31mb  b -> main  Ada\n"
    )
    assert main(["pulls", "--all", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(pull["number"], pull["state"]) for pull in document["pulls"]] == [(2, "open"), (1, "merged")]


def test_one_is_opened(work: Work, forge: LocalForge, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the branch that is checked out, or of one that is named; with the newest commit's words."""
    change = push(work, "a", a="1\n")
    push(work, "b", b="1\n")
    work.git("checkout", "-q", "-b", "a", change.sha)
    assert main(["pulls", "open"]) == 0
    assert capsys.readouterr().out == "Opened #1: Change of a\n"
    assert main(["pulls", "open", "b", "--title", "Bring\x1b[2J b", "--body", "Look"]) == 0
    assert capsys.readouterr().out == "Opened #2: Bring\\x1b[2J b\n"
    assert [(pull.head, pull.base, pull.body) for pull in forge.pulls()] == [
        ("b", "main", "Look"),
        ("a", "main", ""),
    ]
    work.git("checkout", "-q", "-b", "c")
    assert main(["pulls", "open"]) == 1
    assert "has no c\n  fix: " in capsys.readouterr().err
    work.git("checkout", "-q", "--detach")
    assert main(["pulls", "open"]) == 3
    assert "no branch is checked out" in capsys.readouterr().err


def test_one_is_shown(work: Work, forge: LocalForge, capsys: pytest.CaptureFixture[str]) -> None:
    """What a reviewer needs: state, checks, commits, text and comments, without hidden marks."""
    change = push(work, "a", version="mine\n")
    forge.open_pull(
        head="a", base="main", title="Bring a", body="From 1\nto 2\n<!-- lockstep:moves x -->\n", labels=["l"]
    )
    push(work, "main", version="theirs\n")
    forge.set_status(
        change.sha, context="plan", state=CheckState.FAILURE, description="", url="https://ci.example/7"
    )
    forge.comment(1, "<!-- lockstep:plan -->\n+ create\n\x1b[2J", marker="plan")
    assert main(["pulls", "#1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "#1 Bring a",
        "state   open, conflicts with main, its checks or reviews are not complete",
    ]
    assert "check   failure plan https://ci.example/7" in lines
    assert f"commit  {change.sha[:8]} Ada: Change of a" in lines
    at = lines.index("From 1")
    assert lines[at + 1 : at + 3] == ["to 2", ""]
    assert lines[at + 3].startswith("Ada, 20")
    assert lines[at + 4 :] == ["  + create", "  \\x1b[2J"]
    assert main(["pulls", "show", "1", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["format"], document["conflict"], document["blocked"]) == ("lockstep.pull/1", True, True)
    assert document["comments"][0]["author"] == "Ada"
    assert main(["pulls", "merge", "1"]) == 1
    assert "in conflict: version" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
def test_one_is_merged(
    work: Work, forge: LocalForge, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also one whose base holds a project that is not valid: that is how it is mended."""
    push(work, "main", **{"lockstep.yaml": "project: shop\nfolder: nowhere\n"})
    work.git("pull", "-q", "origin", "main")
    push(work, "lockstep/a", a="1\n")
    work.git("checkout", "-q", "main")
    forge.open_pull(head="lockstep/a", base="main", title="Bring a", body="")
    assert main(["pulls", "merge", "1", "--method", method]) == 0
    assert content(work, "a") == "1"
    made = work.git("rev-parse", "--short=12", "origin/main")
    assert capsys.readouterr().out == f"Merged #1 as {made}.\n"
    assert main(["pulls", "merge", "1"]) == 0
    assert main(["pulls", "close", "1"]) == 1
    assert "is merged" in capsys.readouterr().err


def test_one_is_closed(work: Work, forge: LocalForge, capsys: pytest.CaptureFixture[str]) -> None:
    """With a last word, and its branch stays."""
    push(work, "a")
    forge.open_pull(head="a", base="main", title="Bring a", body="")
    assert main(["pulls", "close", "1", "--comment", "not now"]) == 0
    assert capsys.readouterr().out == "Closed #1.\n"
    assert [note.body for note in forge.comments(1)] == ["not now"]
    assert "a" in branches(work)
    assert main(["pulls", "1"]) == 0
    assert "state   closed by Ada\n" in capsys.readouterr().out
    assert main(["pulls", "merge", "1"]) == 1


def test_one_is_labelled(work: Work, forge: LocalForge, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels come and go, those that stay keep their order, and the same again changes nothing."""
    push(work, "a")
    forge.open_pull(head="a", base="main", title="Bring a", body="", labels=["old"])
    for _ in range(2):
        assert main(["pulls", "label", "1", "preview", "good first", "--remove", "old"]) == 0
        assert capsys.readouterr().out == "Labels of #1: preview, good first.\n"
    assert forge.pull(1).labels == ("preview", "good first")
    assert main(["pulls", "label", "1", "--remove", "preview", "--remove", "good first"]) == 0
    assert capsys.readouterr().out == "Labels of #1: none.\n"
    assert main(["pulls", "label", "9", "preview"]) == 1
    assert "is not there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["eat", "1"], "no action"),
        (["label"], "needs one number"),
        (["label", "preview"], "needs one number"),
        (["label", "1"], "no label is named"),
        (["label", "1", " "], "is no label"),
        (["label", "1", "a\nb"], "is no label"),
        (["label", "1", "a" * 51], "is no label"),
        (["merge"], "needs one number"),
        (["merge", "x"], "needs one number"),
        (["show", "1", "2"], "needs one number"),
        (["open", "a", "b"], "takes one branch"),
        (["merge", "1", "--method", "octopus"], "not one of"),
    ],
)
def test_what_cannot_be_meant_is_bad_input(
    work: Work, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, before anything is asked."""
    assert main(["pulls", *words]) == 3
    assert said in capsys.readouterr().err


def test_a_number_that_nothing_has_is_said(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1."""
    assert main(["pulls", "show", "9"]) == 1
    assert "pull request 9 is not there" in capsys.readouterr().err
