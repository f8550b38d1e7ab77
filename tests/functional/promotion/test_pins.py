"""A pin belongs to the version that it was written with; another version never runs under it."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lockstep.local.ministack import LocalCloud
from lockstep.model.staged import checksum_for
from tests.functional.promotion.conftest import PRODUCTION_FILE, STAGING_FILE, Shop
from tests.support import clouds

EDITS: dict[str, Callable[[str, str], str]] = {
    "the version alone": lambda text, new: re.sub(r'version: "[^"]*"', f'version: "{new}"', text),
    "as sed does it": lambda text, new: "\n".join(line.replace("0.2.0", new, 1) for line in text.split("\n")),
    "everywhere": lambda text, new: text.replace("0.2.0", new),
}


def live_of(ministack: LocalCloud, name: str = "notifier-staging") -> tuple[str, str]:
    """The version that a function is tagged with, and Lambda's digest of its code."""
    function = clouds.client(ministack, "lambda").get_function(FunctionName=name)
    return function["Tags"]["lockstep:version"], function["Configuration"]["CodeSha256"]


def hex_of(checksum: str) -> str:
    """A checksum of S3's or Lambda's as a digest in hex."""
    return base64.b64decode(checksum).hex()


def row_of(shop: Shop, target: str = "staging/notifier", code: int = 0) -> Any:
    """The target as ``status`` shows it."""
    (row,) = json.loads(shop.run("status", target, "-o", "json", code=code))["targets"]
    return row


@pytest.mark.parametrize("how", EDITS)
def test_a_version_edited_by_hand_runs_its_own_package(live: Shop, ministack: LocalCloud, how: str) -> None:
    """The pin of the version before is not used, which is told; what runs is the new version's package."""
    digest = live.package("notifier", "0.3.0")
    live.push("by hand", **{STAGING_FILE: EDITS[how](live.show(STAGING_FILE), "0.3.0")})
    live.run("sync", "staging")
    assert "lambda.sha256" in live.err
    assert "does not count for 0.3.0" in live.err
    assert live_of(ministack) == ("0.3.0", checksum_for(digest))
    row = row_of(live)
    assert (row["live"], row["sync"]) == ("0.3.0", "Synced")


@pytest.mark.parametrize("how", EDITS)
def test_a_version_that_does_not_exist_is_an_error_before_anything_is_written(
    live: Shop, ministack: LocalCloud, how: str
) -> None:
    """Though the package of the version before is staged and its digest still stands in the file."""
    before = live_of(ministack)
    live.push("by hand", **{STAGING_FILE: EDITS[how](live.show(STAGING_FILE), "12.0")})
    if how == "everywhere":
        live.run("validate", code=3)
        assert "there is no package packages/notifier-12.0.zip for notifier 12.0" in live.err
    for verb in ("plan", "sync"):
        told = " ".join(live.run(verb, "staging", code=1).split())
        assert "there is no package packages/notifier-12.0.zip" in told
    assert live_of(ministack) == before
    row = row_of(live, code=1)  # nobody knows whether it is in sync
    assert (row["declared"], row["live"]) == ("12.0", "0.2.0")
    assert row["sync"] != "Synced"
    live.run("promote", "notifier", "--to", "production", code=1)
    live.run("promote", "notifier@12.0", "--to", "production", "--override", "it is urgent", code=1)
    assert "there is no package packages/notifier-12.0.zip" in live.err
    assert not live.pulls()
    assert "12.0" not in live.show(PRODUCTION_FILE)


def test_a_digest_of_another_version_without_a_name_is_refused(live: Shop, ministack: LocalCloud) -> None:
    """As older files have it: it is compared with the package of the version beside it."""
    digest = live_of(ministack)[1]
    live.package("notifier", "0.3.0")
    plain = re.sub(r"sha256: .*", f"sha256: {hex_of(digest)}", live.show(STAGING_FILE))
    live.push("as it was", **{STAGING_FILE: plain})
    live.run("plan", "staging")  # the digest of 0.2.0, and it is 0.2.0
    live.push("by hand", **{STAGING_FILE: plain.replace('"0.2.0"', '"0.3.0"')})
    told = " ".join(live.run("sync", "staging", code=1).split())
    assert "notifier-0.3.0.zip has the digest" in told
    assert live_of(ministack) == ("0.2.0", digest)


def test_a_release_that_was_deleted_is_rolled_back_to_from_what_was_staged(
    live: Shop, ministack: LocalCloud
) -> None:
    """The staged object says which release it is, and the history which digest that has."""
    good = live_of(ministack)
    live.package("notifier", "0.3.0")
    live.run("promote", "notifier@0.3.0", "--to", "staging")
    live.pull()
    live.run("sync", "staging")
    (live.work.folder / "packages" / "notifier-0.2.0.zip").unlink()
    live.push_disk("the release is deleted")
    live.run("rollback", "staging/notifier", "--now")
    assert live_of(ministack) == good


def test_a_rollback_never_takes_the_pin_of_another_version(live: Shop, ministack: LocalCloud) -> None:
    """A version that was only edited by hand had the pin of the one before beside it."""
    digest = live.package("notifier", "0.3.0")
    live.push("by hand", **{STAGING_FILE: EDITS["as sed does it"](live.show(STAGING_FILE), "0.3.0")})
    live.run("sync", "staging")
    live.package("notifier", "0.4.0")
    live.run("promote", "notifier@0.4.0", "--to", "staging")
    live.run("rollback", "staging/notifier", "--now")
    assert live_of(ministack) == ("0.3.0", checksum_for(digest))
    assert f"0.3.0@{digest}~" in live.show(STAGING_FILE)


def test_other_code_under_the_same_version_is_shown_as_no_version(live: Shop, ministack: LocalCloud) -> None:
    """The tag still says 0.2.0; the code is nobody's."""
    function = clouds.client(ministack, "lambda")
    function.update_function_code(FunctionName="notifier-staging", ZipFile=clouds.make_zip("x = 1\n"))
    function.get_waiter("function_updated_v2").wait(
        FunctionName="notifier-staging", WaiterConfig={"Delay": 0}
    )
    row = row_of(live)
    assert (row["declared"], row["live"], row["sync"]) == ("0.2.0", None, "OutOfSync")
    assert "? -> 0.2.0" in live.run("status", "staging/notifier")


def test_the_version_that_runs_is_shown_beside_the_one_that_is_declared(live: Shop) -> None:
    """What is staged with the live digest says which one it is."""
    live.package("notifier", "0.3.0")
    live.run("promote", "notifier@0.3.0", "--to", "staging")
    live.pull()
    row = row_of(live)
    assert (row["declared"], row["live"], row["sync"]) == ("0.3.0", "0.2.0", "OutOfSync")
