"""Every reading of GitHub, answered by something that is not GitHub."""

from collections.abc import Callable, Iterator

import pytest

from lockstep.errors import ForgeError
from lockstep.forge.github import GitHub
from lockstep.forge.github.pace import Clock
from lockstep.forge.github.transport import Transport
from tests.attack.hostile import Answer, serving

JSON = {"content-type": "application/json"}
HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
WRONG = {
    "a page": Answer(body=HTML, headers={"content-type": "text/html"}),
    "nothing": Answer(headers=JSON),
    "an empty object": Answer(body=b"{}", headers=JSON),
    "null": Answer(body=b"null", headers=JSON),
    "a text": Answer(body=b'"ok"', headers=JSON),
    "a list of texts": Answer(body=b'["ok"]', headers=JSON),
    "half a document": Answer(body=b'[{"number": 1, "state": "open"', headers=JSON),
    "an object with half of what it has": Answer(body=b'{"number": 1}', headers=JSON),
    "a list with half of what it has": Answer(body=b'[{"number": 1}]', headers=JSON),
    "an empty answer of GraphQL": Answer(body=b'{"data": null}', headers=JSON),
    "another document": Answer(body=b'{"status": "ok", "items": []}', headers=JSON),
    "not found, of somebody else": Answer(status=404, body=HTML, headers={"content-type": "text/html"}),
    "nested without end": Answer(body=b"[" * 200_000, headers=JSON),
}
READINGS: dict[str, Callable[[GitHub], object]] = {
    "pull": lambda forge: forge.pull(7),
    "pulls": lambda forge: forge.pulls(),
    "release": lambda forge: forge.release("web-v1.0.0"),
    "checks": lambda forge: forge.checks("1" * 40),
    "commits": lambda forge: forge.commits("main", "feature", most=10),
}


@pytest.fixture(scope="module")
def said() -> list[Answer]:
    """What the server says; tests append to it."""
    return [Answer()]


@pytest.fixture(scope="module")
def forge(said: list[Answer]) -> Iterator[GitHub]:
    """A forge that asks the hostile server."""
    with serving(said) as endpoint:
        transport = Transport(clock=Clock(now=lambda: 1_799_999_000.0, sleep=lambda _: None))
        yield GitHub(repository="acme/shop", token="made-up", api=f"{endpoint}/api/v3", transport=transport)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("reading", READINGS)
def test_nothing_is_concluded_from_an_answer_of_somebody_else(
    reading: str, name: str, forge: GitHub, said: list[Answer]
) -> None:
    """Neither "there is none" nor a bug: an error of the forge's that says what is wrong."""
    said.append(WRONG[name])
    with pytest.raises(ForgeError):
        READINGS[reading](forge)
