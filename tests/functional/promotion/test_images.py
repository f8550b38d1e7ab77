"""Images of services that Argo CD deploys: what is promoted is what was released, by its digest."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockstep.delivery.releases.images import manifest_name
from lockstep.local.ministack import LocalCloud
from tests.functional.promotion.conftest import PROJECT, Shop
from tests.support.oci_registry import OciRegistry, serving

API = "environments/staging/api/config.yaml"
PRODUCTION = "environments/production/api/config.yaml"


@pytest.fixture
def registry(shop: Shop) -> Iterator[OciRegistry]:
    """A registry with some versions of the API, for which the shop asks."""
    with serving(OciRegistry()) as served:
        image = f'{{exists: required, repository: "{served.host}/acme/{{service}}"}}'
        api = f"{{source: {{paths: [src/api]}}, image: {image}}}"
        shop.push(**{"lockstep.yaml": f"{PROJECT}services: {{api: {api}}}\n", "src__api__app": "1\n"})
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            served.push("acme/api", version)
        yield served


def _digest(registry: OciRegistry, version: str) -> str:
    return registry.push("acme/api", version)


def test_what_a_tag_names_is_pinned_and_travels(shop: Shop, registry: OciRegistry) -> None:
    """From the registry to staging, from there to production, and back again by the history, though somebody
    deleted the tag meanwhile.
    """
    first = _digest(registry, "1.1.0")
    found = shop.json("promote", "api@1.1.0", "--to", "staging")
    assert (found["moves"][0]["to"], found["moves"][0]["sha256"]) == ("1.1.0", first[7:])
    assert shop.show(API) == f'serviceName: api\nimage:\n  tag: "1.1.0@{first}"'
    shop.run("promote", "api", "--to", "production", "--override", "x")
    (pull,) = shop.pulls()
    assert pull.title == "production: api 1.0.0 -> 1.1.0"
    assert f'tag: "1.1.0@{first}"' in shop.show(PRODUCTION, pull.head)
    shop.run("promote", "api@1.2.0", "--to", "staging")
    del registry.manifests["acme/api", "1.1.0"]
    shop.run("rollback", "staging/api")
    assert f'tag: "1.1.0@{first}"' in shop.show(API)


def test_a_tag_that_was_moved_is_not_what_was_tested(shop: Shop, registry: OciRegistry) -> None:
    """Nor is a version that somebody edited beside the digest of another: neither goes on to production."""
    first = _digest(registry, "1.1.0")
    shop.run("promote", "api@1.1.0", "--to", "staging")
    second = registry.push("acme/api", "1.1.0", of="again")
    shop.run("promote", "api", "--to", "production", "--override", "x", code=1)
    assert f"1.1.0 is the image {second}, and what is promoted as 1.1.0 is pinned to {first}" in shop.err
    shop.push(**{API: f'serviceName: api\nimage: {{tag: "1.2.0@{first}"}}\n'})
    shop.run("promote", "api", "--to", "production", "--override", "x", code=1)
    assert f"what is promoted as 1.2.0 is pinned to {first}" in shop.err
    assert shop.pulls() == []


def test_what_a_release_keeps_counts_more_than_the_tag(
    shop: Shop, registry: OciRegistry, tmp_path: Path
) -> None:
    """The release's manifest says which image it is, wherever the tag was moved to."""
    first = _digest(registry, "1.1.0")
    manifest = tmp_path / manifest_name("api", "1.1.0")
    manifest.write_bytes(registry.manifests["acme/api", first])
    commit = shop.work.git("rev-parse", "origin/main")
    shop.work.git("push", "-q", "origin", f"{commit}:refs/tags/api-v1.1.0")
    shop.forge.publish(
        tag="api-v1.1.0",
        commit=commit,
        title="api",
        body="",
        assets={manifest.name: manifest},
        is_prerelease=False,
    )
    registry.push("acme/api", "1.1.0", of="again")
    shop.run("promote", "api@1.1.0", "--to", "staging")
    assert f'tag: "1.1.0@{first}"' in shop.show(API)


def test_a_chart_that_takes_no_digest_gets_none(shop: Shop, registry: OciRegistry) -> None:
    """``pin: none``: the image is asked for all the same."""
    project = shop.show("lockstep.yaml").replace("{exists", "{pin: none, exists")
    shop.push(**{"lockstep.yaml": project + "\n"})
    shop.run("promote", "api@1.1.0", "--to", "staging")
    assert 'tag: "1.1.0"' in shop.show(API)
    shop.run("promote", "api@9.9.9", "--to", "staging", code=1)
    assert f"there is no image {registry.host}/acme/api:9.9.9" in shop.err


def test_a_name_that_moves_is_promoted_to_its_newest_image(shop: Shop, registry: OciRegistry) -> None:
    """``main`` of today is another thing than that of yesterday, in titles too."""
    old, new = (registry.push("acme/api", "main", of=of) for of in ("old", "new"))
    shop.run("promote", f"api@main@{old}", "--to", "staging")
    assert f'tag: "main@{old}"' in shop.show(API)
    shop.run("promote", f"api@main@{new}", "--to", "staging")
    assert shop.log()[0] == f"staging: api main -> main@{new[:19]} (#2)"
    shop.run("rollback", "staging/api")
    assert f'tag: "main@{old}"' in shop.show(API)


def test_whoever_reads_a_version_reads_it_without_the_image(
    shop: Shop, registry: OciRegistry, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status, history, gates, promotions and rollbacks say the same of a version that is pinned."""

    for name, value in ministack.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def read() -> list[Any]:
        words = [
            ("status", "staging/api"),
            ("history", "staging/api"),
            ("promote", "api", "--to", "production", "--override", "x", "--dry-run"),
            ("promote", "api@1.2.0", "--to", "staging", "--dry-run"),
            ("version", "api"),
        ]
        found: list[Any] = [shop.json(*one) for one in words]
        shop.run("promote", "api@1.0.0", "--to", "staging", code=1)
        assert "1.0.0 comes before 1.1.0" in shop.err
        shop.run("promote", "api@1.1.0", "--to", "staging")
        assert "declares 1.1.0 already" in shop.err
        shop.run("rollback", "staging/api", "--to", "1.1.0", code=3)
        assert "1.1.0 is what is declared" in shop.err
        return [json.loads(_plain(json.dumps(one))) for one in found]

    plain = 'serviceName: api\nimage: {tag: "1.1.0"}\n'
    shop.push(**{API: plain})
    before = read()
    shop.push(**{API: plain.replace("1.1.0", f"1.1.0@{_digest(registry, '1.1.0')}")})
    after = read()
    assert [json.dumps(one).count("sha256:") for one in after] == [0] * len(after)
    assert after == before


def _plain(text: str) -> str:
    """Without digests, and without what time and every commit change."""
    text = re.sub(r'"(seconds|sha256|count)": [^,}]+', r'"\1": null', text)
    text = re.sub(r"\b[0-9a-f]{7,64}\b", "…", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.+Z-]+", "…", text)
