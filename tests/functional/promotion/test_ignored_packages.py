"""A project like the tutorial's: packages are built into a folder that Git ignores, and staged by a sync."""

import pytest

from lockstep.model.pin import read_pin
from tests.functional.promotion.conftest import PRODUCTION_FILE, STAGING_FILE, Shop

IGNORED = {".gitignore": "packages/\n"}


@pytest.fixture
def ours(live: Shop) -> Shop:
    """The shop with its packages on this machine alone, and 0.3.0 built, declared by hand and synced."""
    live.work.git("rm", "-rq", "--cached", "packages")
    live.push_disk("packages are built, not kept", **IGNORED)
    build(live, "0.3.0")
    declare(live, "0.3.0")
    live.run("sync")
    return live


def build(shop: Shop, version: str) -> None:
    """Build a version into the ignored folder, by which no commit is made."""
    before = shop.work.git("rev-parse", "HEAD")
    shop.package("notifier", version)
    assert shop.work.git("rev-parse", "HEAD~1") == before
    assert not shop.work.git("ls-files", "packages")


def declare(shop: Shop, version: str) -> None:
    """Declare a version in staging by hand, as the tutorial does."""
    text = f'serviceName: notifier\nlambda:\n  version: "{version}"\n  functionName: notifier-staging\n'
    shop.push_disk(f"staging runs {version}", **{STAGING_FILE: text})


def test_what_was_staged_is_promoted_though_no_commit_has_it(ours: Shop) -> None:
    """The remote's commit holds no package; the one that was staged as the version is it."""
    ours.run("promote", "notifier", "--to", "production")
    (pull,) = ours.pulls()
    pin = read_pin(ours.show(PRODUCTION_FILE, pull.head).partition("sha256: ")[2].split()[0].strip('"},'))
    assert pin is not None
    assert pin.is_of("0.3.0")
    assert pin.is_named


def test_what_was_staged_is_rolled_back_to(ours: Shop) -> None:
    """Declared by hand, so that no pin says which package it was."""
    build(ours, "0.4.0")
    declare(ours, "0.4.0")
    ours.run("sync", "staging")
    ours.run("rollback", "staging/notifier", "--to", "0.3.0", "--now")
    assert "0.3.0" in ours.show(STAGING_FILE)
    assert ours.json("status", "staging/notifier")["targets"][0]["live"] == "0.3.0"


def test_a_package_that_was_never_staged_names_the_commit_that_was_read(ours: Shop) -> None:
    """It is on this disk, and what counts is the remote's commit; what to do is said."""
    build(ours, "0.5.0")
    commit = ours.work.git("rev-parse", "HEAD")[:8]
    ours.run("promote", "notifier@0.5.0", "--to", "staging", code=1)
    assert "there is no package packages/notifier-0.5.0.zip for notifier 0.5.0" in ours.err
    assert f"in commit {commit} (main) of origin" in ours.err
    assert "sync it once from where it was built" in ours.err


def test_two_packages_under_one_name_are_not_guessed_between(ours: Shop) -> None:
    """Built twice and synced twice: only a pin says which one is meant."""
    file = ours.work.folder / "packages" / "notifier-0.3.0.zip"
    file.write_bytes((ours.work.folder / "packages" / "notifier-0.1.0.zip").read_bytes())
    ours.run("sync", "staging")
    ours.run("promote", "notifier", "--to", "production", code=1)
    assert "different packages were staged as notifier@0.3.0" in ours.err
    assert "lambda.sha256 pins it" in ours.err


def test_validate_leaves_ignored_packages_to_the_build(ours: Shop) -> None:
    """Whoever validates before the build finds nothing wrong."""
    declare(ours, "0.9.0")
    ours.run("validate")
