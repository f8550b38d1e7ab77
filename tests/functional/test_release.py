"""How Lockstep itself is released: what is built from a tag, and what its action installs."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text()
    return {
        canonicalize_name(found[1]): found[2]
        for found in re.finditer(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", text, re.MULTILINE)
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree without its history, to be released."""
    folder = tmp_path_factory.mktemp("release") / "checkout"
    shutil.copytree(
        ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "results", "tests")
    )
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def _run(checkout: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    here = {
        "GITHUB_SERVER_URL": "https://host.example",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_REF_NAME": "v9.9.0",
    }
    environment = {**os.environ, **here}
    return subprocess.run(words, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv", reason="./dev makes .venv, which releases are built in"
)
def test_a_tag_is_built_with_its_version_and_its_changes(checkout: Path) -> None:
    """Not before the changelog tells of it; links of the README work on the package index."""
    refused = _run(checkout, ".ci/release", "v9.9.0")
    assert refused.returncode == 1
    assert "./dev changelog 9.9.0" in refused.stderr
    assert _run(checkout, ".ci/release", "9.9").returncode == 1
    changes = _run(checkout, ".venv/bin/towncrier", "build", "--yes", "--version", "9.9.0")
    assert changes.returncode == 0, changes.stderr
    built = _run(checkout, ".ci/release", "v9.9.0")
    assert built.returncode == 0, built.stderr
    about, text = _about(checkout / "dist" / "lockstep_gitops-9.9.0-py3-none-any.whl")
    assert about["version"] == "9.9.0"
    assert "Changelog, https://host.example/a/b/blob/v9.9.0/CHANGELOG.md" in about.get_all("project-url", [])
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert not [link for link in links if not link.startswith(("https://", "#"))]
    assert (checkout / "dist" / "lockstep_gitops-9.9.0.tar.gz").exists()


def _about(wheel: Path) -> tuple[Message, str]:
    with zipfile.ZipFile(wheel) as archive:
        assert "lockstep/delivery/setup/workflows/action/requirements.txt" in archive.namelist()
        message = message_from_bytes(archive.read("lockstep_gitops-9.9.0.dist-info/METADATA"))
    return message, str(message.get_payload())


def test_the_action_installs_what_developers_have_by_its_hashes() -> None:
    """One lock: each pin is that of requirements-dev.txt, and everything that the command needs is there."""
    text = (ROOT / "requirements.txt").read_text()
    copy = ROOT / "src/lockstep/delivery/setup/workflows/action/requirements.txt"
    assert copy.read_text() == text
    pins, others = _pins("requirements.txt"), _pins("requirements-dev.txt")
    assert pins.items() <= others.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["github-app"]]
    assert {canonicalize_name(Requirement(one).name) for one in wanted} <= pins.keys()
    entries = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--require-hashes" in (ROOT / "action.yml").read_text()


def test_nobody_keeps_a_token_of_the_package_index() -> None:
    """What builds has no rights, and what publishes runs nothing of the checkout."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["publish"]["permissions"] == {"id-token": "write", "attestations": "write"}
    assert not [step for step in jobs["publish"]["steps"] if "run" in step or "checkout" in step["uses"]]
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text()


def test_forms_and_hooks_are_what_github_and_pre_commit_read() -> None:
    """Each form asks for something, and the hook is what CI runs."""
    for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"):
        form = yaml.safe_load(path.read_text())
        assert {"name", "description", "body"} <= form.keys()
        assert [one["id"] for one in form["body"] if one["type"] != "markdown"]
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["./dev lint"]
