"""What Git declares as variables: the built-in mappings and templates."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from lockstep.delivery.sync.folders import fill
from lockstep.engines.terraform.hashes import carries_code, missing_hash
from lockstep.engines.terraform.runs import Run, runs_of
from lockstep.engines.terraform.variables import share_of, variables_for
from lockstep.errors import BadInput
from lockstep.model import Environment, Project, Secret, Target, Terraform
from tests.support.projects import make_package, make_target, trigger

SYRF = frozenset(
    {
        "production_commit_sha",
        "production_source_code_hash",
        "staging_version",
        "staging_commit_sha",
        "staging_source_code_hash",
        "staging_rabbitmq_host",
        "preview_prs",
        "preview_commit_shas",
        "preview_versions",
    }
)


def _run(*, mapping: str | None = "functions", **variables: Mapping[str, str]) -> Run:
    """A run of three environments, each with its own templates."""
    environments = {
        name: Environment(
            name=name,
            engine="terraform",
            terraform=Terraform(
                folder="tf", mapping=mapping, variables=variables.get(name, {}), place="l.yaml:3"
            ),
        )
        for name in ("production", "staging", "preview")
    }
    (run,) = runs_of(Project(name="shop", environments=environments))
    return run


def _variables(run: Run, *targets: Target, declared: frozenset[str]) -> dict[str, Any]:
    shares = {one.key: share_of(run, one, declared, fill) for one in targets}
    return variables_for(run, shares, declared, "shop")


def _notifier(key: str, **fields: Any) -> Target:
    return replace(
        make_target(f"{key}/notifier", settings={"environment": {"RabbitMqHost": f"{key}.mq"}}, **fields),
        commit=f"{len(key):040x}",
    )


def test_syrf_passes_the_variables_of_its_folder_as_they_stand() -> None:
    """Each environment's own, and for previews a set of numbers and maps by number."""
    production, staging, preview = map(_notifier, ("production", "staging", "preview/pr-123"))
    found = _variables(_run(mapping="syrf"), production, staging, preview, declared=SYRF)
    assert found.keys() == SYRF
    assert found["production_commit_sha"] == production.commit
    assert found["staging_version"] == "1.0.0"
    assert found["staging_rabbitmq_host"] == "staging.mq"
    assert found["preview_prs"] == ["123"]
    assert found["preview_commit_shas"] == {"123": preview.commit}
    assert found["preview_versions"] == {"123": "1.0.0"}
    assert len(found["staging_source_code_hash"]) == 44


def test_syrf_without_previews_passes_empty_sets() -> None:
    """The last preview's folder is gone: its variables are there, and empty."""
    found = _variables(_run(mapping="syrf"), _notifier("staging"), declared=SYRF)
    assert (found["preview_prs"], found["preview_versions"]) == ([], {})
    assert "production_commit_sha" not in found


def test_syrf_passes_more_where_the_folder_takes_more() -> None:
    """Hashes of previews are passed to a folder that declares the variable, and left out elsewhere."""
    more = _variables(
        _run(mapping="syrf"), _notifier("preview/pr-1"), declared=SYRF | {"preview_source_code_hashes"}
    )
    assert list(more["preview_source_code_hashes"]) == ["1"]


PLAIN = make_package(key="lambda-packages/fixed.zip")


@pytest.mark.parametrize(
    ("run", "target", "more", "carries"),
    [
        (_run(mapping="syrf"), _notifier("preview/pr-1", package=PLAIN), frozenset(), False),
        (
            _run(mapping="syrf"),
            _notifier("preview/pr-1", package=PLAIN),
            frozenset({"preview_source_code_hashes"}),
            True,
        ),
        (_run(mapping="syrf"), _notifier("preview/pr-1"), frozenset(), True),  # the key has the digest
        (
            _run(mapping="syrf"),
            _notifier("preview/pr-1", package=make_package(key="p/1.0.0.zip")),
            frozenset(),
            True,
        ),
        (_run(mapping="syrf"), _notifier("staging", package=PLAIN), frozenset(), True),
        (_run(), _notifier("staging", package=PLAIN), frozenset({"functions"}), True),
        (
            _run(mapping=None, staging={"v": "{version}", "k": "{key}"}),
            _notifier("staging", package=PLAIN),
            frozenset({"v", "k"}),
            False,
        ),
        (
            _run(mapping=None, staging={"h.{service}": "{hash}"}),
            _notifier("staging", package=PLAIN),
            frozenset({"h"}),
            True,
        ),
        (_run(mapping="syrf"), _notifier("preview/pr-1", image="123.dkr.ecr/x:1"), frozenset(), True),
    ],
)
def test_a_package_under_an_old_key_is_noticed_by_its_hash(
    run: Run, target: Target, more: frozenset[str], carries: bool
) -> None:
    """Whatever the mapping is: what is passed differs with the digest, or the key does."""
    assert carries_code(run, target, SYRF | more, fill) is carries


def test_the_missing_variable_is_named() -> None:
    """With what to do with it in the folder."""
    preview, staging = _notifier("preview/pr-1"), _notifier("staging")
    assert 'add variable "preview_source_code_hashes"' in missing_hash(_run(mapping="syrf"), preview)
    assert 'add variable "staging_source_code_hash"' in missing_hash(_run(mapping="syrf"), staging)
    assert '"hashes.{pr}": "{hash}"' in missing_hash(_run(mapping=None), preview)
    assert '"{service}_hash": "{hash}"' in missing_hash(_run(mapping=None), staging)


def test_syrf_carries_one_service() -> None:
    """Two services do not fit its variables."""
    with pytest.raises(BadInput, match="carries one service"):
        _variables(_run(mapping="syrf"), _notifier("staging"), make_target("staging/web"), declared=SYRF)


def test_functions_passes_everything_in_one_map_and_secrets_apart() -> None:
    """Names are the field table's in snake_case; what is at its default is left out."""
    target = make_target(
        "staging/notifier",
        trigger("staging/", ".pdf"),
        settings={
            "memorySize": 512,
            "timeout": 3,
            "vpc.subnetIds": ["subnet-1"],
            "logging.format": "JSON",
            "environment": {"MODE": "fast", "TOKEN": Secret("hunter2")},
        },
        tags={"team": "files", "old": None},
        package=make_package(key="k.zip", object_version="v1"),
    )
    found = _variables(_run(), target, declared=frozenset({"functions", "secret_environment", "project"}))
    value = found["functions"]["staging/notifier"]
    assert value["memory_size"] == 512
    assert "timeout" not in value
    assert value["vpc"] == {"subnet_ids": ["subnet-1"]}
    assert value["logging"] == {"format": "JSON"}
    assert value["environment"] == {"MODE": "fast"}
    assert value["tags"] == {"team": "files"}
    assert value["code"]["object_version"] == "v1"
    assert value["triggers"] == [
        {"bucket": "shop-uploads", "prefix": "staging/", "suffix": ".pdf", "events": ["s3:ObjectCreated:*"]}
    ]
    assert found["secret_environment"] == {"staging/notifier": {"TOKEN": "hunter2"}}
    assert found["project"] == "shop"


def test_an_image_has_no_package() -> None:
    """An image's URI is all the code there is."""
    target = make_target("staging/notifier", image="123.dkr.ecr/x:1")
    found = _variables(_run(), target, declared=frozenset({"functions"}))
    assert found["functions"]["staging/notifier"]["code"] == {"image": "123.dkr.ecr/x:1"}


def test_templates_make_values_maps_and_lists() -> None:
    """NAME is one value, NAME.KEY an entry of a map, NAME[] an item of a list."""
    run = _run(
        mapping=None,
        staging={"{service}_version": "{version}", "region": "eu-west-1", "names.{service}": "{function}"},
        preview={"prs[]": "{pr}", "versions.{pr}": "{version}"},
    )
    declared = frozenset({"notifier_version", "region", "names", "prs", "versions"})
    found = _variables(run, _notifier("staging"), _notifier("preview/pr-7"), declared=declared)
    assert found == {
        "notifier_version": "1.0.0",
        "region": "eu-west-1",
        "names": {"notifier": "notifier-staging"},
        "prs": ["7"],
        "versions": {"7": "1.0.0"},
    }
    assert _variables(run, _notifier("staging"), declared=declared)["prs"] == []


def test_two_values_for_one_variable_are_refused() -> None:
    """A template that does not tell targets apart would drop one of them."""
    run = _run(mapping=None, staging={"version": "{version}"})
    other = make_target("staging/web", version="2.0.0")
    with pytest.raises(BadInput, match="two values") as caught:
        _variables(run, _notifier("staging"), other, declared=frozenset({"version"}))
    assert "staging/web" in str(caught.value)


def test_a_name_that_a_target_does_not_have_is_refused() -> None:
    """{pr} outside previews is an error, as everywhere."""
    with pytest.raises(BadInput, match="pull request"):
        _variables(_run(mapping=None, staging={"x": "{pr}"}), _notifier("staging"), declared=frozenset({"x"}))


def test_environments_with_one_state_need_one_mapping() -> None:
    """A state cannot be planned with two sets of variables."""
    environments = {
        name: Environment(
            name=name, engine="terraform", terraform=Terraform(folder="tf", mapping=mapping, place="l.yaml:3")
        )
        for name, mapping in (("staging", "functions"), ("production", "syrf"))
    }
    with pytest.raises(BadInput, match="share a state"):
        runs_of(Project(name="shop", environments=environments))


@pytest.mark.parametrize(
    ("other", "is_one"),
    [({"revision": "v2"}, True), ({"binary": "tofu"}, True), ({"workspace": "b", "revision": "v2"}, False)],
)
def test_environments_with_one_state_are_planned_as_one(other: dict[str, str], is_one: bool) -> None:
    """By two revisions or programs each run would destroy what only the other one's variables hold."""
    usual = {"folder": "tf", "repository": "../infra", "revision": "v1", "place": "l.yaml:3"}
    environments = {
        name: Environment(name=name, engine="terraform", terraform=Terraform(**usual | said))  # type: ignore[arg-type]
        for name, said in (("staging", {}), ("production", other))
    }
    made = Project(name="shop", environments=environments)
    if is_one:
        with pytest.raises(BadInput, match="production and staging share a state") as caught:
            runs_of(made)
        assert caught.value.where == "l.yaml:3"
    else:
        assert len(runs_of(made)) == 2
