"""The cache: the same fleet from less reading, and no harm when it is damaged."""

import marshal
import stat
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

import pytest

from lockstep.config.cache import Cache, Memo, freeze, thaw
from lockstep.config.load import Loaded, load
from lockstep.errors import BadInput
from lockstep.model import Code, Function, Hold, Reference, Release, Resource, Secret, Target, Trigger
from lockstep.model.layer import BuiltLayer
from lockstep.model.rollout import Compared, MetricGate, Rollout, Smoke, Stage, Unjudged
from tests.unit.config.conftest import (
    PREVIEW_FILE,
    PROJECT,
    PULL_REQUEST,
    SERVICE_FILE,
    SERVICE_VALUES,
    STAGING,
    STAGING_FILE,
    MemoryTree,
    sample,
)

RICH = (
    SERVICE_VALUES
    + """\
    API_KEY: hunter2
    HOST: {ssm: /host}
  vpc: {subnetIds: [subnet-2, subnet-1], securityGroupIds: [sg-1]}
  fileSystems:
  - arn: arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0
    localMountPath: /mnt/a
  tags: {team: files, old: null}
  ignore: [environment.DD_*]
  sha256: "%s"
"""
    % ("ab" * 32)
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty cache."""
    return Cache(tmp_path / "cache")


def everything(loaded: Loaded) -> str:
    """All fields, those that equality leaves out included."""
    return repr(loaded.fleet) + repr(dict(loaded.files)) + repr(loaded.warnings) + repr(loaded.project)


def secrets(loaded: Loaded) -> list[object]:
    """Environments, whose secrets have no repr."""
    functions = [target.function for target in loaded.fleet.targets.values()]
    return [function.settings.get("environment") for function in functions if function is not None]


def test_the_cache_gives_back_the_same_fleet(cache: Cache) -> None:
    """Field by field, references, secrets, places and notes included."""
    tree = sample(
        {
            SERVICE_FILE: RICH,
            "syrf/environments/preview/services/s3-notifier/config.yaml": "serviceName: s3-notifier\n",
            "syrf/environments/preview/pr-7/pr.yaml": "a: 1\n",
        }
    )
    cold = load(tree, cache=cache)
    assert cold.warnings
    warm = load(tree, cache=cache)
    assert everything(warm) == everything(cold)
    assert secrets(warm) == secrets(cold)
    assert everything(load(tree)) == everything(cold)


def test_only_the_project_file_is_read_when_nothing_changed(cache: Cache, tree: MemoryTree) -> None:
    """Blob ids tell that the rest is known."""
    load(tree, cache=cache)
    tree.was_read.clear()
    load(tree, cache=cache)
    assert tree.was_read == ["lockstep.yaml"]


def test_only_the_layers_of_changed_targets_are_read(cache: Cache, tree: MemoryTree) -> None:
    """And the fleet is the new one."""
    load(tree, cache=cache)
    tree.was_read.clear()
    tree.files[PREVIEW_FILE] = PULL_REQUEST.replace("0.1.5-pr123", "0.1.6-pr123").encode()
    loaded = load(tree, cache=cache)
    assert loaded.fleet.targets["preview/pr-123/s3-notifier"].version == "0.1.6-pr123"
    assert STAGING_FILE not in tree.was_read
    assert everything(loaded) == everything(load(tree))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("syrf/global.values.yaml", "lambda: {ephemeralStorage: 1024}\n"),
        (SERVICE_FILE, RICH),
        ("syrf/environments/staging/staging.values.yaml", "lambda: {ephemeralStorage: 1024}\n"),
        ("syrf/environments/staging/s3-notifier/values.yaml", "lambda: {ephemeralStorage: 1024}\n"),
        ("syrf/environments/preview/services/s3-notifier/config.yaml", "lambda: {timeout: 7}\n"),
        (STAGING_FILE, STAGING.replace("0.1.6", "0.1.7")),
        ("lockstep.yaml", PROJECT + "functionDefaults: {ephemeralStorage: 1024}\n"),
    ],
)
def test_a_change_or_a_new_file_in_any_layer_is_seen(
    cache: Cache, tree: MemoryTree, path: str, text: str
) -> None:
    """Also one that was not there, and back again."""
    before = load(tree, cache=cache)
    old = tree.files.get(path)
    tree.files[path] = text.encode()
    changed = load(tree, cache=cache)
    assert everything(changed) == everything(load(tree))
    assert everything(changed) != everything(before)
    if old is None:
        del tree.files[path]
    else:
        tree.files[path] = old
    assert everything(load(tree, cache=cache)) == everything(before)


def test_the_same_content_in_another_layer_is_another_target(cache: Cache) -> None:
    """Moving values from values.yaml to config.yaml of a service changes places."""
    one = sample({"syrf/environments/preview/services/s3-notifier/config.yaml": None})
    load(one, cache=cache)
    path = "syrf/environments/preview/services/s3-notifier/"
    moved = sample({f"{path}config.yaml": one.files[f"{path}values.yaml"], f"{path}values.yaml": None})
    assert everything(load(moved, cache=cache)) == everything(load(moved))


def test_problems_between_targets_are_found_with_the_cache(cache: Cache, tree: MemoryTree) -> None:
    """A changed target that clashes with one from the cache; and the error stays when run again."""
    load(tree, cache=cache)
    tree.files[PREVIEW_FILE] = PULL_REQUEST.replace(
        "{version", "{s3TriggerPrefix: staging/x/, version"
    ).encode()
    for _ in range(2):
        with pytest.raises(
            BadInput, match=r"staging/s3-notifier on .* overlaps with that of preview/pr-123/s3-notifier"
        ):
            load(tree, cache=cache)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"x" * len(data),
    ],
    ids=["empty", "cut", "one bit", "garbage"],
)
def test_a_damaged_cache_is_ignored(cache: Cache, tree: MemoryTree, damage: object) -> None:
    """And replaced."""
    load(tree, cache=cache)
    (path,) = cache.folder.iterdir()
    good = path.read_bytes()
    assert callable(damage)
    path.write_bytes(damage(good))
    assert everything(load(tree, cache=cache)) == everything(load(tree))
    tree.was_read.clear()
    load(tree, cache=cache)
    assert tree.was_read == ["lockstep.yaml"]


def test_a_cache_of_another_version_is_ignored(
    cache: Cache, tree: MemoryTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade may read the same file differently."""
    load(tree, cache=cache)
    monkeypatch.setattr("lockstep.config.cache.__version__", "99.0.0")
    tree.was_read.clear()
    load(tree, cache=cache)
    assert STAGING_FILE in tree.was_read


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, tree: MemoryTree) -> None:
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    assert load(tree, cache=Cache(tmp_path / "file")).fleet.targets


def test_the_cache_is_the_users_own(cache: Cache, tree: MemoryTree) -> None:
    """It holds what the repository holds: nobody else reads it."""
    load(tree, cache=cache)
    (path,) = cache.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700


def test_nothing_wrong_is_cached(cache: Cache) -> None:
    """The error comes again, from the files."""
    broken = sample({STAGING_FILE: STAGING.replace('"0.1.6"', "0.10")})
    for _ in range(2):
        with pytest.raises(BadInput, match=r"0\.10 without quotes"):
            load(broken, cache=cache)
    assert not cache.folder.exists()


def test_two_projects_keep_apart(cache: Cache, tree: MemoryTree) -> None:
    """One cache folder serves all."""
    other = sample({"lockstep.yaml": PROJECT.replace("project: syrf", "project: other")})
    load(tree, cache=cache)
    load(other, cache=cache)
    tree.was_read.clear()
    load(tree, cache=cache)
    assert tree.was_read == ["lockstep.yaml"]


FULL = Target(
    environment="staging",
    service="api",
    deployment_type="lambda-x",
    version="1.2.3",
    commit="c" * 40,
    function=Function(
        name="shop-api",
        settings={
            "memorySize": 512,
            "environment": {"A": "b", "C": Secret("d"), "E": Reference(store="ssm", name="/f", place="a:5")},
        },
        code=Code(sha256="ab" * 32, image="repository@sha256:1"),
        tags={"team": "files", "old": None},
        defaults=frozenset({"timeout"}),
    ),
    layer=BuiltLayer(
        target="staging/l",
        service="l",
        version="2.0.0",
        name="shop-l",
        runtimes=("python3.13",),
        architectures=("arm64",),
        license="MIT",
        place="l:1",
    ),
    release=Release(
        service="api-x",
        version="1.2.4",
        source="s3",
        options={"key": "k"},
        commit="d" * 40,
        sha256="cd" * 32,
        outlived="ef" * 32,
        staged_key="packages/x.zip",
        place="a:1",
    ),
    triggers=(Trigger(bucket="b", prefix="p/", suffix=".x", events=("s3:ObjectRemoved:*",), place="a:2"),),
    relayed=(Trigger(bucket="b", prefix="q/", suffix=".y", events=("s3:ObjectRemoved:*",), place="a:3"),),
    resources=(
        Resource(
            kind="some",
            qualifier="live",
            identity="arn:q",
            settings={"a": 1},
            name="q",
            replace=True,
            place="a:5",
        ),
    ),
    alias="live",
    keep_versions=3,
    keep_seconds=60,
    rollout=Rollout(
        name="2 steps",
        group="checkout",
        group_place="f:9",
        stages=(Stage(weight=0.1, seconds=60, approval=True),),
        alarms=("errors",),
        metrics=(
            MetricGate(
                compared=Compared.P95,
                worse=0.1,
                calls=5,
                namespace="Shop",
                metric="Failed",
                dimensions={"A": "b"},
                statistic="Sum",
                most=1.0,
                least=0.5,
            ),
        ),
        smoke=Smoke(payload="a.json", expect="b.json", place="a:6"),
        no_data=Unjudged.FAIL,
        rolls_back=True,
        place="a:6",
    ),
    ignore=("memorySize",),
    adopt=True,
    hold=Hold(version="1.2.5", since="2026-01-01", by="me", reason="why", place="a:3"),
    image="ab" * 32,
    place="a:4",
    places={"role": "a:5"},
)
LIVE = {
    Target: {"layers", "statements", "aliases", "versions", "measured", "settled", "obstacle"},
    Function: {"arn", "revision", "modified", "health", "reason", "unread"},
    Code: {"package", "size"},
    BuiltLayer: {"package", "arn"},
    Resource: {"handle", "foreign", "kin", "state", "is_let_in"},
    Smoke: {"sent", "expected"},  # the files are read each time
}


def _values(value: object) -> Iterator[tuple[type, str, object, object]]:
    """Every dataclass below a value: its type, and each field with its value and default."""
    if not is_dataclass(value):
        return
    for one in fields(value):
        inner = getattr(value, one.name)
        yield (
            type(value),
            one.name,
            inner,
            one.default if one.default_factory is MISSING else one.default_factory(),
        )
        for each in inner if isinstance(inner, tuple) else (inner,):
            yield from _values(each)


def test_no_field_of_a_target_is_lost_by_the_cache() -> None:
    """Every field of every type that a target holds comes back; one that is new is missed here."""
    memo: Memo = {}
    again = thaw(marshal.loads(marshal.dumps(freeze(FULL, {}))), memo)  # noqa: S302 - made right here
    assert again == FULL
    assert list(_values(again)) == list(_values(FULL))
    assert repr(again) == repr(FULL)  # places too, which equality leaves out
    for kind, name, value, default in _values(FULL):
        assert (name in LIVE.get(kind, ())) == (value == default), (
            f"{kind.__name__}.{name}: give it a value above"
        )
