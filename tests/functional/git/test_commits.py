"""Commits made from contents, without a work tree."""

import os
import subprocess
from pathlib import Path

import pytest

from lockstep.errors import BadInput
from lockstep.git import Identity, commit_files
from lockstep.git.command import Repository
from tests.functional.git.conftest import Work


def made(work: Work, changes: dict[str, bytes | None], **more: object) -> str:
    """Commit changes on top of HEAD."""
    parent = work.git("rev-parse", "HEAD")
    return commit_files(
        Repository(folder=work.folder), parent=parent, changes=changes, message="A change", **more
    )


def test_files_are_added_changed_and_removed(work: Work) -> None:
    """The commit differs from its parent in the given paths only, and no ref, index or file moves."""
    parent = work.commit("one", a="1", b__c="1", b__d="1", e="1")
    commit = made(work, {"a": b"2", "b/c": None, "b/d": None, "new/deep/file": b"3", "gone": None})
    assert work.git("diff", "--name-status", parent, commit).split("\n") == [
        "M\ta",
        "D\tb/c",
        "D\tb/d",
        "A\tnew/deep/file",
    ]
    assert work.git("log", "-1", "--format=%P %s", commit) == f"{parent} A change"
    assert work.git("rev-parse", "HEAD") == parent
    assert work.git("status", "--porcelain") == ""


def test_a_first_commit_has_no_parent(work: Work) -> None:
    """A repository without commits gets one."""
    commit = commit_files(
        Repository(folder=work.folder), parent=None, changes={"a": b"1"}, message="First\n\nWhy.\n\n"
    )
    assert work.git("log", "--format=%P|%B", commit).strip() == "|First\n\nWhy."
    assert work.git("show", f"{commit}:a") == "1"


def test_a_file_keeps_its_mode_and_others_their_kind(work: Work) -> None:
    """A script stays executable; links and submodules that are not named stay as they are."""
    script = work.write("run.sh")
    script.chmod(0o755)
    (work.folder / "link").symlink_to("run.sh")
    first = work.commit("one")
    work.git("update-index", "--add", "--cacheinfo", f"160000,{first},module")
    work.git("commit", "-q", "-m", "two")
    commit = made(work, {"run.sh": b"new\n", "plain": b"x"})
    modes = [entry.split()[0] for entry in work.git("ls-tree", commit).split("\n")]
    assert modes == ["120000", "160000", "100644", "100755"]


@pytest.mark.parametrize("content", [b"", b"a\r\nb\r\n", b"\0\n\0", b"blob\nmark :1\n", b"\xff" * 70_000])
def test_contents_arrive_byte_for_byte(work: Work, content: bytes) -> None:
    """No filter of the repository or of the user changes what is written."""
    work.git("config", "core.autocrlf", "input")
    work.commit("one", **{".gitattributes": "* text=auto ident\n"})
    commit = made(work, {"file": content})
    shown = Repository(folder=work.folder).run("cat-file", "blob", f"{commit}:file", doing="reading")
    assert shown == content


def test_odd_names_are_written(work: Work) -> None:
    """Spaces, quotes, line feeds, wildcards, other alphabets and bytes that are no text."""
    work.commit("one", a="1")
    names = ["a b", 'q"uote', "line\nfeed", "star*", ":colon", "-dash", "ünï/ü", "tab\t", "\udcff"]
    commit = made(work, dict.fromkeys(names, b"x"))
    shown = Repository(folder=work.folder).run("ls-tree", "-r", "-z", "--name-only", commit, doing="reading")
    assert set(os.fsdecode(shown).split("\0")[:-1]) == {"a", *names}


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../x", "/etc/x", "./x", "a//b", "a/", "", ".git/hooks/post-checkout", "sub/.GiT/config"]
    + ["git~1/config", ".git ./config", ".g\u200cit/config", ".git\\config", "a\0b"],
)
def test_a_path_that_leaves_the_tree_is_refused(work: Work, path: str) -> None:
    """Nothing is written outside the repository or into a folder that some system takes for .git."""
    work.commit("one", readme="1")
    with pytest.raises(BadInput, match=r"no path for a file[\s\S]*fix:"):
        made(work, {"fine": b"x", path: b"x"})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a/b", "a is a file, not a folder"),
        ("folder", "is a folder, not a file"),
        ("link", "is a link or a submodule"),
        ("link/x", "link is a link or a submodule, not a folder"),
        ("new/x/y", "new/x is a file, not a folder"),
    ],
)
def test_a_path_that_is_something_else_is_refused(work: Work, path: str, reason: str) -> None:
    """A link is never written through, and no file silently takes the place of a folder."""
    (work.folder / "link").symlink_to("/tmp")
    work.commit("one", a="1", folder__b="1")
    with pytest.raises(BadInput, match=reason):
        made(work, {path: b"x", "new/x": b"x"})


def test_a_file_may_take_the_place_of_what_is_removed(work: Work) -> None:
    """A folder whose files all go can become a file, a file a folder, and a link can be removed."""
    (work.folder / "link").symlink_to("/tmp")
    work.commit("one", a="1", folder__b="1")
    commit = made(work, {"a": None, "a/b": b"x", "folder/b": None, "folder": b"x", "link": None})
    assert work.git("ls-tree", "-r", "--name-only", commit).split() == ["a/b", "folder"]


def test_no_identity_is_needed(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git knows nobody, and may not guess, the commit is Lockstep's."""
    work.commit("one", a="1")
    configuration = tmp_path / "nobody"
    configuration.write_text("[user]\n\tuseConfigOnly = true\n\tname =\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "")
    commit = made(work, {"a": b"2"})
    assert work.git("log", "-1", "--format=%an %ae|%cn %ce", commit) == (
        "Lockstep lockstep@users.noreply.invalid|Lockstep lockstep@users.noreply.invalid"
    )


def test_gits_own_identity_is_used(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment comes before the configuration, as for git."""
    work.commit("one", a="1")
    work.git("config", "committer.name", "Bot")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "grace@example.org")
    commit = made(work, {"a": b"2"})
    assert work.git("log", "-1", "--format=%an %ae|%cn %ce", commit) == (
        "Ada grace@example.org|Bot ada@example.org"
    )


@pytest.mark.parametrize(
    ("name", "shown"), [("Grace", "Grace"), ("<Gr\nace\0>", "Grace"), ("<>", "Lockstep")]
)
def test_an_author_can_be_named(work: Work, name: str, shown: str) -> None:
    """The author is as given, without what would break the commit; the committer stays git's."""
    work.commit("one", a="1")
    commit = made(work, {"a": b"2"}, author=Identity(name=name, email="g@example.org"))
    assert work.git("log", "-1", "--format=%an %ae|%cn", commit) == f"{shown} g@example.org|Ada"


def test_the_users_signing_and_index_settings_do_no_harm(work: Work) -> None:
    """A commit is made without a key at hand, and nothing but objects is added to the repository."""
    work.commit("one", a="1")
    for key, value in {
        "commit.gpgSign": "true",
        "gpg.program": "/nonexistent",
        "core.splitIndex": "true",
        "core.untrackedCache": "true",
        "index.sparse": "true",
        "i18n.commitEncoding": "latin1",
    }.items():
        work.git("config", key, value)
    before = {path for path in (work.folder / ".git").rglob("*") if "objects" not in path.parts}
    commit = made(work, {"a": b"2"})
    assert {path for path in (work.folder / ".git").rglob("*") if "objects" not in path.parts} == before
    assert "encoding" not in work.git("cat-file", "commit", commit)


def test_many_files_are_one_commit(work: Work) -> None:
    """Hundreds of files come in order, each with its own content."""
    work.commit("one", a="1")
    commit = made(work, {f"f/{number}": b"%d" % number for number in range(300)})
    assert work.git("show", f"{commit}:f/0", f"{commit}:f/299") == "0299"
    assert work.git("ls-tree", "-r", "--name-only", commit, "f/").count("\n") == 299


@pytest.mark.parametrize(("value", "is_signed"), [("true", True), ("on", True), ("no", False), (None, False)])
def test_a_commit_is_signed_where_git_is_told_to(work: Work, value: str | None, is_signed: bool) -> None:
    """As git itself would, so that a host that asks for signatures takes it."""
    work.commit("one", a="1")
    key = work.folder.parent / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    work.git("config", "gpg.format", "ssh")
    work.git("config", "user.signingkey", f"{key}.pub")
    if value is not None:
        work.git("config", "commit.gpgsign", value)
    commit = made(work, {"a": b"2"})
    assert ("-----BEGIN SSH SIGNATURE-----" in work.git("cat-file", "commit", commit)) is is_signed


def test_a_signing_key_that_is_not_there_is_told(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    """With git's own words: nobody is to think that the commit is signed."""
    work.commit("one", a="1")
    work.git("config", "gpg.format", "ssh")
    work.git("config", "user.signingkey", str(work.folder / "gone.pub"))
    work.git("config", "commit.gpgsign", "true")
    assert made(work, {"a": b"2"})
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "the commit is not signed, although commit.gpgsign asks for it" in record.getMessage()
    assert "gone.pub" in record.getMessage()
