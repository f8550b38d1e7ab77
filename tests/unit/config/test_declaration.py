"""Where a version is declared, and what a new one changes in which file."""

from typing import Any

import pytest

from lockstep.config.declaration import (
    HoldChange,
    apply_edits,
    read_declarations,
    version_changes,
    version_edits,
)
from lockstep.config.load import load
from lockstep.errors import BadInput, BadInputs
from lockstep.model import Hold
from lockstep.model.move import Move
from lockstep.model.pin import Pin
from tests.unit.config.conftest import (
    API_CONFIG,
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

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "9f" * 32
API_FILE = "syrf/environments/staging/api/config.yaml"
HOLD = Hold(version="0.1.6", since="2026-11-24T08:00:00+00:00", by="Zoë", reason="lost: messages")


def move(target: str = "staging/s3-notifier", new: str = "0.1.7", **others: Any) -> Move:
    """A move of staging's function unless another is named."""
    kind = "kubernetes" if target.endswith("/api") else "lambda"
    return Move(target=target, old=None, new=new, deployment_type=kind, **others)


def written(tree: MemoryTree, *moves: Move, **options: Any) -> dict[str, str]:
    """Files after moves; what is left alone is not in it. The result is a project that loads."""
    results = apply_edits(tree, version_edits(tree, moves, **options))
    loaded = load(MemoryTree({**tree.files, **results}))
    for one in moves:
        assert loaded.fleet.targets[one.target].version == one.new
    return {path: data.decode() for path, data in results.items()}


def api(text: str, **others: str) -> MemoryTree:
    """The sample with another declaration of the Kubernetes service."""
    return sample({API_FILE: f"serviceName: api\n{text}", **others})


def test_a_function_gets_version_pin_and_commit_where_they_stand(tree: MemoryTree) -> None:
    """The users' own file; nothing else in it changes."""
    expected = (
        STAGING.replace('"0.1.6"', '"0.1.7"')
        .replace('staging/"\n', f'staging/"\n  sha256: "{Pin.of("0.1.7", DIGEST)}"\n')
        .replace('shortSha: "abc123"', f'shortSha: "{COMMIT[:7]}"')
        .replace('"abc123def456..."', f'"{COMMIT}"')
    )
    assert written(tree, move(commit=COMMIT, sha256=DIGEST)) == {STAGING_FILE: expected}


def test_a_preview_is_declared_in_its_own_file(tree: MemoryTree) -> None:
    """lambda.commitSha is changed where it is written."""
    result = written(tree, move("preview/pr-123/s3-notifier", "0.1.5-pr123.2", commit=COMMIT))
    expected = PULL_REQUEST.replace("0.1.5-pr123", "0.1.5-pr123.2").replace(
        'commitSha: "..."', f'commitSha: "{COMMIT}"'
    )
    expected = expected.replace(
        '{sha: "...", shortSha: "..."}', f'{{sha: "{COMMIT}", shortSha: "{COMMIT[:7]}"}}'
    )
    assert result == {PREVIEW_FILE: expected}


def test_a_preview_without_a_file_gets_one() -> None:
    """Its service is declared for all previews."""
    shared = "syrf/environments/preview/services/s3-notifier/config.yaml"
    tree = sample({PREVIEW_FILE: None, shared: 'deploymentType: lambda\nlambda: {version: "0.1.0"}\n'})
    result = written(tree, move("preview/pr-123/s3-notifier"))
    assert result == {PREVIEW_FILE: 'lambda:\n  version: "0.1.7"\n'}


def test_an_old_pin_never_stays() -> None:
    """Replaced when the digest is known, else removed; kept where the version stays."""
    pinned = STAGING.replace('"0.1.6"\n', f'"0.1.6"\n  sha256: "{DIGEST}"\n')
    tree = sample({STAGING_FILE: pinned})
    assert "ab" * 32 in written(tree, move(sha256="ab" * 32))[STAGING_FILE]
    assert "sha256" not in written(tree, move())[STAGING_FILE]
    assert written(tree, move(new="0.1.6")) == {}


def test_a_pin_of_another_version_in_another_file_is_in_nobodys_way() -> None:
    """It does not count for the new one."""
    tree = sample({SERVICE_FILE: f'{SERVICE_VALUES.rstrip()}\n  sha256: "{Pin.of("0.1.5", DIGEST)}"\n'})
    assert "sha256" not in written(tree, move())[STAGING_FILE]


def test_a_pin_of_all_versions_in_another_file_is_refused() -> None:
    """Removing it in the declaring file would remove nothing."""
    tree = sample({SERVICE_FILE: f'{SERVICE_VALUES.rstrip()}\n  sha256: "{DIGEST}"\n'})
    with pytest.raises(BadInput, match="pins all versions") as caught:
        version_edits(tree, [move()])
    assert caught.value.where == f"{SERVICE_FILE}:9"
    assert "ab" * 32 in written(tree, move(sha256="ab" * 32))[STAGING_FILE]


def test_an_old_commit_never_stays(tree: MemoryTree) -> None:
    """What is not known of the new version is removed, with sections that would be empty."""
    result = written(tree, move())[STAGING_FILE]
    assert result == STAGING.replace("0.1.6", "0.1.7").split("gitVersion")[0]
    more = STAGING.replace('shortSha: "abc123"', 'branch: "main"')
    assert 'gitVersion: {branch: "main"}\n' in written(sample({STAGING_FILE: more}), move())[STAGING_FILE]


def test_commits_are_added_only_when_that_is_asked_for() -> None:
    """And never beside the one of the two sections that a file uses."""
    tree = sample()
    production = "production/s3-notifier"
    file = "syrf/environments/production/s3-notifier/config.yaml"
    assert "gitVersion" not in written(tree, move(production, commit=COMMIT))[file]
    added = written(tree, move(production, commit=COMMIT), add_commit=True)[file]
    assert added.endswith(
        f'gitVersion:\n  sha: "{COMMIT}"\n  shortSha: "{COMMIT[:7]}"\n'
        f'deploymentNotification:\n  commitSha: "{COMMIT}"\n'
    )
    one = sample({STAGING_FILE: STAGING.split("deploymentNotification")[0]})
    assert "Notification" not in written(one, move(commit=COMMIT), add_commit=True)[STAGING_FILE]


def test_a_short_commit_stays_as_long_as_it_was() -> None:
    """At least seven digits."""
    tree = sample({STAGING_FILE: STAGING.replace('"abc123"', '"aaaaaaaaaa"')})
    assert f'shortSha: "{COMMIT[:10]}"' in written(tree, move(commit=COMMIT))[STAGING_FILE]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version: v1\n", 'version: "1.11"\n'),
        ("imageTag: '1.9.0'\n", "imageTag: '1.11'\n"),
        ('image: {tag: "1.9"}\n', 'image: {tag: "1.11"}\n'),
        ("image:\n  tag: 1.10 # quoted from now on\n", 'image:\n  tag: "1.11" # quoted from now on\n'),
        ("api:\n  image:\n    tag: v1.9.0\n", 'api:\n  image:\n    tag: "1.11"\n'),
        ("service: {version: v1}\n", 'service: {version: "1.11"}\n'),
        ("service: {image: {tag: v1}}\n", 'service: {image: {tag: "1.11"}}\n'),
        ('gitVersion: {version: "1.9", sha: "abc"}\n', 'gitVersion: {version: "1.11"}\n'),
        ('gitVersion: {shortSha: "abc1234", sha: "abc"}\n', 'gitVersion: {shortSha: "1.11"}\n'),
        ("gitVersion: {shortSha: abc1234}\n", 'gitVersion: {shortSha: "1.11"}\n'),
    ],
)
def test_another_service_gets_its_version_where_it_is_found(before: str, after: str) -> None:
    """At the first of the known places; a version that would be a number is quoted."""
    assert written(api(before), move("staging/api", "1.11")) == {API_FILE: f"serviceName: api\n{after}"}


def test_a_configured_key_wins_over_the_known_places() -> None:
    """And is made where it is missing."""
    project = f"{PROJECT}services:\n  api: {{versionKey: chart.imageTag}}\n"
    tree = api('version: "1"\n', **{"lockstep.yaml": project})
    assert written(tree, move("staging/api", "2.0.1")) == {
        API_FILE: 'serviceName: api\nversion: "1"\nchart:\n  imageTag: "2.0.1"\n'
    }


def test_a_version_of_a_lower_layer_is_written_into_the_declaring_file() -> None:
    """What other environments share stays as it is."""
    tree = api("envName: staging\n", **{"syrf/services/api/values.yaml": 'image: {tag: "1.0"}\n'})
    assert written(tree, move("staging/api", "1.1")) == {
        API_FILE: 'serviceName: api\nenvName: staging\nimage:\n  tag: "1.1"\n'
    }


def test_a_service_without_a_place_for_its_version_is_refused() -> None:
    """The error names the key that would tell."""
    with pytest.raises(BadInput, match="no layer says") as caught:
        version_edits(api("envName: staging\n"), [move("staging/api", "1.1")])
    assert caught.value.fix is not None
    assert "services.api.versionKey" in caught.value.fix


def test_both_kinds_are_changed_side_by_side() -> None:
    """One promotion of several services."""
    files = written(sample(), move(), move("staging/api", "1.11"))
    assert files[API_FILE] == API_CONFIG.replace("1.10", "1.11")
    assert files.keys() == {API_FILE, STAGING_FILE}


def test_a_target_that_is_gone_is_named() -> None:
    """All of them together."""
    with pytest.raises(BadInputs, match="does not declare") as caught:
        version_edits(sample(), [move("staging/x"), move("staging/y"), move()])
    assert [error.where for error in caught.value.errors] == ["staging/x", "staging/y"]


def test_everything_that_cannot_be_edited_is_reported_together() -> None:
    """And nothing is returned."""
    aliased = STAGING.replace("envName: staging", 'old: &v "0.1.6"').replace(
        'version: "0.1.6"', "version: *v"
    )
    anchored = 'serviceName: api\nversion: &v "1"\nother: *v\n'
    tree = sample({STAGING_FILE: aliased, API_FILE: anchored})
    with pytest.raises(BadInputs) as caught:
        written(tree, move(), move("staging/api", "2"))
    assert [error.where for error in caught.value.errors] == [f"{API_FILE}:2", f"{STAGING_FILE}:4"]


def test_a_hold_is_set_beside_a_new_version_and_lifted_without_a_trace() -> None:
    """Setting and lifting leave the file as it was, but for the version."""
    tree = sample()
    key = "staging/s3-notifier"
    held = written(tree, move(commit=COMMIT), holds={key: HoldChange(hold=HOLD)})
    with_hold = MemoryTree({**tree.files, **held})
    found = load(with_hold).fleet.targets[key].hold
    assert found == HOLD
    lifted = written(with_hold, holds={key: HoldChange(hold=None)})
    assert lifted == written(tree, move(commit=COMMIT))


def test_a_hold_is_replaced_and_lifting_none_changes_nothing() -> None:
    """What the old hold said and the new one does not is gone."""
    tree = sample({STAGING_FILE: STAGING + "lockstep:\n  hold: {version: '1', reason: x} # since June\n"})
    key = "staging/s3-notifier"
    new = HoldChange(hold=Hold(version="2", since="2026-01-01T00:00:00Z", by="me"))
    assert written(tree, holds={key: new})[STAGING_FILE].endswith(
        "  hold: {version: '2', since: '2026-01-01T00:00:00Z', by: me} # since June\n"
    )
    assert written(sample(), holds={key: HoldChange(hold=None)}) == {}


def test_a_hold_for_several_targets_is_lifted_by_hand() -> None:
    """It stands in another layer."""
    tree = sample({SERVICE_FILE: f"{SERVICE_VALUES}lockstep: {{hold: {{version: '1'}}}}\n"})
    with pytest.raises(BadInput, match="several targets"):
        version_edits(tree, [], holds={"staging/s3-notifier": HoldChange(hold=None)})


def test_a_declaration_knows_its_file_and_values(tree: MemoryTree) -> None:
    """Of the file alone, not of the layers below it."""
    found = read_declarations(tree, ["staging/s3-notifier", "staging/s3-notifier"])
    declaration = found["staging/s3-notifier"]
    assert (declaration.file, declaration.values["lambda"]["version"]) == (STAGING_FILE, "0.1.6")
    assert "runtime" not in declaration.values["lambda"]
    assert declaration.version == "0.1.6"
    assert read_declarations(tree, ["staging/api"])["staging/api"].version == "1.10"
    assert version_changes(declaration, move(new="0.1.6")) == {("lambda", "version"): "0.1.6"}
