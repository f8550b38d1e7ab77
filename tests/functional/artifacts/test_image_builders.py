"""The commands that build images: as the references of docker, ko and pack have them."""

import shlex
from typing import Any

import pytest

from lockstep.artifacts.builders.images import image_commands
from lockstep.model.source import ImageBuild, ImageBuilder

NAME = "ghcr.io/acme/web:v1.4.0"


@pytest.mark.parametrize(
    ("builder", "options", "commands"),
    [
        (
            "docker",
            {"file": "build/Dockerfile", "target": "run", "args": {"A": "1 2", "B": "$(x)"}},
            [
                "docker build --file src/web/build/Dockerfile --target run --build-arg 'A=1 2' "
                f"--build-arg 'B=$(x)' --tag {NAME} -- src/web",
                f"docker push {NAME}",
            ],
        ),
        (
            "buildx",
            {"platforms": ("linux/amd64", "linux/arm64")},
            [f"docker buildx build --platform linux/amd64,linux/arm64 --push --tag {NAME} -- src/web"],
        ),
        (
            "ko",
            {"main": "cmd/web", "platforms": ("all/all",)},
            ["ko build --platform all/all --bare --tags v1.4.0 -- ./cmd/web"],
        ),
        ("ko", {}, ["ko build --bare --tags v1.4.0 -- ."]),
        (
            "pack",
            {"using": "paketobuildpacks/builder-noble-base", "args": {"BP_JVM_VERSION": "21"}},
            [
                f"pack build {NAME} --publish --path src/web --builder paketobuildpacks/builder-noble-base "
                "--env BP_JVM_VERSION=21"
            ],
        ),
        ("command", {"command": "make image && true"}, ["sh -c 'make image && true'"]),
    ],
)
def test_an_image_is_built_and_pushed_under_its_name(
    builder: str, options: dict[str, Any], commands: list[str]
) -> None:
    """Where the tool takes paths they are below the root; ko and commands run in the folder itself."""
    build = ImageBuild(builder=ImageBuilder(builder), path="src/web", **options)
    made = image_commands(build, "ghcr.io/acme/web", "v1.4.0")
    assert [shlex.join(one.words) for one in made] == commands
    is_inside = builder in ("ko", "command")
    assert {one.folder for one in made} == {"src/web" if is_inside else "."}
    assert made[0].environment == ({"KO_DOCKER_REPO": "ghcr.io/acme/web"} if builder == "ko" else {})
