"""Installed as users install it: the wheel and what it depends on, nothing else."""

import os
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _run(*command: object, **options: object) -> "subprocess.CompletedProcess[str]":
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def lockstep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command; skips where the package index cannot be reached."""
    folder = tmp_path_factory.mktemp("install")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    environment = {
        **os.environ,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_RETRIES": "0",
        "PIP_TIMEOUT": "10",
    }
    built = _run(python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, env=environment)
    if built.returncode and any(
        word in built.stderr for word in ("Could not fetch", "connection", "No matching")
    ):
        pytest.skip("the package index cannot be reached")
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("lockstep_gitops-*.whl")
    # Compiled when it is used: of botocore a command reads a tenth.
    installed = _run(python, "-m", "pip", "install", "-q", "--no-compile", wheel, env=environment)
    assert installed.returncode == 0, installed.stderr
    return folder / "venv/bin/lockstep"


def test_a_fresh_installation_works(lockstep: Path, tmp_path: Path) -> None:
    """Help, a new project and its validation need nothing that only developers have."""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    project = tmp_path / "gitops"
    project.mkdir()
    assert "sync" in _run(lockstep, "--help", env=env).stdout
    assert _run(lockstep, "--version", env=env).stdout.startswith("lockstep ")
    for words in (
        ("init",),
        ("init", "--github", "combined"),
        ("validate",),
        ("validate", "-o", "json"),
        ("explain", "staging/hello"),
    ):
        if words == ("validate",):
            _run("git", "init", "-q", project)
        done = _run(lockstep, *words, cwd=project, env=env)
        assert (done.returncode, done.stderr) == (0, ""), (words, done.stdout, done.stderr)


def test_what_a_fresh_installation_lacks_is_named(lockstep: Path, tmp_path: Path) -> None:
    """The demo needs a local AWS; the error says how to get it."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = _run(lockstep, "demo", env=env)
    assert done.returncode == 1
    assert "lockstep-gitops[demo]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_wheel_holds_the_package_and_nothing_else(lockstep: Path) -> None:
    """No tests, no tools, and the marker of its types."""
    python = lockstep.with_name("python")
    code = "import importlib.metadata as m; print(*m.files('lockstep-gitops'), sep='\\n')"
    files = _run(python, "-c", code).stdout.split()
    assert "lockstep/py.typed" in files
    tops = {file.partition("/")[0].partition("-")[0] for file in files if not file.startswith("..")}
    assert tops == {"lockstep", "lockstep_gitops"}
