"""The hold that a rollback writes into a declaration, and the version's configured key."""

import pytest

from lockstep.config.cache import freeze, thaw
from lockstep.config.load import load
from lockstep.errors import BadInput, BadInputs
from lockstep.model import Hold
from tests.unit.config.conftest import PROJECT, STAGING, STAGING_FILE, sample

FILE = "syrf/environments/staging/api/config.yaml"
HELD = 'lockstep:\n  hold: {version: "1.1.0", since: "2026-11-24T10:00:00Z", by: Ada, reason: lost files}\n'


@pytest.mark.parametrize(
    ("file", "text"),
    [(FILE, 'image: {tag: "1.0.0"}\n'), (STAGING_FILE, STAGING)],
    ids=["kubernetes", "lambda"],
)
def test_a_hold_is_read_from_the_declaration(file: str, text: str) -> None:
    """With its place, for functions and for services of other tools, and it survives the cache."""
    line = len(text.splitlines()) + 2
    targets = load(sample({file: text + HELD})).fleet.targets
    (target,) = [one for one in targets.values() if one.hold is not None]
    assert target.hold == Hold(
        version="1.1.0", since="2026-11-24T10:00:00Z", by="Ada", reason="lost files", place=f"{file}:{line}"
    )
    assert thaw(freeze(target, {}), {}).hold == target.hold


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("lockstep: yes please\n", "lockstep takes a map"),
        ("lockstep: {held: {}}\n", "unknown key 'held' under lockstep"),
        ("lockstep: {hold: now}\n", "hold takes a map"),
        ("lockstep: {hold: {reasn: x}}\n", "unknown key 'reasn' under hold"),
        ("lockstep: {hold: {version: 1.10}}\n", 'write version: "1.10"'),
    ],
)
def test_a_malformed_hold_is_an_error(block: str, says: str) -> None:
    """A hold that is not understood must not pass for none."""
    with pytest.raises((BadInput, BadInputs), match=says):
        load(sample({FILE: 'image: {tag: "1.0.0"}\n' + block}))


def test_a_configured_key_says_where_the_version_is() -> None:
    """``versionKey`` wins over the places that are known."""
    files = {
        "lockstep.yaml": PROJECT + "services: {api: {versionKey: deploy.release}}\n",
        FILE: 'image: {tag: "1.0.0"}\ndeploy: {release: "2.0.0"}\n',
    }
    target = load(sample(files)).fleet.targets["staging/api"]
    assert (target.version, target.place) == ("2.0.0", f"{FILE}:2")
