"""``lockstep rollback``, ``release-hold`` and ``history``: back to what was good, and staying there."""

import datetime

import pytest

from lockstep.delivery.places.actor import acting_for
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.gitops import open_gitops
from lockstep.delivery.places.workspace import Where
from lockstep.delivery.promotion.rollback import hold
from lockstep.forge.base import PullState
from lockstep.model.move import Reached
from tests.functional.promotion.conftest import PRODUCTION_FILE, PROJECT, STAGING_FILE, Shop

API = "environments/staging/api/config.yaml"


@pytest.fixture
def moved(shop: Shop) -> Shop:
    """The shop after 0.2.0 and 0.3.0 of the function came to staging."""
    return shop


def test_a_rollback_declares_the_last_good_version_and_holds_it(moved: Shop) -> None:
    """The version before, its digest, and a hold that says what was taken back, when, by whom and why."""
    out = moved.run("rollback", "staging/notifier", "--reason", "it lost files")
    assert "staging/notifier  0.3.0 -> 0.2.0" in out
    text = moved.show(STAGING_FILE)
    assert 'version: "0.2.0"   # raised by promotions' in text
    for words in ("hold:", "version: 0.3.0", "by: Ada", "reason: it lost files", "since: "):
        assert words in text
    assert moved.log()[0] == "staging: roll back notifier 0.3.0 -> 0.2.0 (#3)"
    assert "lockstep release-hold staging/notifier" in moved.err


def test_a_hold_keeps_the_bad_version_away_until_it_is_lifted(moved: Shop) -> None:
    """No promotion passes it, not even with a reason; lifting it is a verb, and then they pass."""
    moved.run("rollback", "staging/notifier")
    for words in (["notifier@0.3.0"], ["notifier@0.3.0", "--override", "please"]):
        moved.run("promote", *words, "--to", "staging", code=1)
        assert "on hold by Ada after 0.3.0 was taken back" in moved.err
    before = moved.show(STAGING_FILE)
    moved.run("release-hold", "staging/notifier")
    after = moved.show(STAGING_FILE)
    assert "hold" in before
    assert "lockstep" not in after
    moved.run("promote", "notifier@0.3.0", "--to", "staging")
    assert 'version: "0.3.0"' in moved.show(STAGING_FILE)


def test_a_hold_alone_is_signed_by_who_asked_for_it(moved: Shop) -> None:
    """As by a controller's page: nothing is promoted past it, what is declared stays, a second is none."""
    before, now = moved.show(STAGING_FILE), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    where = Where(folder=moved.work.folder, cache=moved.cache)
    with acting_for("Eve"):
        for reached in (Reached.MERGED, Reached.NOTHING):
            gitops = open_gitops(where, Credentials(cache=moved.cache))
            done = hold(gitops, "staging/notifier", reason="until Monday", now=now)
            assert done.reached is reached
    after = moved.show(STAGING_FILE)
    assert after.startswith(before)
    assert "by: Eve" in after
    moved.run("promote", "notifier@0.2.0", "--to", "staging", code=1)
    assert "on hold by Eve: until Monday" in moved.err
    moved.run("release-hold", "staging/notifier")
    assert "hold" not in moved.show(STAGING_FILE)


def test_rolling_back_twice_goes_on_to_the_version_before(moved: Shop) -> None:
    """The version that was taken back is not good, so it is passed over; then there is none left."""
    moved.run("rollback", "staging/notifier")
    moved.run("rollback", "staging/notifier")
    assert 'version: "0.1.0"' in moved.show(STAGING_FILE)
    moved.run("rollback", "staging/notifier", code=3)
    assert "there is no earlier good version" in moved.err
    assert "there were: 0.2.0, 0.3.0" in moved.err


def test_after_a_revert_a_rollback_does_not_bring_the_bad_version_back(moved: Shop) -> None:
    """It goes on to the version before, and says which one it passed over, and why."""
    moved.pull()
    moved.work.git("revert", "--no-edit", "HEAD")
    moved.work.git("push", "-q", "origin", "HEAD:refs/heads/main")
    assert 'version: "0.2.0"' in moved.show(STAGING_FILE)
    assert "staging/notifier  0.2.0 -> 0.1.0" in moved.run("rollback", "staging/notifier")
    assert "passed over 0.3.0: reverted to 0.2.0 by Ada" in moved.err
    assert 'version: "0.1.0"' in moved.show(STAGING_FILE)
    body = next(one.body for one in moved.pulls(is_open=False) if "roll back" in one.title)
    assert "passed over 0.3.0: reverted to 0.2.0 by Ada" in body


def test_a_version_that_was_taken_back_where_it_comes_from_goes_no_further(moved: Shop) -> None:
    """Its time in staging does not count, without a reason."""
    moved.run("rollback", "staging/notifier")
    moved.run("promote", "notifier@0.3.0", "--to", "production", code=1)
    assert "0.3.0 was taken back as staging/notifier: taken back by Ada" in moved.err
    moved.run("promote", "notifier@0.3.0", "--to", "production", "--override", "it was the network")


def test_a_version_can_be_named(moved: Shop) -> None:
    """Any version that the declaration had; one that it never had is refused with those that it had."""
    moved.run("rollback", "staging/notifier", "--to", "0.9.9", code=3)
    assert "it never ran 0.9.9 (there were: 0.2.0, 0.1.0" in moved.err
    moved.run("rollback", "staging/notifier", "--to", "0.3.0", code=3)
    assert "0.3.0 is what is declared" in moved.err
    moved.run("rollback", "staging/notifier", "--to", "0.1.0")
    assert 'version: "0.1.0"' in moved.show(STAGING_FILE)


def test_a_package_that_is_gone_stops_the_rollback_before_anything_is_written(moved: Shop) -> None:
    """Proven obtainable, or nothing happens."""
    moved.pull()
    (moved.work.folder / "packages" / "notifier-0.2.0.zip").unlink()
    moved.push_disk("the package is gone")
    before = moved.work.git("ls-remote", "origin")
    moved.run("rollback", "staging/notifier", code=1)
    assert "packages/notifier-0.2.0.zip" in moved.err
    assert moved.work.git("ls-remote", "origin") == before


def test_a_replaced_package_is_not_rolled_back_to(moved: Shop) -> None:
    """The digest in the history is what counts."""
    moved.pull()
    good = moved.work.folder / "packages" / "notifier-0.1.0.zip"
    (moved.work.folder / "packages" / "notifier-0.2.0.zip").write_bytes(good.read_bytes())
    moved.push_disk("another package under the same name")
    moved.run("rollback", "staging/notifier", code=1)
    assert "has the digest" in moved.err


def test_a_rollback_where_a_person_reviews_is_a_pull_request(moved: Shop) -> None:
    """By policy; with --now it is committed at once, and the open promotion is closed."""
    moved.run("promote", "notifier@0.2.0", "--to", "production", "--override", "x")
    moved.forge.merge_pull(3, sha=moved.forge.pull(3).sha, method="squash")  # type: ignore[arg-type]
    moved.run("promote", "notifier@0.3.0", "--to", "production", "--override", "x")
    out = moved.run("rollback", "production/notifier")
    assert "waits for a person to merge it" in out
    (pull,) = moved.pulls()
    assert pull.title == "production: roll back notifier 0.2.0 -> 0.1.0"
    assert moved.forge.pull(4).state is PullState.CLOSED
    assert 'version: "0.2.0"' in moved.show(PRODUCTION_FILE)


def test_kubernetes_services_roll_back_too(shop: Shop) -> None:
    """Git changes and holds; another tool deploys."""
    shop.run("promote", "api@1.1.0", "--to", "staging")
    shop.run("rollback", "staging/api")
    assert 'tag: "1.0.0"' in shop.show(API)
    shop.run("promote", "api@1.1.0", "--to", "staging", code=1)
    assert "on hold" in shop.err


def test_a_freeze_does_not_hold_a_rollback_back(moved: Shop) -> None:
    """Incidents do not wait for the calendar."""
    freeze = 'freeze: [{from: "2000-01-01", to: "2999-12-31"}]'
    moved.push(**{"lockstep.yaml": PROJECT.replace("merge: auto}", f"merge: auto, {freeze}}}")})
    moved.run("rollback", "staging/notifier")
    assert 'version: "0.2.0"' in moved.show(STAGING_FILE)


def test_history_shows_versions_with_who_brought_them(moved: Shop) -> None:
    """Newest first, with commit, author, pull request and time; what was taken back is marked."""
    moved.run("rollback", "staging/notifier")
    moved.pull()
    found = moved.json("history", "staging/notifier")["versions"]
    assert [one["version"] for one in found] == ["0.2.0", "0.3.0", "0.2.0", "0.1.0"]
    assert [one["pull"] for one in found] == [3, 2, 1, None]
    assert [one["takenBack"] for one in found] == [False, True, False, False]
    assert found[0]["until"] is None
    assert found[1]["until"] == found[0]["since"]
    out = moved.run("history", "staging/notifier")
    assert "declared now" in out
    assert "taken back" in out
    assert all(len(line) <= 80 for line in out.splitlines())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rollback", "staging/notifer"], "did you mean staging/notifier"),
        (["rollback", "staging"], "no such target is declared"),
        (["rollback", "staging/api"], "there is no earlier good version (it never declared another"),
        (["rollback", "staging/api"], "fix: promote a version that mends it: lockstep promote api@VERSION"),
        (["release-hold", "nowhere/x"], "no such target is declared"),
        (["history", "staging"], "history is of one target"),
        (["history", "staging/notifer"], "did you mean staging/notifier"),
    ],
)
def test_what_cannot_be_taken_back_is_said(shop: Shop, words: list[str], says: str) -> None:
    """Exit 3 with what is near."""
    shop.run(*words, code=3)
    assert says in shop.err
    assert "fix: " in shop.err


def test_lifting_a_hold_that_is_not_there_is_nothing_to_do(shop: Shop) -> None:
    """It can be run again."""
    assert "Nothing to do" in shop.run("release-hold", "staging/notifier")
