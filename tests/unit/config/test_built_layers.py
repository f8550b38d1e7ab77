"""Layers that are built here: what an environment declares of them, and the functions that name them."""

from collections.abc import Mapping

import pytest

from lockstep.config.declaration import apply_edits, version_edits
from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.model.move import Move
from tests.unit.config.conftest import MemoryTree, staging

KEY = "staging/s3-notifier"
SHARED = "syrf/layers/common/config.yaml"
OWN = "syrf/environments/staging/common/config.yaml"
FILES = {
    SHARED: "layer: {name: 'common-{env}', runtimes: [dotnet10, dotnet8], architectures: [x86_64]}\n",
    OWN: 'serviceName: common\nenvName: staging\nlayer:\n  version: "1.4.0"\n',
}
TAKES = "  layers: [{layer: common}]"


def tree(lines: str = TAKES, files: Mapping[str, str] = FILES) -> MemoryTree:
    """The sample repository with a layer, and lines of the function in staging."""
    sample = staging(lines)
    return MemoryTree({**sample.files, **{path: text.encode() for path, text in files.items()}})


def problem(made: MemoryTree) -> str:
    """What is wrong with a tree."""
    with pytest.raises(BadInput) as caught:
        load(made)
    return str(caught.value)


def test_an_environment_declares_the_version_and_functions_name_the_layer() -> None:
    """The folder below layers/ makes it one; its files are the function's too, for who asks what changed."""
    loaded = load(tree())
    common, target = loaded.fleet.targets["staging/common"], loaded.fleet.targets[KEY]
    assert (common.deployment_type, common.version, common.function) == ("layer", "1.4.0", None)
    assert common.release is not None
    assert common.release.options["tag"] == "common-v1.4.0"
    assert target.layers == (common.layer,)
    (layer,) = target.layers
    assert (layer.release, layer.name, layer.runtimes) == (
        "common@1.4.0",
        "common-staging",
        ("dotnet10", "dotnet8"),
    )
    assert layer.place == f"{OWN}:4"
    files = loaded.files[KEY]
    assert {SHARED, OWN} < {*files}
    assert files[-1].endswith("staging/s3-notifier/config.yaml")


def test_what_is_kept_of_a_layer_from_one_run_to_the_next_is_all_of_it() -> None:
    """Targets come out of the cache as they went in."""
    from lockstep.config.cache import freeze, thaw

    common = load(tree()).fleet.targets["staging/common"]
    again = thaw(freeze(common, {}), {})
    assert (again, again.release) == (common, common.release)


def test_a_promotion_writes_the_version_where_it_stands() -> None:
    """As of any service: the rest of the file stays."""
    made = tree()
    move = Move(target="staging/common", old="1.4.0", new="1.5.0", deployment_type="layer")
    assert apply_edits(made, version_edits(made, [move])) == {
        OWN: FILES[OWN].replace("1.4.0", "1.5.0").encode()
    }


@pytest.mark.parametrize(
    ("lines", "files", "told"),
    [
        ("  layers: [{layer: comon}]", FILES, "there is no layer comon in staging"),
        ("  layers: [{layer: comon}]", FILES, "did you mean common?"),
        ("  layers: [{layer: s3-notifier}]", FILES, "is no layer"),
        ("  layers: [{layer: common}, {layer: common}]", FILES, "the layer layer:common is there twice"),
        ("  layers: [{layer: common, ssm: /a}]", FILES, "names ssm and layer"),
        ("  layers: [{layer: null}]", FILES, "names nothing"),
        ("  layers: [{layer: common, version: 1.4.0}]", FILES, "unknown key 'version'"),
        ("  layers: [common@1.4.0]", FILES, "no valid layers"),
        (f"  layers: [{', '.join('{layer: common}' for _ in range(6))}]", FILES, "has 6 items; AWS allows 5"),
        (
            TAKES,
            FILES | {SHARED: "layer: {runtimes: [python3.13]}\n"},
            "the layer common is for python3.13, and the function has dotnet10",
        ),
        (
            TAKES,
            FILES | {SHARED: "layer: {architectures: [arm64]}\n"},
            "the layer common is for arm64, and the function runs on x86_64",
        ),
    ],
)
def test_a_function_that_cannot_take_a_layer_is_told_at_its_line(
    lines: str, files: Mapping[str, str], told: str
) -> None:
    """The line is that of the function's layers."""
    found = problem(tree(lines, files))
    assert told in found
    assert "staging/s3-notifier/config.yaml:" in found


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({OWN: "layer: {}\n"}, "no version is declared"),
        ({OWN: "layer: {version: 1.4}\n"}, "without quotes"),
        ({OWN: "layer: {version: '{pr}'}\n"}, "is no version"),
        (
            {OWN: f"layer: {{version: '1{'0' * 120}', name: a}}\n", "lockstep.yaml": None},
            "have more than 170",
        ),
        ({OWN: "layer: {version: '1.4.0', runtime: python3.13}\n"}, "unknown key 'runtime'"),
        ({OWN: "layer: {version: '1.4.0', name: a b}\n"}, "no valid name"),
        ({OWN: "layer: {version: '1.4.0', architectures: [x86]}\n"}, "is not allowed for architecture"),
        ({OWN: FILES[OWN] + "lambda: {layers: [{layer: common}]}\n"}, "this service is a layer"),
        ({OWN: FILES[OWN] + "deploymentType: lambda\n"}, "has its folder below layers/"),
        ({"syrf/services/common/config.yaml": "a: b\n"}, "are one service twice"),
    ],
)
def test_a_layer_that_is_declared_wrongly_is_told_at_its_line(
    files: Mapping[str, str | None], told: str
) -> None:
    """Also one that would name itself."""
    given = {path: text for path, text in files.items() if text is not None}
    if "lockstep.yaml" in files:
        given["lockstep.yaml"] = (
            tree().files["lockstep.yaml"].decode().replace("project: syrf", f"project: s{'y' * 60}")
        )
    found = problem(tree(TAKES, {**FILES, **given}))
    assert told in found
    assert "common" in found


def test_an_engine_that_publishes_no_layers_is_refused_at_the_line() -> None:
    """Its own configuration takes ARNs."""
    made = tree()
    text = (
        made.files["lockstep.yaml"]
        .decode()
        .replace("staging: {}", "staging: {engine: terraform, terraform: {folder: tf}}")
    )
    found = problem(MemoryTree({**made.files, "lockstep.yaml": text.encode()}))
    assert "is published by Lockstep itself, and the engine of staging is terraform" in found
    assert "staging/s3-notifier/config.yaml:" in found


def test_a_preview_takes_its_own_version_or_that_of_the_environment_it_comes_from() -> None:
    """A pull request that changes the layer declares the layer's version in its preview."""
    function = "lambda: {functionName: 'n-{env}', layers: [{layer: common}]}\n"
    previews = {
        "syrf/environments/preview/pr-7/pr.yaml": "",
        "syrf/environments/preview/pr-7/services/s3-notifier.values.yaml": 'lambda: {version: "0.1.7"}\n',
        "syrf/environments/preview/services/s3-notifier/config.yaml": function,
    }
    found = load(tree("", FILES | previews)).fleet.targets["preview/pr-7/s3-notifier"].layers
    assert [(one.target, one.release) for one in found] == [("staging/common", "common@1.4.0")]
    own = {"syrf/environments/preview/pr-7/services/common.values.yaml": 'layer: {version: "1.5.0-pr.7.1"}\n'}
    found = load(tree("", FILES | previews | own)).fleet.targets["preview/pr-7/s3-notifier"].layers
    assert [(one.target, one.release, one.name) for one in found] == [
        ("preview/pr-7/common", "common@1.5.0-pr.7.1", "common-pr-7")
    ]
