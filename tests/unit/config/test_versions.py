"""Versions of services that other tools deploy, and the images that they are pinned to."""

import pytest

from lockstep.config.declaration import apply_edits, read_declarations, version_edits
from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.model.move import Move
from tests.unit.config.conftest import PROJECT, MemoryTree, sample

FILE = "syrf/environments/staging/api/config.yaml"
OLD, NEW = "1a" * 32, "2b" * 32
IMAGE = 'services: {api: {image: {exists: required, repository: "ghcr.io/acme/api"OPTIONS}}}\n'


def _project(text: str, options: str | None = "", **others: str) -> MemoryTree:
    """The sample with another declaration of its Kubernetes service, whose image is asked for."""
    project = PROJECT if options is None else PROJECT + IMAGE.replace("OPTIONS", options)
    return sample({FILE: text, "lockstep.yaml": project, **others})


def _promoted(tree: MemoryTree, new: str, image: str | None) -> tuple[MemoryTree, str]:
    move = Move(target="staging/api", old=None, new=new, deployment_type="kubernetes", sha256=image)
    files = apply_edits(tree, version_edits(tree, [move]))
    after = MemoryTree({**tree.files, **files})
    return after, after.read([FILE])[FILE].decode()


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        ("image:\n  tag: V\n", "", "image:\n  tag: W@sha256:N\n"),
        ("image:\n  tag: V@sha256:O\n", "", "image:\n  tag: W@sha256:N\n"),
        ("service: {image: {tag: V}}\n", "", "service: {image: {tag: W@sha256:N}}\n"),
        ("imageTag: V\n", "", "imageTag: W@sha256:N\n"),
        ("image:\n  tag: V\n", ', tag: "v{version}"', "image:\n  tag: W@sha256:N\n"),
        ("image:\n  tag: V\n", ', tag: "{version}-amd64"', "image:\n  tag: W\n"),
        ('image:\n  tag: V\n  digest: "sha256:O"\n', "", "image:\n  tag: W\n  digest: sha256:N\n"),
        ('image: {tag: V, digest: ""}\n', "", "image: {tag: W, digest: sha256:N}\n"),
        ("gitVersion:\n  version: V\n", "", "gitVersion:\n  version: W\n"),
        ("gitVersion:\n  version: V\n", ", pin: tag", "gitVersion:\n  version: W@sha256:N\n"),
        ("image: {tag: V@sha256:O}\n", ", pin: none", "image: {tag: W}\n"),
        ('image: {tag: V, digest: "sha256:O"}\n', ", pin: none", "image: {tag: W}\n"),
        ("image: {tag: V}\n", ", pin: web.sha.of", "image: {tag: W}\nweb: {sha: {of: sha256:N}}\n"),
        ("image: {tag: V}\n", None, "image: {tag: W@sha256:N}\n"),
    ],
)
def test_a_version_is_written_with_its_image_as_the_chart_takes_it(
    before: str, options: str | None, after: str
) -> None:
    """Behind the tag, in a key of its own or not at all; and read again it is that version."""
    before = before.replace(": V", ": 1.4.0").replace("sha256:O", f"sha256:{OLD}")
    tree, text = _promoted(_project(before, options), "1.5.0", NEW)
    assert text.replace('"', "") == after.replace(": W", ": 1.5.0").replace(
        ":N", f":{NEW}"
    )  # quotes are the file's
    target = load(tree).fleet.targets["staging/api"]
    assert (target.version, target.image) == ("1.5.0", NEW if NEW in text else None)


@pytest.mark.parametrize(
    "before", ["image: {tag: 1.4.0@sha256:O}\n", 'image: {tag: "1.4.0", digest: "sha256:O"}\n']
)
def test_the_image_of_another_version_never_stays(before: str) -> None:
    """Also where the new one's is not known; one for all environments in another file is in the way."""
    tree, text = _promoted(_project(before.replace("O", OLD)), "1.5.0", None)
    assert text.replace('"', "") == "image: {tag: 1.5.0}\n"
    assert load(tree).fleet.targets["staging/api"].image is None
    values = {"syrf/services/api/values.yaml": f"image:\n  digest: sha256:{OLD}\n"}
    with pytest.raises(BadInput, match=r"image\.digest pins all versions") as caught:
        _promoted(_project("image: {tag: 1.4.0}\n", **values), "1.5.0", None)
    assert caught.value.where == "syrf/services/api/values.yaml:2"


def test_what_counts_is_read_from_all_layers() -> None:
    """A digest beside the tag decides, wherever it stands; a digest alone is a version."""
    values = {"syrf/services/api/values.yaml": f'image: {{digest: "sha256:{OLD}"}}\n'}
    tree = _project(f"image: {{tag: 1.4.0@sha256:{NEW}}}\n", **values)
    assert read_declarations(tree, ["staging/api"])["staging/api"].stated.image == OLD
    tree = _project(f'image: {{tag: "sha256:{OLD}"}}\n')
    target = load(tree).fleet.targets["staging/api"]
    assert (target.version, target.image) == (f"sha256:{OLD}", None)
