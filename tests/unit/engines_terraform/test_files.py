"""What a run needs of its folder."""

from pathlib import Path

import pytest

from lockstep.engines.terraform.base import Source
from lockstep.engines.terraform.files import Files, read_files
from lockstep.git.tree import WorkTree

REST = 'resource "x" "y" {\n  name = "}"\n}\n'


def _read(folder: Path, **files: str) -> Files:
    for name, text in files.items():
        (folder / f"{name}.tf").write_text(text)
    return read_files(Source(tree=WorkTree(folder, repository=None), folder=".", name=""), "lockstep.yaml:1")


@pytest.mark.parametrize(
    "block",
    [
        'backend "s3" {}',
        'backend "s3" {\n  key = "a}b" # not here: }\n  // nor "here }\n  endpoints = { s3 = "http://x" }\n}',
        'backend "local" {\n  path = "/x/\\"}" /* } */\n}',
        'cloud {\n  workspaces {\n    name = "shop"\n  }\n}',
    ],
)
def test_the_state_is_read_with_the_backend_alone(tmp_path: Path, block: str) -> None:
    """Nothing but the block that says where the state is, to its own last brace, is initialised."""
    files = _read(tmp_path, main=f'terraform {{\n  required_version = "1"\n  {block}\n}}\n{REST}')
    least = files.to_read_the_state()
    assert dict(least.contents) == {"backend.tf": f"terraform {{\n{block}\n}}\n".encode()}
    assert (least.backend, least.folder) == (files.backend, files.folder)
    assert least.digest != files.digest


@pytest.mark.parametrize(
    "more",
    [
        {"main": 'terraform {\n  backend "s3" {\n    key = var.key\n  }\n}\n'},
        {"main": 'terraform {\n  backend "s3" {}\n}\n', "override": 'terraform {\n  backend "local" {}\n}\n'},
        {"main": 'terraform {\n  backend "s3" {\n'},
        {"main": REST},
    ],
)
def test_what_the_backend_alone_does_not_say_takes_the_folder(tmp_path: Path, more: dict[str, str]) -> None:
    """A reference, an override and a block without an end are Terraform's to understand."""
    files = _read(tmp_path, **more)
    assert files.to_read_the_state() is files
