"""How many Git processes a command takes, and how often it asks the repository's host."""

from pathlib import Path

from tests.functional.promotion.conftest import Shop
from tests.support.git_calls import counted


def test_a_promotion_that_merges_itself(shop: Shop, tmp_path: Path) -> None:
    """Read once, drafted, pushed, opened, merged and looked at."""
    shop.package("notifier", "0.2.0")
    with counted(tmp_path) as calls:
        shop.run("promote", "notifier@0.2.0", "--to", "staging")
    assert (calls.processes <= 50, calls.asked <= 10) == (True, True), str(calls)


def test_what_is_read_and_synced(live: Shop, tmp_path: Path) -> None:
    """A plan asks no host. A sync writes down what it did, and asks nobody where it did nothing."""
    with counted(tmp_path) as calls:
        live.run("plan")
    assert (calls.processes <= 3, calls.asked == 0) == (True, True), str(calls)
    with counted(tmp_path) as calls:
        live.run("sync", "--since", "HEAD~1")
    assert (calls.processes <= 6, calls.asked == 0) == (True, True), str(calls)
    live.push("a line", **{"environments__staging__notifier__config.yaml": live.show(_FILE) + _TIMEOUT})
    with counted(tmp_path) as calls:
        live.run("sync", "--since", "HEAD~1")
    assert (calls.processes <= 16, calls.asked <= 2) == (True, True), str(calls)
    with counted(tmp_path) as calls:
        live.run("rollback", "staging/notifier", "--to", "0.1.0")
    assert (calls.processes <= 55, calls.asked <= 9) == (True, True), str(calls)


_FILE = "environments/staging/notifier/config.yaml"
_TIMEOUT = "\n  timeout: 7\n"
