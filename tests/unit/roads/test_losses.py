"""Nothing that is declared is dropped in silence, on any road."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.engines.terraform.shape import function_value
from lockstep.model import FIELDS, Code, Resource, Target
from lockstep.model.kinds import KINDS
from lockstep.model.kubernetes import MANIFESTS
from lockstep.model.rollout import Rollout
from lockstep.roads import losses
from lockstep.roads.ack_fields import ack_path, ack_path_of, members_of
from lockstep.roads.base import Ground, Rendering
from lockstep.roads.losses import LOSSES, always
from lockstep.roads.table import ROADS
from tests.support.fleets import values
from tests.support.roads import documents, ground, target

_KINDS = [(kind, row) for kind in KINDS.values() for row in kind.rows if not row.computed]


def _ground(made: Target) -> Ground:
    value, _ = function_value(made)
    return ground(made, state={"variables": {"functions": {made.key: value}}})


def _told(rendering: Rendering) -> set[str]:
    return {one.field for one in rendering.losses}


_USUAL: dict[tuple[str, str], str] = {}
"""What a road writes of a target without a field: the same for each value of the field."""


def _usual(road: str, name: str, made: Target) -> str:
    if (road, name) not in _USUAL:
        _USUAL[road, name], _ = _texts(road, made)
    return _USUAL[road, name]


def _texts(road: str, made: Target) -> tuple[str, set[str]]:
    rendering = ROADS[road].render(_ground(made))
    text = "".join(str(documents(one, road)) for one in rendering.manifests)
    return text, _told(rendering)


@pytest.mark.parametrize("road", ["ack", "flux", "argocd-job"])
@pytest.mark.parametrize("name", [row.name for row in FIELDS])
@settings(max_examples=5)
@given(data=st.data())
def test_every_field_changes_the_manifest_or_is_named(road: str, name: str, data: Any) -> None:
    """A new row of the model is rendered, or is told as a loss, without a line in any road."""
    value = data.draw(values(name).filter(lambda one: one is not None))
    row = next(one for one in FIELDS if one.name == name)
    needed = {row.needs[0]: row.needs[1] or 60} if row.needs else {}
    before, after = target(settings=needed), target(settings={**needed, name: value})
    if row.for_type == "Image":
        before, after = _with_image(before), _with_image(after)
    usual = _usual(road, name, before)
    text, told = _texts(road, after)
    members = {f"{name}.{member}" for member in row.members}
    is_usual = before == after  # what every function here has
    assert is_usual or text != usual or told & {name, *members}


def _with_image(made: Target) -> Target:
    assert made.function is not None
    code = Code(image="1.dkr.ecr.eu-west-1.amazonaws.com/a:1")
    return replace(made, function=replace(made.function, code=code))


@pytest.mark.parametrize("road", ["ack", "flux", "argocd-job"])
@pytest.mark.parametrize(("kind", "row"), _KINDS, ids=[kind.path(row) for kind, row in _KINDS])
@settings(max_examples=3)
@given(data=st.data())
def test_every_row_of_every_kind_changes_the_manifest_or_is_named(
    road: str, kind: Any, row: Any, data: Any
) -> None:
    """A new kind, too: it is a loss by default."""
    required = {one.name: one.enum[-1] if one.enum else one.example for one in kind.rows if one.required}
    value = data.draw(values(kind.path(row)).filter(lambda one: one is not None))
    without = target(resources=[Resource(kind=kind.name, settings=required)] if required else [])
    usual = _usual(road, f"{kind.name}." if required else ".", without)
    made = target(resources=[Resource(kind=kind.name, settings={**required, row.name: value})])
    text, told = _texts(road, made)
    names = {kind.name, kind.path(row), f"{kind.name} (made)"}
    assert required.get(row.name) == value or text != usual or told & names


def test_every_road_has_its_rows_and_its_names() -> None:
    """Reports come from one table, and the tree knows the files of all roads."""
    assert {road for road, _ in LOSSES} == set(ROADS)
    assert {name for road in ROADS.values() for name in road.files} == MANIFESTS
    for road in ROADS:
        words = {"revision": "main"} if road == "argocd-job" else {}
        assert always(road, **words)


@pytest.mark.parametrize(
    ("api", "path"),
    [
        ("VpcConfig.SubnetIds", "vpcConfig.subnetIDs"),
        ("KMSKeyArn", "kmsKeyARN"),
        ("Code.S3Bucket", "code.s3Bucket"),
        ("FileSystemConfigs.Arn", "fileSystemConfigs.arn"),
        ("Cors.AllowOrigins", "cors.allowOrigins"),
        ("FunctionUrl", "functionURL"),
    ],
)
def test_names_are_as_ack_makes_them(api: str, path: str) -> None:
    """Its code generator writes initials in capitals, and begins small."""
    assert ack_path(api) == path


def test_only_members_that_ack_has_are_written() -> None:
    """The rest of an entry is told."""
    row = next(one for one in FIELDS if one.name == "fileSystems")
    assert ack_path_of(row) == "fileSystemConfigs"
    assert members_of(row) == {"arn": "arn", "localMountPath": "localMountPath", "directS3Read": None}


def test_no_row_takes_the_place_of_another() -> None:
    """The table is made from lists, in which a second row of one name would hide the first."""
    rows = [(row.road, row.field) for row in losses._rows()]
    assert len(rows) == len({*rows}) == len(LOSSES)


@pytest.mark.parametrize("road", ROADS)
def test_each_loss_of_a_target_is_told_once(road: str) -> None:
    """Whatever several places of a road know of it."""
    made = replace(target(), alias="live", rollout=Rollout())
    told = [(one.target, one.field, one.problem) for one in ROADS[road].render(_ground(made)).losses]
    assert len(told) == len({*told})
