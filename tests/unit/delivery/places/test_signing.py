"""Who asked a controller for a commit, in the commit."""

from lockstep.delivery.places.actor import acting_for
from lockstep.delivery.places.proposal import signed


def test_a_commit_says_who_asked_for_it() -> None:
    """As a trailer beside the others; nothing is added where a person runs the command."""
    title, trailed = "Staging: hold", "staging: roll back\n\nit is slow\n\nLockstep-Rolls-Back: staging/api@1"
    assert signed(title) == title
    with acting_for("Ada"):
        assert signed(title) == f"{title}\n\nLockstep-Asked-By: Ada"
        assert signed(trailed) == f"{trailed}\nLockstep-Asked-By: Ada"
        assert signed(f"{title}\n\n") == f"{title}\n\nLockstep-Asked-By: Ada"
    assert signed(trailed) == trailed
