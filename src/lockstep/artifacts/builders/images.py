"""Builders of container images: the commands that build one and push it under its name.

Sources: the command line references of Docker (``docker build``, ``docker push``, ``docker buildx build``),
ko (``ko build``, "Naming Images") and Cloud Native Buildpacks (``pack build``).
"""

import posixpath
from collections.abc import Mapping
from dataclasses import field
from typing import assert_never

from lockstep.model.source import ImageBuild, ImageBuilder
from lockstep.values import dataclass

__all__ = ["Command", "image_commands"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command: its words, the folder it runs in, below the repository's root, and its own variables."""

    words: tuple[str, ...]
    folder: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)


def image_commands(build: ImageBuild, repository: str, tag: str) -> tuple[Command, ...]:
    """What is run, one after the other, until the registry has ``repository:tag``."""
    name = f"{repository}:{tag}"
    match build.builder:
        case ImageBuilder.DOCKER:
            made = ("docker", "build", *_dockerfile(build), "--tag", name, "--", build.path)
            return Command(words=made), Command(words=("docker", "push", name))
        case ImageBuilder.BUILDX:
            made = ("docker", "buildx", "build", *_platforms(build), *_dockerfile(build), "--push")
            return (Command(words=(*made, "--tag", name, "--", build.path)),)
        case ImageBuilder.KO:
            main = f"./{posixpath.normpath(build.main)}" if build.main else "."
            words = ("ko", "build", *_platforms(build), "--bare", "--tags", tag, "--", main)
            # With --bare the image is called as KO_DOCKER_REPO says, and nothing is put behind it.
            return (Command(words=words, folder=build.path, environment={"KO_DOCKER_REPO": repository}),)
        case ImageBuilder.PACK:
            words = ("pack", "build", name, "--publish", "--path", build.path)
            if build.using is not None:
                words += ("--builder", build.using)
            return (Command(words=(*words, *_pairs("--env", build.args))),)
        case ImageBuilder.COMMAND:
            return (Command(words=("sh", "-c", build.command or ""), folder=build.path),)
        case _:
            assert_never(build.builder)


def _dockerfile(build: ImageBuild) -> tuple[str, ...]:
    words: tuple[str, ...] = ()
    if build.file is not None:
        words += ("--file", posixpath.join(build.path, build.file))
    if build.target is not None:
        words += ("--target", build.target)
    return (*words, *_pairs("--build-arg", build.args))


def _platforms(build: ImageBuild) -> tuple[str, ...]:
    return ("--platform", ",".join(build.platforms)) if build.platforms else ()


def _pairs(option: str, values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for name, text in values.items() for word in (option, f"{name}={text}"))
