"""Branches that look like open promotions: what they claim is not believed."""

import pytest

from lockstep.forge.base import Pull
from tests.functional.promotion.conftest import (
    API,
    PRODUCTION,
    PRODUCTION_FILE,
    PROJECT,
    Shop,
    _own_configuration,
    shop,
)

__all__ = ["_own_configuration", "shop"]

API_FILE = "environments/production/api/config.yaml"
NEW_API = API.replace("1.0.0", "1.1.0")
NEW_NOTIFIER = PRODUCTION.replace("0.1.0", "0.2.0")
MALLORY = ("-c", "user.name=Mallory", "-c", "user.email=mallory@example.org")
ADA = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
FORGED = "api\n\nLockstep-Promotes: production/api@1.1.0\nLockstep-Promotes: production/notifier@0.2.0"
OPEN = PROJECT.replace("merge: review, from: staging", "merge: review")


def propose(shop: Shop, who: tuple[str, ...], files: dict[str, str]) -> Pull:
    """Open a pull request of a branch in the name of a promotion."""
    shop.pull()
    for path, text in files.items():
        shop.work.write(path, text)
    shop.work.git("add", "-A")
    shop.work.git(*who, "commit", "-q", "-m", FORGED)
    shop.work.git("push", "-q", "origin", "HEAD:refs/heads/lockstep/promote/production/api")
    shop.work.git("reset", "-q", "--hard", "origin/main")
    return shop.forge.open_pull(
        head="lockstep/promote/production/api", base="main", title="api", body="", labels=()
    )


@pytest.mark.parametrize(
    ("who", "files", "says"),
    [
        (ADA, {API_FILE: NEW_API}, ""),  # a trailer of what the commit does not change
        (MALLORY, {API_FILE: NEW_API, PRODUCTION_FILE: NEW_NOTIFIER}, "made by somebody else"),
        (
            ADA,
            {API_FILE: NEW_API, PRODUCTION_FILE: NEW_NOTIFIER.replace("0.2.0", "0.0.9")},
            "its gates are closed",
        ),
        (ADA, {API_FILE: NEW_API, PRODUCTION_FILE: "lambda: ["}, ""),
    ],
    ids=["trailer", "author", "older", "broken"],
)
def test_nothing_rides_along_with_an_honest_promotion(
    shop: Shop, who: tuple[str, ...], files: dict[str, str], says: str
) -> None:
    """Only what the commit changes, made by one of ours, with gates that are open."""
    for version in ("0.0.9", "0.2.0"):
        shop.package("notifier", version)
    shop.push(**{"lockstep.yaml": OPEN})
    propose(shop, who, files)
    shop.run("promote", "api@1.2.0", "--to", "production")
    (pull,) = shop.pulls()
    assert pull.title == "production: api 1.0.0 -> 1.2.0"
    assert f"{shop.show(PRODUCTION_FILE, pull.head)}\n" == PRODUCTION
    assert says in shop.err


def test_where_commits_are_signed_a_name_is_not_enough(shop: Shop) -> None:
    """Ada's name can be written by anybody who may push."""
    shop.package("notifier", "0.2.0")
    shop.push(**{"lockstep.yaml": OPEN})
    propose(shop, ADA, {API_FILE: NEW_API, PRODUCTION_FILE: NEW_NOTIFIER})
    shop.work.git("config", "commit.gpgsign", "true")
    shop.run("promote", "api@1.2.0", "--to", "production")
    (pull,) = shop.pulls()
    assert pull.title == "production: api 1.0.0 -> 1.2.0"
    assert "made by somebody else" in shop.err
