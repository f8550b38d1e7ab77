"""``lockstep init``."""

import subprocess
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.config.project_file import read_project
from lockstep.delivery.setup.init import write_project_file
from lockstep.errors import BadInput
from lockstep.model import PackageBucket, Project


def _read(folder: Path) -> Project:
    return read_project((folder / "lockstep.yaml").read_bytes(), "lockstep.yaml").project


def _tree(base: Path) -> None:
    for name, text in {
        "services/s3-notifier/config.yaml": "serviceName: s3-notifier\ndeploymentType: lambda\n",
        "services/api/config.yaml": "serviceName: api\n",
        "environments/staging/s3-notifier/config.yaml": 'lambda: {s3TriggerPrefix: "staging/"}\n',
        "environments/on/api/config.yaml": "serviceName: api\n",
        "environments/preview/pr-7/pr.yaml": "number: 7\n",
        "environments/preview/pr-8/namespace.yaml": "kind: Namespace\n",
    }.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)


def test_a_new_project_is_valid_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``init`` and then ``validate`` in an empty repository."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert main(["init", "-C", str(tmp_path)]) == 0
    assert main(["validate", "-C", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("Valid: 2 targets in 2 environments.\n")


def test_an_existing_tree_is_described(tmp_path: Path) -> None:
    """Folder, environments and previews are found; what the tree uses and init cannot know is named."""
    _tree(tmp_path / "My Project")
    _, found = write_project_file(tmp_path)
    project = _read(tmp_path)
    assert (project.name, project.folder) == ("my-project", "My Project")
    assert list(project.environments) == ["on", "preview", "staging"]
    assert "2 services (api, s3-notifier) and 3 environments" in found
    assert "1 preview" in found
    assert "triggers.bucket" in found


def test_the_root_can_be_the_tree(tmp_path: Path) -> None:
    """A repository that is nothing but the project."""
    _tree(tmp_path / "gitops")
    write_project_file(tmp_path / "gitops")
    assert (_read(tmp_path / "gitops").name, _read(tmp_path / "gitops").folder) == ("gitops", ".")


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    """Neither the project file nor files of the example."""
    (tmp_path / "services/hello").mkdir(parents=True)
    (tmp_path / "services/hello/values.yaml").write_text("mine: true\n")
    write_project_file(tmp_path)
    (tmp_path / "lockstep.yaml").write_text("project: mine\n")
    with pytest.raises(BadInput, match="exists"):
        write_project_file(tmp_path)
    assert (tmp_path / "lockstep.yaml").read_text() == "project: mine\n"
    write_project_file(tmp_path, force=True)
    assert _read(tmp_path).packages == PackageBucket(name="change-me-packages")
    assert (tmp_path / "services/hello/values.yaml").read_text() == "mine: true\n"


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """``--force`` never writes outside the folder."""
    outside = tmp_path / "outside"
    outside.write_text("precious")
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "lockstep.yaml").symlink_to(outside)
    with pytest.raises(BadInput, match="exists"):
        write_project_file(folder)
    write_project_file(folder, force=True)
    assert outside.read_text() == "precious"
