"""Which URLs may be used."""

import pytest

from lockstep.errors import BadInput
from lockstep.web import check_url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.zip",
        "ftp://x/y",
        "file:///etc/passwd",
        "https://",
        "x",
        "https://a b/",
        "https://[x/",
    ]
    + ["https://user:hunter2@host/a.zip", "https://token@host/", "https://host:port/", "https://host/\n"],
)
def test_urls_that_are_refused(url: str) -> None:
    """Plain http, other schemes, user names and nonsense are bad input, and passwords are not repeated."""
    with pytest.raises(BadInput, match="fix:") as error:
        check_url(url, where="lockstep.yaml:3")
    assert "hunter2" not in str(error.value)
    assert "lockstep.yaml:3" in str(error.value)
