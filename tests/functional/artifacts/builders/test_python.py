"""The Python builder, with real installers and wheels made by hand."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lockstep.artifacts.builders import python_install
from lockstep.errors import ArtifactError, BadInput
from tests.functional.artifacts.builders.conftest import Shop, contents
from tests.support.wheels import elf, make_wheel

HANDLER = "def handler(event, context):\n    return 1\n"
NEEDS_UV = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed: pip install uv")
RUNTIME = {"runtime": "python3.13", "architecture": "arm64"}


def _make_wheels(folder: Path) -> None:
    """``native`` has wheels for several machines and Pythons and needs ``pure``, which has a script."""
    make_wheel(folder, "pure", "1.0", script="pure-tool")
    for tag, machine in (
        ("cp313-cp313-manylinux_2_28_aarch64", "arm64"),
        ("cp313-cp313-manylinux_2_28_x86_64", "x86_64"),
        ("cp311-cp311-manylinux2014_x86_64", "x86_64"),
        ("cp311-cp311-manylinux_2_28_x86_64", "x86_64"),
    ):
        files = {"native/__init__.py": f"tag = '{tag}'\n".encode(), "native/_core.so": elf(machine)}
        requires = ["pure (>=1)", 'old; python_version < "3.12"', 'windows; sys_platform == "win32"']
        make_wheel(folder, "native", "2.0", tag=tag, files=files, requires=requires)
    make_wheel(folder, "old", "0.1")


@pytest.fixture
def app(shop: Shop, wheels: Path) -> Shop:
    """A function that depends on ``native``."""
    _make_wheels(wheels)
    shop.write("app.py", HANDLER)
    shop.write("requirements.txt", "native==2.0\npure==1.0\n")
    return shop


def test_a_function_without_dependencies_is_its_source(shop: Shop) -> None:
    """Nothing is installed, and what tools leave behind is left out."""
    shop.write("app.py", HANDLER)
    shop.write("lib/data.json", "{}")
    for name in ("__pycache__/app.pyc", ".venv/x.py", "lib/x.pyc", "node_modules/a", ".mypy_cache/a"):
        shop.write(name)
    built = shop.build("python", **RUNTIME)
    assert contents(built) == {"app.py": HANDLER.encode(), "lib/data.json": b"{}"}
    assert (built.tools, built.dependencies, built.warnings) == ({}, (), ())


def test_dependencies_are_those_of_the_functions_machine(app: Shop) -> None:
    """The wheel for its Python and architecture, and the requirements that its markers ask for.

    The source stays as it is.
    """
    before = sorted(app.folder.rglob("*"))
    built = app.build("python", **RUNTIME)
    files = contents(built)
    assert files["native/__init__.py"] == b"tag = 'cp313-cp313-manylinux_2_28_aarch64'\n"
    assert files["native/_core.so"] == elf("arm64")
    assert files["app.py"] == HANDLER.encode()
    assert built.dependencies == ("native 2.0", "pure 1.0")
    assert set(built.tools) == {"pip", "python"}
    assert built.warnings == ()
    assert sorted(app.folder.rglob("*")) == before


def test_an_older_python_gets_other_wheels_and_requirements(app: Shop) -> None:
    """Amazon Linux 2 has an older glibc; a marker is judged by the function's Python, not by ours."""
    built = app.build("python", runtime="python3.11")
    assert contents(built)["native/__init__.py"] == b"tag = 'cp311-cp311-manylinux2014_x86_64'\n"
    assert built.dependencies == ("native 2.0", "old 0.1", "pure 1.0")
    (warning,) = built.warnings
    assert "src/app/requirements.txt does not say which version of old 0.1" in warning


def test_nothing_of_this_machine_is_packed(app: Shop) -> None:
    """No scripts, no caches, no notes of the installer; RECORD lists what is there."""
    files = contents(app.build("python", **RUNTIME))
    assert sorted(name for name in files if "pure" in name) == [
        "pure-1.0.dist-info/METADATA",
        "pure-1.0.dist-info/RECORD",
        "pure-1.0.dist-info/WHEEL",
        "pure-1.0.dist-info/entry_points.txt",
        "pure/__init__.py",
    ]
    record = files["pure-1.0.dist-info/RECORD"].decode().splitlines()
    assert [line.split(",")[0] for line in record] == [
        "pure-1.0.dist-info/METADATA",
        "pure-1.0.dist-info/WHEEL",
        "pure-1.0.dist-info/entry_points.txt",
        "pure/__init__.py",
        "pure-1.0.dist-info/RECORD",
    ]
    assert not any(str(app.root).encode() in data for data in files.values())


def test_users_modules_do_not_stand_in_for_pips(app: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source with modules named as those of the standard library, and a PYTHONPATH that leads there."""
    for name in ("json.py", "typing.py", "logging.py", "pip.py"):
        app.write(name, "raise SystemExit('not this one')\n")
    monkeypatch.chdir(app.folder)
    built = app.build("python", **RUNTIME)
    assert "json.py" in contents(built)


def test_settings_of_pip_that_speak_against_ours_do_not_count(
    app: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody set for their own work gives no other package."""
    for name in ("USER", "REQUIRE_VIRTUALENV", "NO_DEPS", "DRY_RUN"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    monkeypatch.setenv("PIP_PLATFORM", "win_amd64")
    monkeypatch.setenv("PIP_TARGET", "/nowhere")
    assert app.build("python", **RUNTIME).dependencies == ("native 2.0", "pure 1.0")


def test_where_packages_come_from_stays_the_users_choice(
    app: Shop, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip's own configuration file names a private index."""
    monkeypatch.delenv("PIP_FIND_LINKS")
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nfind-links = {wheels}\n[install]\nuser = true\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    assert app.build("python", **RUNTIME).dependencies == ("native 2.0", "pure 1.0")


def test_a_dependency_without_a_wheel_is_named(app: Shop, wheels: Path) -> None:
    """A source distribution would be compiled for this machine."""
    app.write("requirements.txt", "native==2.0\nsourced==1.0\n")
    (wheels / "sourced-1.0.tar.gz").write_bytes(b"never opened")
    with pytest.raises(ArtifactError) as caught:
        app.build("python", **RUNTIME)
    assert str(caught.value).startswith(
        "src/app/requirements.txt: sourced==1.0 has no wheel for python3.13 on arm64, or no such version\n"
        "  fix: choose a version that has one; or build a wheel"
    )
    assert not (app.root / "out.zip").exists()


def test_another_failure_shows_what_pip_said(app: Shop) -> None:
    """A line that pip does not understand."""
    app.write("requirements.txt", "native=2.0\n")
    with pytest.raises(ArtifactError) as caught:
        app.build("python", **RUNTIME)
    assert "installing src/app/requirements.txt for python3.13 on arm64: " in str(caught.value)
    assert "Invalid requirement" in str(caught.value)


def test_the_wheel_must_fit_requires_python(app: Shop, wheels: Path) -> None:
    """A version that is for other Pythons than the function's is passed over."""
    make_wheel(wheels, "pure", "1.1", python="<3.13")
    app.write("requirements.txt", "pure\n")
    assert app.build("python", **RUNTIME).dependencies == ("pure 1.0",)
    assert app.build("python", runtime="python3.12").dependencies == ("pure 1.1",)


def test_what_was_compiled_here_is_refused(app: Shop, wheels: Path) -> None:
    """An installer takes its own build as it is, for whatever Python and machine that was.

    A folder of the source stands for it, whose build system needs nothing and says so.
    """
    backend = (
        "import pathlib, shutil\n"
        "def build_wheel(into, config=None, metadata=None):\n"
        f"    wheel = pathlib.Path({str(wheels)!r}) / 'local-1.0-cp310-cp310-linux_x86_64.whl'\n"
        "    return pathlib.Path(shutil.copy(wheel, into)).name\n"
    )
    make_wheel(wheels, "local", "1.0", tag="cp310-cp310-linux_x86_64")
    app.write("local/backend.py", backend)
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    app.write("local/pyproject.toml", system)
    app.write("requirements.txt", "./local\n")
    with pytest.raises(ArtifactError) as caught:
        app.build("python", runtime="python3.13")
    assert "local 1.0 was compiled on this machine, not for python3.13 on x86_64" in str(caught.value)


def test_what_is_excluded_is_left_out_of_dependencies_too(app: Shop) -> None:
    """``exclude`` is about names in the package, ``include`` about the source."""
    app.write("README.md")
    built = app.build("python", **RUNTIME, exclude=("*.dist-info", "native/*.so"), include=("*.py",))
    assert sorted(contents(built)) == ["app.py", "native/__init__.py", "pure/__init__.py"]


def test_the_source_wins_over_a_dependency(app: Shop) -> None:
    """A file in both is the source's, and that is said."""
    app.write("pure/__init__.py", "mine = 1\n")
    built = app.build("python", **RUNTIME)
    assert contents(built)["pure/__init__.py"] == b"mine = 1\n"
    assert built.warnings == ("pure/__init__.py is in a dependency too; the source's own is packed",)


def test_files_that_git_ignores_are_no_source(shop: Shop) -> None:
    """Only the paths that are given count."""
    shop.write("app.py", HANDLER)
    shop.write("local.cfg")
    assert list(contents(shop.build("python", **RUNTIME, files=("src/app/app.py",)))) == ["app.py"]


def test_outside_git_a_folder_that_says_so_is_no_source(shop: Shop) -> None:
    """Virtual environments and caches carry a .gitignore that ignores all of them."""
    shop.write("app.py", HANDLER)
    shop.write("made/.gitignore", "*\n")
    shop.write("made/x")
    assert list(contents(shop.build("python", **RUNTIME))) == ["app.py"]


def test_links_stay_in_the_repository(shop: Shop) -> None:
    """A link to a file of the repository is that file; one that leads out is refused, unless left out."""
    shop.write("app.py", HANDLER)
    (shop.root / "shared.py").write_text("s = 1\n")
    (shop.folder / "shared.py").symlink_to("../../shared.py")
    assert contents(shop.build("python", **RUNTIME))["shared.py"] == b"s = 1\n"
    (shop.folder / "secret").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="is a link that leads"):
        shop.build("python", **RUNTIME)
    assert "secret" not in contents(shop.build("python", **RUNTIME, exclude=("secret",)))


def test_a_folder_outside_is_refused(shop: Shop, tmp_path: Path) -> None:
    """A link in build.path or in the way to the requirements leads nowhere else."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "requirements.txt").write_text("x\n")
    (shop.root / "src" / "out").symlink_to(outside)
    with pytest.raises(BadInput, match=r"lockstep\.yaml:4: the folder src/out leads out of the repository"):
        shop.build("python", **RUNTIME, path="src/out")
    shop.write("app.py")
    (shop.folder / "r.txt").symlink_to(outside / "requirements.txt")
    with pytest.raises(BadInput, match=r"requirements file 'r\.txt' leads out of the repository"):
        shop.build("python", **RUNTIME, requirements="r.txt", exclude=("r.txt",))


@pytest.mark.parametrize("runtime", [None, "python3", "nodejs22.x", "python2.7", "python3.13 "])
def test_another_runtime_is_refused(shop: Shop, runtime: str | None) -> None:
    """Without the Python's version no wheel can be chosen."""
    with pytest.raises(BadInput, match="is no Python"):
        shop.build("python", runtime=runtime)


def test_without_an_installer_the_fix_is_told(app: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pip nor uv; and uv.lock without uv."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(python_install, "_find_pip", lambda env: None)
    with pytest.raises(ArtifactError, match="there is neither pip nor uv to install"):
        app.build("python", **RUNTIME)
    (app.folder / "requirements.txt").unlink()
    app.write("uv.lock", "version = 1\n")
    with pytest.raises(ArtifactError, match=r"src/app/uv\.lock: uv\.lock is there and uv is not"):
        app.build("python", **RUNTIME)


def test_a_pip_that_cannot_think_of_another_machine_is_refused(
    app: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a pip of the future, whose insides are others: it is not taken at its word."""
    package = tmp_path / "future" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("print('pip 99.0 from /x (python 3.99)')\n")
    python = tmp_path / "python-with-future-pip"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="{package.parent}" exec "{sys.executable}" -S "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
    monkeypatch.setattr(python_install.sys, "executable", str(python))
    with pytest.raises(ArtifactError, match="this pip cannot judge requirements for another machine"):
        app.build("python", **RUNTIME)


@NEEDS_UV
@pytest.mark.parametrize("runtime", ["python3.11", "python3.13"])
def test_uv_and_pip_give_the_same_bytes(app: Shop, monkeypatch: pytest.MonkeyPatch, runtime: str) -> None:
    """Whichever is there."""
    with_pip = app.build("python", runtime=runtime)
    monkeypatch.setattr(python_install, "_find_pip", lambda env: None)
    with_uv = app.build("python", runtime=runtime, into="uv.zip")
    assert set(with_uv.tools) == {"uv"}
    assert with_uv.sha256 == with_pip.sha256


@NEEDS_UV
def test_a_lock_file_of_uv_is_followed(app: Shop, wheels: Path) -> None:
    """The versions of uv.lock, although newer ones are there by now."""
    (app.folder / "requirements.txt").unlink()
    app.write(
        "pyproject.toml",
        '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["pure"]\n',
    )
    subprocess.run(["uv", "lock", "-q", "--project", str(app.folder)], check=True)
    make_wheel(wheels, "pure", "1.5")
    built = app.build("python", **RUNTIME)
    assert built.dependencies == ("pure 1.0",)
    assert built.warnings == ()


def test_modes_are_those_of_files_that_run(shop: Shop) -> None:
    """A script of the source stays executable."""
    shop.write("app.py", HANDLER)
    shop.write("bin/tool").chmod(0o755)
    with zipfile.ZipFile(shop.build("python", **RUNTIME).path) as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert modes == {"app.py": 0o644, "bin/tool": 0o755}
