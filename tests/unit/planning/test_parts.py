"""Which part of a fleet is an engine's."""

import pytest

from lockstep.model import Environment, Project
from lockstep.model.engines import AWS, TERRAFORM
from lockstep.planning.parts import engine_names, part_of
from tests.support.projects import make_fleet, make_target


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        ((), ("staging", "test")),
        (("staging/api",), ("staging/api",)),
        (("production",), None),
        (("*/api",), ("staging/api", "test/api")),
        (("*",), ("staging", "test")),
        (("preview/pr-9",), None),
        (("production/api", "test"), ("test",)),
    ],
)
def test_the_aws_part_of_a_selection(selection: tuple[str, ...], wanted: tuple[str, ...] | None) -> None:
    """Never an empty selection, which would mean everything."""
    environments = {
        name: Environment(name=name, engine=(TERRAFORM if name in ("production", "preview") else AWS).name)
        for name in ("staging", "test", "production", "preview")
    }
    fleet = make_fleet(
        *(make_target(f"{name}/api") for name in ("staging", "test", "production")), selection=selection
    )
    part = part_of(Project(name="shop", environments=environments), fleet, AWS.name)
    assert (part and part.selection) == wanted


def test_the_engines_of_a_project_are_those_that_something_names() -> None:
    """Environments, targets whose environment is not listed, and previews; in the order of the table."""
    project = Project(
        name="shop", environments={"production": Environment(name="production", engine="terraform")}
    )
    assert engine_names(project, make_fleet(make_target("production/api"))) == ["aws", "terraform"]
    both = {name: Environment(name=name, engine="terraform") for name in ("production", "preview")}
    assert engine_names(Project(name="shop", environments=both), make_fleet()) == ["terraform"]
    assert engine_names(Project(name="shop"), make_fleet(make_target("staging/api"))) == ["aws"]


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (("*/api",), ("preview/api", "preview/*/api")),  # each preview's api, and none of staging's
        (("preview/pr-1/*",), ("preview/pr-1/*",)),
        (("p*api",), ("preview/pr-1/api",)),  # a glob may reach over a slash
        (("s*api",), None),
        (("preview",), ("preview",)),
        (("staging/*", "preview/pr-1"), ("preview/pr-1",)),
    ],
)
def test_a_part_of_previews(selection: tuple[str, ...], wanted: tuple[str, ...] | None) -> None:
    """Globs mean the same as over the whole fleet."""
    environments = {
        "staging": Environment(name="staging"),
        "preview": Environment(name="preview", engine=TERRAFORM.name),
    }
    project = Project(name="shop", environments=environments)
    targets = (make_target("staging/api"), make_target("preview/pr-1/api"), make_target("preview/pr-1/web"))
    part = part_of(project, make_fleet(*targets, selection=selection), TERRAFORM.name)
    assert (part and part.selection) == wanted
    chosen = [
        key for key in make_fleet(*targets, selection=selection).selected() if key.startswith("preview/")
    ]
    assert (part.selected() if part else []) == chosen
