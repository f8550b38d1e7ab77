"""A layer that is built here travels as a function does: what its functions import is what Git declares."""

import json
from typing import Any

import pytest

from lockstep.artifacts.package import make_zip_of
from lockstep.delivery.sync import unpacked
from lockstep.forge.base import MergeMethod
from lockstep.local.ministack import LocalCloud
from tests.functional.promotion.conftest import PRODUCTION_FILE, PROJECT, STAGING_FILE, Shop
from tests.support import clouds

HANDLER = b"import common\n\ndef handler(event, context):\n    return common.VERSION\n"
PREVIEW = "preview: {from: staging}\n"
SHARED = "layers/common/config.yaml"
OWN = "environments/{}/common/config.yaml".format
TAKES = "  layers: [{layer: common}]\n"


def test_a_layer_is_promoted_rolled_back_and_previewed(live: Shop, ministack: LocalCloud) -> None:
    """Each environment's function runs with the version of its own, which is published once.

    MiniStack puts what is under python/ where the function imports from; /opt itself is not its to have.
    """
    for version in ("1.0.0", "1.1.0", "1.2.0-pr.7.1"):
        _pack(live, f"common-{version}", "python/common.py", f"VERSION = {version!r}\n".encode())
    _pack(live, "notifier-0.4.0", "app.py", HANDLER)
    staging, production = (live.show(path) for path in (STAGING_FILE, PRODUCTION_FILE))
    live.push(
        "a layer",
        **{
            "lockstep.yaml": PROJECT.replace("environments:\n", "environments:\n  preview: {}\n") + PREVIEW,
            SHARED: "layer: {name: shop-common, runtimes: [python3.12]}\n",
            OWN("staging"): 'serviceName: common\nlayer:\n  version: "1.0.0"\n',
            OWN("production"): 'serviceName: common\nlayer:\n  version: "1.0.0"\n',
            STAGING_FILE: staging.replace("0.2.0", "0.4.0") + "\n" + TAKES,
            PRODUCTION_FILE: production.replace("0.1.0", "0.4.0").replace(
                "}", ", layers: [{layer: common}]}"
            ),
        },
    )
    with pytest.MonkeyPatch.context() as small:
        small.setattr(unpacked, "MAX_UNPACKED", len(HANDLER) + 10)  # neither is over it alone
        for command in ("plan", "sync"):
            told = " ".join(live.run(command, code=1).split())
            assert "together, over Lambda's 250 MB: the package 0 MB, common@1.0.0 0 MB" in told
            assert _published(ministack) == []
    live.run("sync")
    assert _said(ministack) == {"notifier-staging": "1.0.0", "notifier": "1.0.0"}

    live.run("promote", "common@1.1.0", "--to", "staging")
    live.pull()
    live.run("sync")
    assert _said(ministack) == {"notifier-staging": "1.1.0", "notifier": "1.0.0"}
    live.run("promote", "common", "--to", "production")
    (pull,) = live.pulls()
    assert pull.title == "production: common 1.0.0 -> 1.1.0"
    assert "production/notifier" in pull.body
    live.forge.merge_pull(pull.number, sha=pull.sha, method=MergeMethod.SQUASH)
    live.pull()
    live.run("sync")
    assert _said(ministack) == {"notifier-staging": "1.1.0", "notifier": "1.1.0"}

    live.run("rollback", "production/common", "--to", "1.0.0", "--now")
    live.pull()
    live.run("sync")
    assert _said(ministack) == {"notifier-staging": "1.1.0", "notifier": "1.0.0"}
    assert len(_published(ministack)) == 2

    live.push(
        "a preview",
        **{
            "environments/preview/services/notifier/config.yaml": "lambda:\n  functionName: 'n-{env}'\n"
            + TAKES,
            "environments/preview/pr-7/pr.yaml": "",
            "environments/preview/pr-7/services/notifier.values.yaml": 'lambda: {version: "0.4.0"}\n',
            "environments/preview/pr-7/services/common.values.yaml": 'layer: {version: "1.2.0-pr.7.1"}\n',
        },
    )
    live.run("sync")
    assert _said(ministack)["n-pr-7"] == "1.2.0-pr.7.1"


def _pack(shop: Shop, name: str, inside: str, data: bytes) -> None:
    file = shop.work.folder / "packages" / f"{name}.zip"
    make_zip_of({inside: data}, file)


def _said(cloud: LocalCloud) -> dict[str, Any]:
    """What each function answers, by its name."""
    functions = clouds.client(cloud, "lambda")
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    return {name: json.loads(functions.invoke(FunctionName=name)["Payload"].read()) for name in names}


def _published(cloud: LocalCloud) -> list[Any]:
    """Versions of the layer."""
    listed = clouds.client(cloud, "lambda").list_layer_versions(LayerName="shop-common")
    return list(listed["LayerVersions"])
