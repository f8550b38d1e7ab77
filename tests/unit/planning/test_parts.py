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
