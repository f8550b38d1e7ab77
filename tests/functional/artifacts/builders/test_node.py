"""The Node.js builder, with the real npm and packages made by hand."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lockstep.errors import ArtifactError, BadInput
from tests.functional.artifacts.builders.conftest import Shop, contents
from tests.support.wheels import elf, make_tarball

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed: install Node.js")

HANDLER = "exports.handler = async () => 1\n"
RUNTIME = {"runtime": "nodejs22.x", "architecture": "arm64"}


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """npm sees neither a network nor the user's configuration."""
    for name in [*os.environ]:
        if name.lower().startswith("npm_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))


def _manifest(shop: Shop, packages: dict[str, dict[str, Any]], **manifest: Any) -> None:
    """Write package.json and its lock; ``packages`` are entries of the lock by the packages' names."""
    for name in packages:
        (tarball,) = (shop.folder / "libs").glob(f"{name.split('/')[-1]}-*.tgz")
        packages[name] = {"version": "1.0.0", "resolved": f"file:libs/{tarball.name}", **packages[name]}
    root = {"name": "app", "version": "0.0.0", **manifest}
    shop.write("package.json", json.dumps(root))
    entries = {"": root, **{f"node_modules/{name}": entry for name, entry in packages.items()}}
    lock = {"name": "app", "version": "0.0.0", "lockfileVersion": 3, "requires": True, "packages": entries}
    shop.write("package-lock.json", json.dumps(lock))


@pytest.fixture
def app(shop: Shop) -> Shop:
    """A function with a dependency for each kind of machine, a tool to develop with and a script."""
    shop.write("index.js", HANDLER)
    libs = shop.folder / "libs"
    arm, intel = (
        {"os": ["linux"], "cpu": [cpu], "optional": True, "libc": ["glibc"]} for cpu in ("arm64", "x64")
    )
    make_tarball(libs, "pure", "1.0.0", bin={"pure": "index.js"})
    make_tarball(libs, "tool", "1.0.0")
    make_tarball(libs, "native-arm64", "1.0.0", files={"a.node": elf("arm64")}, os=["linux"], cpu=["arm64"])
    make_tarball(libs, "native-x64", "1.0.0", files={"a.node": elf("x86_64")}, os=["linux"], cpu=["x64"])
    _manifest(
        shop,
        {
            "pure": {"bin": {"pure": "index.js"}},
            "native-arm64": arm,
            "native-x64": intel,
            "tool": {"dev": True},
        },
        dependencies={"pure": "file:libs/pure-1.0.0.tgz"},
        optionalDependencies={
            "native-arm64": "file:libs/native-arm64-1.0.0.tgz",
            "native-x64": "file:libs/native-x64-1.0.0.tgz",
        },
        devDependencies={"tool": "file:libs/tool-1.0.0.tgz"},
        scripts={"build": "mkdir -p out && cp index.js out/main.js && ls node_modules > out/seen"},
    )
    return shop


def test_a_function_without_dependencies_is_its_source(shop: Shop) -> None:
    """Neither npm nor a lock file is needed."""
    shop.write("index.mjs", HANDLER)
    shop.write("node_modules/left/index.js")
    shop.write(".npmrc", "registry=https://npm.example.org/\n")
    built = shop.build("node", **RUNTIME)
    assert list(contents(built)) == ["index.mjs"]
    assert built.tools == {}


def test_dependencies_are_those_of_the_functions_machine(app: Shop) -> None:
    """Without those of development and other machines, without links, and the source stays as it is."""
    before = sorted(app.folder.rglob("*"))
    built = app.build("node", **RUNTIME, exclude=("libs",))
    assert list(contents(built)) == [
        "index.js",
        "node_modules/native-arm64/a.node",
        "node_modules/native-arm64/package.json",
        "node_modules/pure/index.js",
        "node_modules/pure/package.json",
        "package-lock.json",
        "package.json",
    ]
    assert built.dependencies == ("native-arm64 1.0.0", "pure 1.0.0")
    assert set(built.tools) == {"npm", "node"}
    assert built.warnings == ()
    assert sorted(app.folder.rglob("*")) == before


def test_a_build_script_makes_what_is_packed(app: Shop) -> None:
    """It sees the tools of development; its output is packed with package.json and the dependencies."""
    built = app.build("node", runtime="nodejs22.x", script="build", output="out")
    files = contents(built)
    assert [name for name in files if "node_modules" not in name] == ["main.js", "package.json", "seen"]
    assert b"tool" in files["seen"].split()
    assert files["main.js"] == HANDLER.encode()
    assert "node_modules/native-x64/a.node" in files
    assert "node_modules/tool/package.json" not in files


def test_a_bundle_needs_no_modules(shop: Shop) -> None:
    """What a bundler has put into one file is left out by name, and then not installed either."""
    made = "mkdir -p out && touch out/main.js out/notes"
    shop.write("package.json", json.dumps({"scripts": {"build": made}}))
    built = shop.build("node", script="build", output="out", exclude=("node_modules", "notes"))
    assert list(contents(built)) == ["main.js", "package.json"]


def test_a_script_that_fails_shows_what_it_said(shop: Shop) -> None:
    """And one that is not there names those that are."""
    shop.write("package.json", json.dumps({"scripts": {"build": "no-such-tool"}}))
    with pytest.raises(ArtifactError, match=r"(?s)npm run build ended with exit code 127.*no-such-tool"):
        shop.build("node", script="build", output="out")
    with pytest.raises(BadInput, match=r"package\.json has no script 'bundle'\n.*there are: build"):
        shop.build("node", script="bundle", output="out")


def test_an_output_that_is_not_there_is_told(shop: Shop) -> None:
    """A misspelt folder, and one outside."""
    shop.write("package.json", json.dumps({"scripts": {"build": "mkdir out ../out"}}))
    for output in ("dist", "../out"):
        with pytest.raises(BadInput, match="after the build"):
            shop.build("node", script="build", output=output)


def test_a_lock_that_does_not_fit_is_told(app: Shop) -> None:
    """npm ci refuses it; what npm says is shown."""
    text = (
        (app.folder / "package.json").read_text().replace('"pure": "file', '"other": "file:x", "pure": "file')
    )
    app.write("package.json", text)
    with pytest.raises(ArtifactError, match=r"(?s)installing the dependencies of src/app: npm ci ended with"):
        app.build("node", **RUNTIME)


@pytest.mark.parametrize(
    ("files", "says", "fix"),
    [
        ({}, "src/app/package.json: there is no package-lock.json", "npm install --package-lock-only"),
        ({"yarn.lock": ""}, "there is no package-lock.json, only yarn.lock", "builder: command"),
        ({"package-lock.json": '{"lockfileVersion": 1}'}, "the lock file is of npm 6", "write it anew"),
        ({"package-lock.json": "{"}, "src/app/package-lock.json: this is not JSON", "correct the file"),
        (
            {"package.json": '{"workspaces": ["a"]}'},
            "a package.json with workspaces is not built",
            "one of them",
        ),
        ({"package.json": "[]"}, "src/app/package.json: the file holds no object", "npm init"),
    ],
)
def test_what_is_missing_is_told(shop: Shop, files: dict[str, str], says: str, fix: str) -> None:
    """Without a lock file two builds would differ."""
    shop.write("package.json", '{"dependencies": {"a": "1"}}')
    for name, text in files.items():
        shop.write(name, text)
    with pytest.raises(BadInput) as caught:
        shop.build("node", **RUNTIME)
    assert says in str(caught.value)
    assert fix in (caught.value.fix or "")


def test_what_would_have_to_be_compiled_is_refused(shop: Shop) -> None:
    """A dependency that is C++ and brings no build; with a build for the machine it is fine."""
    libs = shop.folder / "libs"
    make_tarball(libs, "cpp", "1.0.0", files={"binding.gyp": b"{}"})
    _manifest(shop, {"cpp": {}}, dependencies={"cpp": "file:libs/cpp-1.0.0.tgz"})
    with pytest.raises(ArtifactError, match="cpp has to be compiled, and would be for this machine"):
        shop.build("node", **RUNTIME)
    make_tarball(libs, "cpp", "1.0.0", files={"binding.gyp": b"{}", "prebuilds/a.node": elf("arm64")})
    assert "node_modules/cpp/prebuilds/a.node" in contents(shop.build("node", **RUNTIME))


def test_scripts_of_dependencies_do_not_run_and_are_named(shop: Shop) -> None:
    """They would run on this machine, whatever they do."""
    make_tarball(shop.folder / "libs", "noisy", "1.0.0", scripts={"install": "touch made-here"})
    _manifest(
        shop, {"noisy": {"hasInstallScript": True}}, dependencies={"noisy": "file:libs/noisy-1.0.0.tgz"}
    )
    built = shop.build("node", **RUNTIME)
    assert "node_modules/noisy/made-here" not in contents(built)
    (warning,) = built.warnings
    assert warning.startswith("install scripts of noisy did not run")


def test_without_npm_the_fix_is_told(app: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, or one that is too old to know other machines (a stand-in: none is here)."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArtifactError, match="npm is not installed"):
        app.build("node", **RUNTIME)
    old = tmp_path / "npm"
    old.write_text("#!/bin/sh\necho 8.19.4\n")
    old.chmod(0o755)
    with pytest.raises(ArtifactError, match=r"npm 8\.19\.4 cannot install for another machine"):
        app.build("node", **RUNTIME)
