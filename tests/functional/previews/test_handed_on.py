"""``preview up --service`` with what the step before hands on: several services, or none."""

import pytest

from lockstep.cli import main
from tests.functional.previews.ground import World


@pytest.mark.parametrize(
    ("handed", "function", "api"),
    [
        ("notifier@1.1.0-pr,api@2.1.0", "1.1.0-pr", "2.1.0"),
        ("", None, "2.0.0"),  # a pull request that changes no service: all as in staging
    ],
)
def test_one_word_names_all_services(
    world: World, monkeypatch: pytest.MonkeyPatch, handed: str, function: str | None, api: str
) -> None:
    """Commas stand between services, and an empty text names none."""
    monkeypatch.setenv("LOCKSTEP_CACHE", str(world.cache))
    number = world.open_pull()
    words = ["preview", "up", "--pr", str(number), "--service", handed]
    assert main(["-C", str(world.work.folder), *words]) == 0
    targets = world.workspace().fleet.targets
    staging = targets["staging/notifier"].version
    assert targets[f"preview/pr-{number}/notifier"].version == (function or staging)
    assert targets[f"preview/pr-{number}/api"].version == api
