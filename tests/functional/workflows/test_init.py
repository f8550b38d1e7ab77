"""``lockstep init --github``."""

import subprocess
from pathlib import Path

import pytest
import yaml

from lockstep._version import __version__
from lockstep.cli import main
from lockstep.cli.starting import RepositoryKind
from lockstep.delivery.setup.init_github import Kind, workflow_files, write_workflows
from lockstep.errors import BadInput


def test_the_kinds_are_the_same_everywhere() -> None:
    """What the command line offers is what there are files for."""
    assert [*RepositoryKind] == [*Kind]


@pytest.mark.parametrize("kind", [*Kind])
def test_it_writes_and_says_what_is_left_to_do(
    kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file is named, begins with who wrote it, and what GitHub and AWS need beside them is told."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert main(["init", "--github", kind, "-C", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for path in workflow_files(kind):
        assert f"Wrote {tmp_path / path}\n" in told
        assert (tmp_path / path).read_text().startswith(f"# Written by `lockstep init --github {kind}`")
    for name in (
        "LOCKSTEP_GITOPS",
        "LOCKSTEP_TOKEN",
        "LOCKSTEP_PLAN_ROLE",
        "LOCKSTEP_DRIFT_ROLE",
        "LOCKSTEP_DEPLOY_ROLE",
        "LOCKSTEP_PREVIEW_ROLE",
        "AWS_REGION",
    ):
        files = "".join(workflow_files(kind).values())
        is_left_out = name == "LOCKSTEP_GITOPS" and kind is Kind.COMBINED  # by default this repository
        assert is_left_out or (name in told) == (f".{name}" in files), name
    assert (tmp_path / "lockstep.yaml").exists() == (kind is not Kind.MONOREPO)


def test_a_project_that_exists_gets_its_workflows(tmp_path: Path) -> None:
    """lockstep.yaml stays as it is, with --force too."""
    (tmp_path / "lockstep.yaml").write_text("project: mine\n")
    for words in ([], [], ["--force"]):  # the same files again are no conflict
        assert main(["init", "--github", "gitops", "-C", str(tmp_path), *words]) == 0
    assert (tmp_path / "lockstep.yaml").read_text() == "project: mine\n"


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    """A file that somebody edited is named, and none of the others is written either."""
    edited = tmp_path / ".github" / "workflows" / "lockstep-plan.yml"
    edited.parent.mkdir(parents=True)
    edited.write_text("name: mine\n")
    with pytest.raises(BadInput) as caught:
        write_workflows(tmp_path, Kind.GITOPS)
    assert str(edited) in str(caught.value)
    assert "--force" in str(caught.value)
    assert [path.name for path in tmp_path.rglob("*.yml")] == ["lockstep-plan.yml"]
    write_workflows(tmp_path, Kind.GITOPS, force=True)
    assert "name: plan" in edited.read_text()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """With --force the link goes, not what it leads to."""
    other = tmp_path / "other.yml"
    other.write_text("name: other\n")
    link = tmp_path / ".github" / "workflows" / "lockstep-plan.yml"
    link.parent.mkdir(parents=True)
    link.symlink_to(other)
    with pytest.raises(BadInput):
        write_workflows(tmp_path, Kind.GITOPS)
    write_workflows(tmp_path, Kind.GITOPS, force=True)
    assert other.read_text() == "name: other\n"
    assert not link.is_symlink()


def test_a_folder_that_cannot_be_written_to_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, and no half of the files."""
    (tmp_path / ".github").write_text("a file in the way\n")
    assert main(["init", "--github", "monorepo", "-C", str(tmp_path)]) == 3
    assert ".github" in capsys.readouterr().err


def test_the_action_installs_the_version_that_wrote_it() -> None:
    """What was tried out here is what runs there."""
    action = yaml.safe_load(workflow_files(Kind.GITOPS)[".github/actions/lockstep/action.yml"])
    assert action["inputs"]["version"]["default"] == __version__


def test_an_unknown_kind_names_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input, with what to write."""
    assert main(["init", "--github", "helm", "-C", str(tmp_path)]) == 3
    assert "monorepo, gitops, infrastructure, combined" in capsys.readouterr().err
