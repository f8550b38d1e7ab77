"""How many Git processes a release takes, and how often it asks the repository's host."""

from pathlib import Path

from tests.functional.release.conftest import Mono
from tests.support.git_calls import counted


def test_a_release_and_once_more(local: Mono, tmp_path: Path) -> None:
    """Read once, built from a checkout, tagged, its files pushed together, and published."""
    with counted(tmp_path) as calls:
        local.release("api", "--version", "0.1.6")
    assert (calls.processes <= 30, calls.asked <= 7) == (True, True), str(calls)
    with counted(tmp_path) as calls:
        local.release("api")
    assert (calls.processes <= 17, calls.asked <= 2) == (True, True), str(calls)
