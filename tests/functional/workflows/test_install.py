"""Lockstep is installed without running anything of the checkout."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from lockstep.delivery.setup.init_github import Kind
from tests.unit.workflows.written import ROOT, workflow, workflows

_RAN = "open({!r}, 'a').write(__name__ + '\\n')\n"


def _script() -> str:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (script,) = [step["run"] for step in action["runs"]["steps"] if "pip install" in step.get("run", "")]
    return str(script)


def _wheel(folder: Path) -> None:
    """A distribution with our name and a command, for want of an index."""
    about = "lockstep_gitops-0.0.1.dist-info"
    files = {
        "told.py": "def main():\n    print('installed')\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: lockstep-gitops\nVersion: 0.0.1\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\nlockstep = told:main\n",
    }
    lines = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(text)}")
    with zipfile.ZipFile(folder / "lockstep_gitops-0.0.1-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{about}/RECORD": "\n".join([*lines, f"{about}/RECORD,,"])}.items():
            wheel.writestr(name, text)


def test_modules_of_the_checkout_are_not_run(tmp_path: Path) -> None:
    """The action's script in a checkout full of modules that have the names of Python's own."""
    checkout, temp, wheels, ran = (tmp_path / name for name in ("checkout", "temp", "wheels", "ran"))
    for folder in (checkout, temp, wheels):
        folder.mkdir()
    (wheels / "requirements.txt").write_text("", encoding="utf-8")  # for want of an index
    _wheel(wheels)
    names = ("venv", "pip", "ensurepip", "sitecustomize", "usercustomize", "logging", "subprocess", "told")
    for name in names:
        (checkout / f"{name}.py").write_text(_RAN.format(str(ran)), encoding="utf-8")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", _script()],
        cwd=checkout,
        env={
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,
            "PYTHONPATH": str(checkout),
            "VERSION": "0.0.1",
            "RUNNER_TEMP": str(temp),
            "GITHUB_ACTION_PATH": str(wheels),
            "GITHUB_PATH": str(tmp_path / "path"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not ran.exists(), ran.read_text(encoding="utf-8")
    (line,) = (tmp_path / "path").read_text(encoding="utf-8").splitlines()
    told = subprocess.run([f"{line}/lockstep"], cwd=checkout, capture_output=True, text=True, check=True)
    assert told.stdout == "installed\n"
    assert not ran.exists()


@pytest.mark.parametrize("kind", [*Kind])
def test_python_is_started_isolated_or_before_the_checkout(kind: Kind) -> None:
    """In what is written, and in what pages show."""
    documents = list(workflows(kind).values())
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"```ya?ml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            if re.search(r"^jobs:", block, re.MULTILINE):
                documents.append(workflow(block))
    for job in (job for document in documents for job in document["jobs"].values()):
        is_there = False
        for step in job["steps"]:
            is_there = is_there or str(step.get("uses", "")).startswith("actions/checkout@")
            installs = re.search(r"\b(pipx?|venv|uv)\b", str(step.get("run", "")))
            assert not (is_there and installs), step
    for line in _script().splitlines():
        if " -m " in line:
            assert " -I -m " in line, line
