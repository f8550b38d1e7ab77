"""``lockstep package``: as a person or a CI job runs it."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.support.wheels import elf, make_wheel

FRESH = (sys.executable, "-m", "lockstep")
PROJECT = """\
services:
  app:
    source: {paths: [src/app]}
    build: {builder: python, runtime: python3.13, architecture: arm64}
  plain:
    source: {paths: [src/plain]}
    build: {builder: python, runtime: python3.13}
  slow:
    source: {paths: [src/slow]}
    build: {builder: command, command: "touch started; sleep 600", output: dist}
  notes:
    source: {paths: [src/notes]}
    build: {builder: command, command: "mkdir -p out && date > out/when && umask > out/umask", output: out}
  api: {}
"""


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _monorepo(folder: Path, *, mode: int = 0o644) -> Path:
    """Make a repository with a function that has a native dependency, and others that have none."""
    source, plain = folder / "src" / "app", folder / "src" / "plain"
    (source / "lib").mkdir(parents=True)
    (plain / "lib").mkdir(parents=True)
    (plain / "app.py").write_text("def handler(event, context):\n    return 1\n")
    (plain / "lib" / "deep.py").write_text("x = 1\n")
    for name in ("slow", "notes"):
        (folder / "src" / name).mkdir()
        (folder / "src" / name / "x").touch()
    for name, text in {
        "app.py": "def handler(event, context):\n    return 1\n",
        "lib/deep.py": "x = 1\n",
        "requirements.txt": "native==2.0\npure==1.0\n",
    }.items():
        (source / name).write_text(text)
        (source / name).chmod(mode)
    (folder / "lockstep.yaml").write_text(PROJECT)
    (folder / ".gitignore").write_text("*.log\n__pycache__\n")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "One")
    return folder


def _wheels(folder: Path) -> Path:
    make_wheel(folder, "pure", "1.0", script="pure-tool")
    tag = "cp313-cp313-manylinux_2_28_aarch64"
    files = {"native/__init__.py": b"", "native/core.so": elf("arm64")}
    make_wheel(folder, "native", "2.0", tag=tag, files=files, requires=["pure"])
    return folder


@pytest.fixture
def env(tmp_path: Path, forks: Path) -> dict[str, str]:
    """The environment of a run: no network, and nothing that the machine has configured."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GIT_", "GITHUB_", "LOCKSTEP_", "PIP_", "UV_", "XDG_", "CI"))
    }
    return kept | {
        "PATH": f"{forks}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LOCKSTEP_CACHE": str(tmp_path / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(_wheels(tmp_path / "wheels")),
        "COLUMNS": "100",
    }


@pytest.fixture(autouse=True)
def _author(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits have an author and a time."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.org")
        monkeypatch.setenv(f"GIT_{name}_DATE", "2026-01-02T03:04:05Z")


def _start(
    *words: str, env: Mapping[str, str], folder: Path, umask: int = 0o022, command: Sequence[str] = FRESH
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*command, *words],
        cwd=folder,
        env=dict(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        umask=umask,
    )


def _package(
    *words: str,
    env: Mapping[str, str],
    folder: Path,
    umask: int = 0o022,
    command: Sequence[str] = ("lockstep",),
) -> tuple[int, str, str]:
    process = _start("package", *words, env=env, folder=folder, umask=umask, command=command)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_two_machines_make_the_same_bytes(tmp_path: Path, env: dict[str, str]) -> None:
    """Another folder, home, umask, time zone, language, order of files and mode of checkout."""
    first = _monorepo(tmp_path / "one")
    second = _monorepo(tmp_path / "two" / "dé ep", mode=0o600)
    other = env | {
        "HOME": str(tmp_path / "elsewhere"),
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "LANG": "C",
        "TMPDIR": str(tmp_path),
        "PYTHONHASHSEED": "7",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    for name in ("zz.log", "src/app/__pycache__/app.pyc"):
        (second / name).parent.mkdir(exist_ok=True)
        (second / name).write_text("left by a run")
    digests = []
    for folder, environment, umask in ((first, env, 0o022), (second, other, 0o077)):
        code, out, err = _package(
            "app", "-o", "json", env=environment, folder=folder, umask=umask, command=FRESH
        )
        assert (code, err) == (0, "")
        document = json.loads(out)
        data = Path(document["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == document["sha256"]
        digests.append(document["sha256"])
    assert digests[0] == digests[1]
    code, out, _ = _package("app", "-o", "json", "--rev", "HEAD", "--into", "x.zip", env=env, folder=first)
    assert (code, json.loads(out)["sha256"]) == (0, digests[0])


def test_a_command_sees_the_same_surroundings_everywhere(tmp_path: Path, env: dict[str, str]) -> None:
    """Time zone and umask do not reach the build."""
    folder = _monorepo(tmp_path / "one")
    code, _, _ = _package("notes", env=env | {"TZ": "Asia/Tokyo"}, folder=folder, umask=0o077)
    assert code == 0
    with zipfile.ZipFile(folder / "dist" / "notes.zip") as archive:
        assert b"UTC" in archive.read("when")
        assert archive.read("umask") == b"0022\n"


def test_the_package_and_its_summary(tmp_path: Path, env: dict[str, str]) -> None:
    """Into dist beside the project file, which Git ignores; what is large is told."""
    folder = _monorepo(tmp_path / "one")
    code, out, err = _package("app", "--version", "0.1.6", env=env, folder=folder / "src" / "app")
    assert (code, err) == (0, "")
    package = folder / "dist" / "app-0.1.6.zip"
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    lines = out.splitlines()
    assert lines[0] == "app 0.1.6"
    assert f"  path    {package}" in lines
    assert f"  sha256  {digest}" in lines
    assert f"from commit {_git(folder, 'rev-parse', 'HEAD')[:12]}" in " ".join(out.split())
    assert any(line.split()[0] == "native" and line.endswith("2 files") for line in lines if line.strip())
    assert _git(folder, "status", "--porcelain") == ""
    with zipfile.ZipFile(package) as archive:
        assert archive.namelist()[:3] == ["app.py", "lib/deep.py", "native-2.0.dist-info/METADATA"]


def test_a_revision_is_built_from_a_clean_checkout(tmp_path: Path, env: dict[str, str]) -> None:
    """Changes on disk do not count, and are not touched."""
    folder = _monorepo(tmp_path / "one")
    (folder / "src" / "plain" / "app.py").write_text("changed\n")
    (folder / "src" / "plain" / "new.py").write_text("new\n")
    code, out, err = _package("plain", "--rev", "main", "--into", str(tmp_path), env=env, folder=folder)
    assert (code, err) == (0, "")
    assert "from commit" in out
    with zipfile.ZipFile(tmp_path / "plain.zip") as archive:
        assert archive.read("app.py").startswith(b"def handler")
        assert "new.py" not in archive.namelist()
    code, out, err = _package("plain", "-o", "json", env=env, folder=folder)
    assert (code, json.loads(out)["commit"]) == (0, None)
    assert err == "warning: built from files that are not committed\n"
    with zipfile.ZipFile(folder / "dist" / "plain.zip") as archive:
        assert archive.read("app.py") == b"changed\n"
        assert "new.py" in archive.namelist()


def test_a_project_below_the_root_is_built(tmp_path: Path, env: dict[str, str]) -> None:
    """Paths are relative to the project file, wherever that is."""
    folder = _monorepo(tmp_path / "one" / "below")
    (tmp_path / "outer").mkdir()
    (folder / ".git").rename(tmp_path / "gone")
    _git(tmp_path / "one", "init", "-q", "-b", "main")
    _git(tmp_path / "one", "add", "-A")
    _git(tmp_path / "one", "commit", "-q", "-m", "One")
    results = [
        _package("plain", "-o", "json", *words, "--into", str(tmp_path / "x.zip"), env=env, folder=folder)
        for words in ((), ("--rev", "HEAD"))
    ]
    documents = [json.loads(out) for _, out, _ in results]
    assert documents[0]["sha256"] == documents[1]["sha256"]
    assert documents[0]["commit"] == documents[1]["commit"] == _git(folder, "rev-parse", "HEAD")


def test_secrets_and_submodules_are_warned_of(tmp_path: Path, env: dict[str, str]) -> None:
    """By name, before anybody deploys them."""
    folder = _monorepo(tmp_path / "one")
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    _git(other, "commit", "-q", "--allow-empty", "-m", "One")
    _git(folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "src/plain/sub")
    (folder / "src" / "plain" / ".env").write_text("PASSWORD=x\n")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "Two")
    for words in (["--rev", "HEAD"], []):
        code, _, err = _package("plain", *words, "--into", str(tmp_path), env=env, folder=folder)
        assert code == 0
        assert err.splitlines() == [
            "warning: src/plain/sub is a submodule: its files are not in this repository, nor in the package",
            "warning: .env: looks secret and is in the package; leave it out (build.exclude)",
        ]


def test_a_submodule_gives_the_same_bytes_from_disk_and_from_a_commit(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """What is checked out here is not in the package, as in a release."""
    folder = _monorepo(tmp_path / "one")
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    (other / "b.js").write_text("b")
    _git(other, "add", "-A")
    _git(other, "commit", "-q", "-m", "One")
    (folder / "src" / "plain" / "dist").mkdir()
    (folder / "src" / "plain" / "dist" / "a.js").write_text("a")
    lib = "src/plain/dist/lib"
    _git(folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), lib)
    project = folder / "lockstep.yaml"
    project.write_text(
        project.read_text() + "  ready: {build: {builder: prebuilt, path: src/plain, output: dist}}\n"
    )
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "Two")
    results = [
        _package("ready", "-o", "json", *words, "--into", str(tmp_path / "x.zip"), env=env, folder=folder)
        for words in ((), ("--rev", "HEAD"))
    ]
    assert [code for code, _, _ in results] == [0, 0]
    documents = [json.loads(out) for _, out, _ in results]
    assert documents[0]["sha256"] == documents[1]["sha256"]
    assert documents[0]["files"] == 1


def test_a_remote_repository_is_built(tmp_path: Path, env: dict[str, str]) -> None:
    """By its URL, without a clone of one's own; the same bytes again."""
    folder = _monorepo(tmp_path / "one")
    here = tmp_path / "here"
    here.mkdir()
    words = ("plain", "-o", "json", "--repo", folder.as_uri())
    code, out, err = _package(*words, env=env, folder=here)
    assert (code, err) == (0, "")
    assert Path(json.loads(out)["path"]).read_bytes()
    assert (here / "dist" / "plain.zip").is_file()
    _, again, _ = _package("plain", "-o", "json", env=env, folder=folder)
    assert json.loads(again)["sha256"] == json.loads(out)["sha256"]


def test_a_sparse_checkout_is_not_packed_in_part(tmp_path: Path, env: dict[str, str]) -> None:
    """A file that is not there is told; the commit has it."""
    folder = _monorepo(tmp_path / "one")
    _git(folder, "sparse-checkout", "set", "--no-cone", "/*", "!/src/plain/lib/")
    code, out, err = _package("plain", env=env, folder=folder)
    assert (code, out) == (3, "")
    assert "src/plain/lib/deep.py: the file is not checked out" in err
    code, _, err = _package("plain", "--rev", "HEAD", env=env, folder=folder)
    assert (code, err) == (0, "")


def test_the_jobs_summary_says_it_too(tmp_path: Path, env: dict[str, str]) -> None:
    """As Markdown, where GitHub asks for one."""
    folder = _monorepo(tmp_path / "one")
    summary = tmp_path / "summary.md"
    code, out, _ = _package(
        "notes", "-o", "markdown", env=env | {"GITHUB_STEP_SUMMARY": str(summary)}, folder=folder
    )
    assert code == 0
    assert out.startswith("### Package `notes`\n\n```\n  path    dist/notes.zip\n")
    assert summary.read_text().strip() == out.strip()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ap",), "lockstep.yaml: there is no service 'ap' to build\n  fix: did you mean app?"),
        (("zzz",), "there is no service 'zzz' to build\n  fix: there are: api, app, notes, plain, slow"),
        (("api",), "lockstep.yaml:14: nothing says how api is built"),
        (("app", "--version", "a b"), "--version: 'a b' is no version"),
        (("app", "--into", "no/where.zip"), "no: there is no such folder"),
        (("app", "--rev", "nope"), "the repository has no revision nope"),
        ((), "SERVICE is missing"),
    ],
)
def test_bad_input_is_told_with_a_way_out(
    tmp_path: Path, env: dict[str, str], words: tuple[str, ...], says: str
) -> None:
    """Exit code 3, and nothing is written."""
    folder = _monorepo(tmp_path / "one")
    code, out, err = _package(*words, env=env, folder=folder)
    assert (code, out) == (3, "")
    assert says in err
    assert "  fix: " in err
    assert not (folder / "dist" / "app.zip").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_what_was_started(tmp_path: Path, env: dict[str, str], number: signal.Signals) -> None:
    """Ctrl-C, and what CI systems send: the build's processes end, and no package is left."""
    folder = _monorepo(tmp_path / "one")
    process = _start("package", "slow", env=env, folder=folder)
    until(lambda: (folder / "src" / "slow" / "started").exists())
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopping: ending what was started" in err
    assert "error: running `touch started; sleep 600` in src/slow: the build was stopped" in err
    assert [path.name for path in (folder / "dist").iterdir()] == [".gitignore"]
