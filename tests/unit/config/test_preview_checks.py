"""Previews keep apart from each other and from staging and production: whatever reaches over is an error."""

from collections.abc import Mapping

import pytest

from lockstep.config.load import load
from lockstep.config.validate import validate
from lockstep.errors import BadInput
from tests.support.preview_tree import FILES, project_file
from tests.unit.config.conftest import MemoryTree

PR = "environments/preview/pr-{}/{}"
VALUES = "environments/preview/services/notifier/values.yaml"


def tree(*changes: Mapping[str, str], project: str = "") -> MemoryTree:
    """The project with two previews, and changed files."""
    files = {**FILES, "lockstep.yaml": project or project_file()}
    for number in (1, 12):
        files[PR.format(number, "pr.yaml")] = ""
        files[PR.format(number, "services/notifier.values.yaml")] = "lambda: {version: 1.0.0}\n"
    for change in changes:
        files |= change
    return MemoryTree(files)


def refusal(*changes: Mapping[str, str], project: str = "") -> str:
    """What is wrong with the tree."""
    with pytest.raises(BadInput) as caught:
        load(tree(*changes, project=project))
    return str(caught.value)


def values(trigger: str, name: str = "notifier-{env}") -> dict[str, str]:
    """The values of the service in all previews."""
    return {VALUES: f'lambda:\n  functionName: "{name}"\n  triggers: [{{{trigger}}}]\n'}


def test_previews_that_keep_apart_are_fine() -> None:
    """A prefix of its own for each, though one number begins with the other."""
    assert len(load(tree()).fleet.targets) == 7


def test_a_shared_prefix_is_an_error_though_suffixes_differ() -> None:
    """S3 would take two triggers of different suffixes; a preview must not lie among production's objects."""
    said = refusal(values('prefix: Projects/, suffix: "-{env}.pdf"'), production(".csv"))
    assert f"{VALUES}:3: the preview preview/pr-1 would reach production" in said
    assert "environments/production/notifier/config.yaml:4" in said


def production(suffix: str) -> dict[str, str]:
    """Production with a trigger of some suffix."""
    return {
        "environments/production/notifier/config.yaml": "serviceName: notifier\nlambda:\n  version: 1.0.0\n"
        f'  triggers: [{{prefix: Projects/, suffix: "{suffix}"}}]\n  functionName: notifier\n'
    }


def test_other_events_are_no_excuse() -> None:
    """Removals of staging's objects are staging's."""
    said = refusal(values('prefix: "staging/x-{env}/", events: ["s3:ObjectRemoved:*"]'))
    assert "the preview preview/pr-1 would reach staging" in said


def test_the_whole_bucket_is_everybodys() -> None:
    """A trigger without a prefix reaches all environments."""
    assert "would reach" in refusal(values('suffix: "-{env}.x"'))


def test_a_preview_around_another() -> None:
    """Numbers without a slash behind them contain each other."""
    said = refusal(values('prefix: "preview/{env}", suffix: "{env}.x"'))
    assert "the preview preview/pr-12 would reach preview/pr-1:" in said


def test_services_of_one_preview_may_share_its_prefix() -> None:
    """They are told apart by suffix or event, as in every environment."""
    other = {
        "environments/preview/services/other/config.yaml": "serviceName: other\ndeploymentType: lambda\n",
        "environments/preview/services/other/values.yaml": "lambda:\n  version: 1.0.0\n"
        '  functionName: "o-{env}"\n  triggers: [{prefix: "preview/{env}/", suffix: .csv}]\n',
    }
    assert len(load(tree(values('prefix: "preview/{env}/", suffix: .pdf'), other)).fleet.targets) == 9


@pytest.mark.parametrize(
    ("name", "owner"), [("notifier", "production"), ("notifier-staging", "staging"), ("one", "preview/pr-1")]
)
def test_functions_of_others(name: str, owner: str) -> None:
    """A preview's function has a name that no other environment's has."""
    said = refusal(values('prefix: "preview/{env}/"', name))
    assert f"the function {name} of preview/pr-12/notifier is also declared by {owner}/notifier" in said or (
        f"of {owner}/notifier is also declared by preview/pr-1/notifier" in said
    )


def test_a_name_that_may_be_in_the_same_account() -> None:
    """Where nothing says that the accounts differ, the same name is an error for previews."""
    project = project_file().replace("production: {}", 'production: {account: "111111111111"}')
    said = refusal(values('prefix: "preview/{env}/"', "notifier"), project=project)
    assert "nothing says that they are in different accounts" in said


def test_the_same_name_in_another_account_is_fine() -> None:
    """Function names belong to accounts."""
    project = (
        project_file()
        .replace("production: {}", 'production: {account: "111111111111"}')
        .replace("preview: {}", 'preview: {account: "222222222222"}')
    )
    one = {PR.format(12, "services/notifier.values.yaml"): "enabled: false\n"}
    assert load(tree(values('prefix: "preview/{env}/"', "notifier"), one, project=project))


def test_a_package_over_productions() -> None:
    """The same key for a package from elsewhere is an error, though the version is the same."""
    project = project_file().replace(
        "packages: {bucket: shop-packages}",
        'packages: {bucket: shop-packages, key: "{service}-{version}.zip"}',
    )
    own = {
        PR.format(1, "services/notifier.values.yaml"): (
            'lambda: {version: 1.0.0, artifact: {path: "packages/pr-{pr}.zip"}}\n'
        )
    }
    assert "would stage its package over that of production/notifier" in refusal(own, project=project)
    assert load(tree(project=project))


def test_it_is_an_error_of_validate() -> None:
    """``validate`` names the line, before anything is planned."""
    found = validate(tree(values('suffix: "-{env}.x"')))
    assert not found.is_valid
    assert any(f"{VALUES}:3" in str(problem) for problem in found.problems), found.problems
