"""``lockstep version`` and ``lockstep changed`` as they are typed."""

import io
import json
import sys
from pathlib import Path

import pytest

from lockstep.cli import main
from tests.support.monorepo import Monorepo, make_monorepo


@pytest.fixture
def mono(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Monorepo:
    """The current folder: a repository with three services, one of them with a version."""
    made = make_monorepo(tmp_path / "mono")
    made.tag("api-v0.1.5")
    made.commit("fix: \x1b[31mred")
    monkeypatch.chdir(made.folder)
    return made


def test_the_version_alone_is_on_stdout(mono: Monorepo, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a script can take it; everything else is on stderr."""
    assert main(["version", "api"]) == 0
    assert capsys.readouterr() == ("0.1.6\n", "")
    assert main(["version", "web"]) == 0
    assert capsys.readouterr() == (
        "0.1.0\n",
        "warning: no tag v* yet: 0.1.0 is the first version of web\n",
    )
    assert main(["version", "--pr", "123", "api"]) == 0
    assert capsys.readouterr().out == "0.1.6-pr123.1\n"
    assert main(["version", "api", "--version", "2.0.0"]) == 0
    assert capsys.readouterr().out == "2.0.0\n"
    assert main(["version", "api", "--rev", "HEAD~1"]) == 0
    assert capsys.readouterr().out == "0.1.5\n"


def test_the_chain_that_led_to_it(mono: Monorepo, capsys: pytest.CaptureFixture[str]) -> None:
    """Base, commits with what they ask for, result; nothing of a message acts on the terminal."""
    mono.tag("api-vfoo")
    mono.commit("Anything", "src/api/b", "src/my-api/b")
    mono.commit("feat: other", "src/my-api/b")
    one, two, _ = mono.git("log", "--format=%h", "--abbrev=8", "-3", "--reverse").split()
    base = mono.git("rev-parse", "--short=8", "api-v0.1.5")
    assert main(["version", "api", "--explain"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "api 0.1.6",
        f"base    0.1.5, tag api-v0.1.5 on {base}",
        f"commit  {mono.git('rev-parse', '--short=8', 'HEAD')}",
        "since   3 commits, 2 of this service",
        f"  none   {two}  no conventional commit  Anything",
        f"  patch  {one}  fix                     fix: \\x1b[31mred",
        "result  0.1.5 -> 0.1.6: fix asks for patch",
        "note: the tag api-vfoo names no version: ignored",
    ]


def test_the_chain_as_json(mono: Monorepo, capsys: pytest.CaptureFixture[str]) -> None:
    """The same, for programs."""
    assert main(["version", "api", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    commit = mono.git("rev-parse", "HEAD")
    assert document == {
        "format": "lockstep.version/1",
        "service": "api",
        "version": "0.1.6",
        "tag": "api-v0.1.6",
        "commit": commit,
        "prerelease": False,
        "basis": "commits",
        "base": {
            "version": "0.1.5",
            "tag": "api-v0.1.5",
            "commit": mono.git("rev-parse", "api-v0.1.5"),
        },
        "level": "patch",
        "asked": "patch",
        "count": 1,
        "why": "fix asks for patch",
        "commits": [{"commit": commit, "subject": "fix: \x1b[31mred", "level": "patch", "why": "fix"}],
        "notes": [],
        "warnings": [],
    }


def test_gitversions_output_from_a_file_and_from_stdin(
    mono: Monorepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A team that keeps GitVersion hands on what it says."""
    text = json.dumps({"SemVer": "0.4.0-beta.1", "Sha": mono.git("rev-parse", "HEAD")})
    (mono.folder / "gv.json").write_text(text)
    assert main(["version", "api", "--from-gitversion", "gv.json"]) == 0
    assert capsys.readouterr().out == "0.4.0-beta.1\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["version", "api", "--from-gitversion", "-"]) == 0
    assert capsys.readouterr().out == "0.4.0-beta.1\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["version"], "SERVICE"),
        (["version", "api", "--version", "v1.0.0"], "'v1.0.0' is no semantic version: it begins with v"),
        (["version", "api", "--version", ""], "'' is no semantic version: it is empty"),
        (["version", "api", "--version", "0.1.5"], "0.1.5 is taken"),
        (["version", "api", "--version", "1.0.0", "--pr", "1"], "each say what the version is"),
        (["version", "api", "--pr", ""], "'' is not a whole number of at least 1"),
        (["version", "api", "--pr", "0"], "'0' is not a whole number of at least 1"),
        (["version", "api", "--from-gitversion", "absent.json"], "absent.json: cannot be read: No such file"),
        (["version", "api", "-o", "markdown"], "'markdown' is not one of table, json"),
        (["changed"], "--since"),
        (["changed", "--since", ""], "'' is not a revision"),
    ],
)
def test_bad_input(
    mono: Monorepo, words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3 and one message; nothing on stdout that a script could take for a version."""
    assert main(words) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert problem in err


def test_a_url_has_no_history(
    mono: Monorepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read from a URL is one commit; tags and history are a clone's."""
    monkeypatch.setenv("LOCKSTEP_CACHE", str(mono.folder.parent / "cache"))
    assert main(["version", "api", "--repo", f"file://{mono.folder}"]) == 3
    assert "--repo: tags and history are read from a clone, not from a URL" in capsys.readouterr().err
    assert main(["version", "api", "--repo", str(mono.folder)]) == 0


def test_changed_services_for_a_matrix(mono: Monorepo, capsys: pytest.CaptureFixture[str]) -> None:
    """A JSON list on one line, or one name on each; why is told with -v on stderr."""
    assert main(["changed", "--since", "HEAD~1", "-o", "json"]) == 0
    assert capsys.readouterr() == ('["api", "web"]\n', "")
    assert main(["changed", "--since", "HEAD", "-o", "json"]) == 0
    assert capsys.readouterr() == ("[]\n", "")
    assert main(["changed", "--since", "HEAD"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["changed", "--since", "HEAD~1", "-v"]) == 0
    out, err = capsys.readouterr()
    assert out == "api\nweb\n"
    assert "api: src/api/app.py changed\n" in err
    assert main(["changed", "--since", "0" * 40, "-v"]) == 0
    out, err = capsys.readouterr()
    assert out == "api\nmy-api\nweb\n"
    assert f"all services: {'0' * 40} is not in this repository\n" in err
