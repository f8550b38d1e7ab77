"""``sync`` on a terminal: it asks before it changes anything that is not a preview."""

import pytest

from tests.functional.terminal.conftest import Place
from tests.support.badinput.desk import PRODUCTION, git
from tests.support.terminal import CTRL_C

ASKED = "Apply 2 changes to production and staging? [y/N] "


def test_sync_asks_on_a_terminal_and_only_yes_applies(place: Place) -> None:
    """No, nothing, end of input and Ctrl-C change nothing; previews and ``--yes`` are not asked about."""
    preview = place.look("sync", "preview")
    assert preview.code == 0, preview.text
    assert "[y/N]" not in preview.text
    for keys, code, says in (
        ("\n", 1, "Nothing was changed."),
        ("\x04", 1, "Nothing was changed."),
        (CTRL_C, 130, "interrupted; nothing was changed"),
    ):
        seen = place.look("sync", keys=((ASKED, keys),))
        assert (seen.code, says in [line.rpartition("[y/N] ")[2] for line in seen.lines]) == (code, True), (
            seen.text
        )
        assert "Traceback" not in seen.text
    applied = place.look("sync", "production", keys=(("Apply 1 change to production? [y/N] ", "y\n"),))
    assert (applied.code, "done in" in applied.text) == (0, True), applied.text
    assert "warning" not in applied.text
    assert max(map(len, applied.lines)) <= 80


@pytest.mark.parametrize("env", [{"CI": "true"}, {}], ids=["in CI", "with --yes"])
def test_nobody_is_asked_in_ci_and_with_yes(place: Place, env: dict[str, str]) -> None:
    """A job must never wait for a keyboard, also where its system gives it a terminal."""
    seen = place.look("sync", *(() if env else ("--yes",)), **env)
    assert (seen.code, "[y/N]" in seen.text) == (0, False), seen.text


def test_what_is_not_the_deployed_branch_is_told_before_the_question(place: Place) -> None:
    """Dirty, ahead, behind, beside, and backwards by version and by commit."""
    assert place.look("sync", "--yes").code == 0
    first = git(place.folder, "rev-parse", "HEAD")

    def asked(*words: str) -> str:
        seen = place.look("sync", "production", *words, keys=(("[y/N] ", "n\n"),))
        assert ("warning: " in seen.raw) == ("\x1b[1;33mwarning: " in seen.raw)
        assert seen.code == 1, seen.text
        assert max(map(len, seen.lines)) <= 80, seen.text
        return " ".join(seen.text.split())

    place.change(PRODUCTION, "0.1.5", "0.1.7")
    assert f"warning: {PRODUCTION} is applied as it is on disk, which no commit says" in asked()
    place.commit("Production runs 0.1.7")
    assert "is 1 commit ahead of main of origin; the next sync from there takes it back" in asked()
    git(place.folder, "push", "-q")
    assert "warning" not in asked()
    assert place.look("sync", "--yes").code == 0
    git(place.folder, "reset", "-q", "--hard", first)
    told = asked()
    assert "is 1 commit behind main of origin; what those brought is taken back where it runs" in told
    assert "production/s3-notifier goes back from 0.1.7 to 0.1.5" in told
    assert f"a newer commit than {first[:8]} was deployed last: production/s3-notifier (commit " in told
    place.change(PRODUCTION, "0.1.5", "0.1.6")
    place.commit("Production runs 0.1.6")
    assert "stands beside main of origin: 1 commit of its own, and 1 commit of main missing" in asked()
    git(place.folder, "reset", "-q", "--hard", "origin/main")
