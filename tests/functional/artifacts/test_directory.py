"""Packages in the repository or beside it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.artifacts.directory import DirectorySource, TreeSource
from lockstep.errors import ArtifactError, BadInput
from lockstep.git import open_worktree
from lockstep.model import Release
from tests.functional.artifacts.conftest import zip_of

ZIP = zip_of()
Make = Callable[..., Release]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository folder with one package."""
    folder = tmp_path / "repository" / "packages"
    folder.mkdir(parents=True)
    (folder / "a.zip").write_bytes(ZIP)
    return folder.parent


def test_a_file_is_found_and_copied(root: Path, release: Make, tmp_path: Path) -> None:
    """On disk and in a tree, by a path relative to the root."""
    for source in (DirectorySource(root), TreeSource(open_worktree(root))):
        found = source.find(release("directory", path="packages/a.zip"))
        assert found.origin == "directory:packages/a.zip"
        source.download(release("directory", path="packages/a.zip"), found, tmp_path / "copy.zip")
        assert (tmp_path / "copy.zip").read_bytes() == ZIP


def test_a_change_is_noticed(root: Path, release: Make) -> None:
    """Other contents of the same length give another ETag."""
    source = DirectorySource(root)
    before = source.find(release("directory", path="packages/a.zip")).etag
    (root / "packages" / "a.zip").write_bytes(ZIP[::-1])
    assert source.find(release("directory", path="packages/a.zip")).etag != before


@pytest.mark.parametrize("path", ["../x.zip", "/etc/passwd", "a/../../x", "", "a\0b"])
def test_paths_that_leave_the_repository_are_refused(root: Path, release: Make, path: str) -> None:
    """Absolute paths, ``..`` and nonsense are bad input."""
    for source in (DirectorySource(root), TreeSource(open_worktree(root))):
        with pytest.raises(BadInput, match=r"config.yaml:4[\s\S]*fix:"):
            source.find(release("directory", path=path))


def test_links_out_of_the_repository_are_refused(root: Path, release: Make, tmp_path: Path) -> None:
    """A link to a file or folder elsewhere is bad input; one that stays inside works on disk."""
    (tmp_path / "secret.zip").write_bytes(ZIP)
    (root / "out.zip").symlink_to(tmp_path / "secret.zip")
    (root / "folder").symlink_to(tmp_path)
    (root / "in.zip").symlink_to("packages/a.zip")
    source = DirectorySource(root)
    for path in ("out.zip", "folder/secret.zip"):
        with pytest.raises(BadInput, match="symbolic link out of the repository"):
            source.find(release("directory", path=path))
    assert source.find(release("directory", path="in.zip")).size == len(ZIP)


def test_a_folder_is_resolved_once_for_all_its_packages(
    root: Path, release: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of packages lie in one folder, and each part of its path is a question to the disk."""
    asked: list[str] = []
    resolve = os.path.realpath

    def counted(path: str, **options: bool) -> str:
        asked.append(path)
        return resolve(path, **options)

    monkeypatch.setattr(os.path, "realpath", counted)
    source = DirectorySource(root)
    asked.clear()
    for number in range(20):
        (root / "packages" / f"{number}.zip").write_bytes(ZIP)
        assert source.find(release("directory", path=f"./packages//{number}.zip")).size == len(ZIP)
    assert asked == [str(root / "packages")]


def test_what_is_not_there_is_named(root: Path, release: Make) -> None:
    """A missing package and a folder in its place."""
    with pytest.raises(ArtifactError, match=r"no package b.zip for s3-notifier 0.1.6[\s\S]*fix: build it"):
        DirectorySource(root).find(release("directory", path="b.zip"))
    with pytest.raises(ArtifactError, match="packages is not a file"):
        DirectorySource(root).find(release("directory", path="packages"))


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("packages/b.zip", "commit it there"),
        ("dist/b.zip", "sync it once from where it was built"),
        ("b.zip", "sync it once from where it was built"),
    ],
)
def test_a_package_that_a_commit_lacks_names_the_commit(
    root: Path, release: Make, path: str, fix: str
) -> None:
    """What to do depends on whether packages are kept there at all."""
    source = TreeSource(open_worktree(root), "commit 0a1b2c3d (main) of origin")
    with pytest.raises(ArtifactError, match=rf"in commit 0a1b2c3d \(main\) of origin[\s\S]*fix: .*{fix}"):
        source.find(release("directory", path=path))
