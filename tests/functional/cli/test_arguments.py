"""Where global options may stand."""

import pytest

from lockstep.cli.arguments import arranged
from lockstep.errors import BadInput


@pytest.mark.parametrize(
    ("given", "arrangement"),
    [
        ("plan staging", "plan staging"),
        ("-C x plan", "-C x plan"),
        ("plan -C x staging", "-C x plan staging"),
        ("plan -Cx", "-C x plan"),
        ("plan --directory=x", "--directory=x plan"),
        ("plan staging --repo u --rev r -v --no-color", "--repo u --rev r -v --no-color plan staging"),
        ("plan -o json --exit-code", "plan -o json --exit-code"),
        ("plan -- -C x", "plan -- -C x"),
        ("help plan", "plan --help"),
        ("status --watch -1", "status --watch -1"),
        ("status --watch", "status --watch 5"),
        ("status --watch 2.5 staging", "status --watch 2.5 staging"),
        ("status --watch staging", "status --watch 5 staging"),
        ("status --watch -o wide", "status --watch 5 -o wide"),
    ],
)
def test_global_options_come_first(given: str, arrangement: str) -> None:
    """Before or after the command, as people write them."""
    assert arranged(given.split()) == arrangement.split()


def test_a_global_option_needs_its_value() -> None:
    """The error names the option, not the command that was taken for its value."""
    with pytest.raises(BadInput, match="-C: a value is missing"):
        arranged(["plan", "-C"])
