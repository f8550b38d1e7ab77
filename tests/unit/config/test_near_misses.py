"""Names that are almost those of a layer: told, and nothing that they may declare is deleted."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.config.load import load
from lockstep.config.near_misses import near_misses
from lockstep.errors import BadInput, BadInputs
from lockstep.model import select
from tests.unit.config.conftest import STAGING, STAGING_FILE, sample

KEY = "staging/s3-notifier"

# Path as it is in the tree -> what is meant, and a target that it may declare.
MISSES = {
    "environments/staging/api/confg.yaml": ("environments/staging/api/config.yaml", "staging/api"),
    "environments/staging/api/Config.yaml": ("environments/staging/api/config.yaml", "staging/api"),
    "environments/staging/api/config.yml": ("environments/staging/api/config.yaml", "staging/api"),
    "environments/staging/api/value.yaml": ("environments/staging/api/values.yaml", "staging/api"),
    "environments/dev/dev.value.yaml": ("environments/dev/dev.values.yaml", "dev/api"),
    "environments/dev/dev.values.yml": ("environments/dev/dev.values.yaml", "dev/api"),
    "globals.values.yaml": ("global.values.yaml", "production/api"),
    "services/api/valeus.yaml": ("services/api/values.yaml", "preview/pr-1/api"),
    "services/api/configs.yaml": ("services/api/config.yaml", "staging/api"),
    "service/api/config.yaml": ("services", "staging/api"),
    "environments/preview/previews.values.yaml": (
        "environments/preview/preview.values.yaml",
        "preview/pr-1/api",
    ),
    "environments/preview/services/api/confi.yaml": (
        "environments/preview/services/api/config.yaml",
        "preview/pr-1/api",
    ),
    "environments/preview/pr-7/pr.yml": ("environments/preview/pr-7/pr.yaml", "preview/pr-7/api"),
    "environments/preview/PR-7/pr.yaml": ("environments/preview/pr-7", "preview/pr-7/api"),
    "environments/preview/pr-7/services/api.value.yaml": (
        "environments/preview/pr-7/services/api.values.yaml",
        "preview/pr-7/api",
    ),
    "environments/preview/pr-7/service/api.values.yaml": (
        "environments/preview/pr-7/services",
        "preview/pr-7/api",
    ),
    "environments/previews/pr-7/pr.yaml": ("environments/preview", "preview/pr-7/api"),
}


@pytest.mark.parametrize("path", MISSES)
def test_a_name_that_is_almost_right_is_told_with_what_is_meant(path: str) -> None:
    """And it stands for the targets that it may declare."""
    meant, key = MISSES[path]
    (found,) = near_misses([f"syrf/{path}"], "syrf/", {})
    assert found.meant == f"syrf/{meant}"
    assert found.is_missing
    assert select([key, "other/thing"], [found.pattern]) in ([key], [key, "other/thing"])


@pytest.mark.parametrize(
    "path",
    [
        "environments/preview/pr-7/namespace.yaml",
        "environments/preview/pr-7/mongodb-user.yaml",
        "environments/staging/api/secrets.yaml",
        "environments/staging/api/values-eu.yaml",
        "environments/staging/api/values.schema.json",
        "environments/staging/kustomization.yaml",
        "environments/review/api/config.yaml",
        "environments/preview/pr-7/services/web.v2.values.yaml",
        "services/api/Chart.yaml",
        "services/api/templates/config.yaml",
        "charts/api/values.yaml",
        "README.md",
        "global.yaml",
    ],
)
def test_files_of_other_tools_are_left_alone(path: str) -> None:
    """What is named for something else is nobody's mistake."""
    assert near_misses([f"syrf/{path}"], "syrf/", {}) == []


@given(
    st.sampled_from(["config.yaml", "values.yaml"]),
    st.integers(0, 10),
    st.sampled_from(string.ascii_lowercase),
    st.sampled_from(["delete", "replace", "insert"]),
)
def test_any_slip_of_one_letter_is_noticed(name: str, at: int, letter: str, how: str) -> None:
    """Left out, another, or one too many."""
    match how:
        case "delete":
            slip = name[:at] + name[at + 1 :]
        case "replace":
            slip = name[:at] + letter + name[at + 1 :]
        case _:
            slip = name[:at] + letter + name[at:]
    path = f"environments/staging/api/{slip}"
    found = near_misses([path], "", {})
    assert [one.meant for one in found] == ([] if slip == name else [f"environments/staging/api/{name}"])


def test_it_is_a_warning_and_the_target_may_not_be_deleted() -> None:
    """The fleet without it says which targets nobody knows anything of."""
    loaded = load(sample({STAGING_FILE: None, STAGING_FILE.replace("config", "confg"): STAGING}))
    assert KEY not in loaded.fleet.targets
    told = f"{STAGING_FILE.replace('config', 'confg')}: not read; did you mean {STAGING_FILE}?"
    assert told in loaded.warnings
    assert loaded.fleet.doubts == {KEY: told}


def test_beside_the_right_name_it_is_only_told() -> None:
    """What the right file says counts, so nothing is in doubt."""
    loaded = load(sample({STAGING_FILE.replace("config", "confg"): STAGING}))
    assert any("confg.yaml: not read" in text for text in loaded.warnings)
    assert loaded.fleet.doubts == {}


def problems(changes: dict[str, str | None]) -> list[str]:
    """What is wrong with a tree."""
    with pytest.raises(BadInput) as caught:
        load(sample(changes))
    error = caught.value
    return [str(one) for one in (error.errors if isinstance(error, BadInputs) else (error,))]


def test_a_renamed_service_folder_is_one_error() -> None:
    """Not one for each field of each environment that its values held."""
    changes: dict[str, str | None] = {}
    for path, data in sample({}).files.items():
        if path.startswith("syrf/services/s3-notifier/"):
            changes |= {path: None, path.replace("s3-notifier", "notifier"): data.decode()}
    (told,) = problems(changes)
    assert "syrf/services/notifier: " in told
    assert "no environment has a service of this name, and s3-notifier has no folder of its own" in told
    assert "fix: rename it to s3-notifier" in told


@pytest.mark.parametrize("word", ["lamda", "Lambda", "lambdas"])
def test_a_misspelt_block_is_one_error_at_its_line(word: str) -> None:
    """And never a service that another tool deploys, whose function would then be deleted."""
    (told,) = problems({STAGING_FILE: STAGING.replace("lambda:", f"{word}:")})
    line = STAGING.splitlines().index("lambda:") + 1
    assert told.startswith(f"{STAGING_FILE}:{line}: ")
    assert f"unknown key '{word}'\n  fix: did you mean lambda?" in told


def test_other_tools_keys_that_look_like_it_are_left_alone() -> None:
    """A key counts by what stands under it."""
    changes = {STAGING_FILE: STAGING + "lambdas: {replicas: 2}\n"}
    assert KEY in load(sample(changes)).fleet.targets
