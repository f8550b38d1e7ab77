"""``lockstep serve --demo``, as somebody meets it who has read one line about Lockstep."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.cli import main
from tests.support.serving import Serving, fetched, shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo's temporary files are."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Serving]:
    """One demo, which leaves nothing when it is stopped; credentials of its user are there to be ignored."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    own = {"HOME": str(folder), "TMPDIR": str(folder), "AWS_PROFILE": "work", "GITHUB_TOKEN": "hunter2"}
    serving = Serving("--demo", env=kept | own)
    yield serving
    assert serving.end(signal.SIGINT) == 0
    assert "the local AWS and the repositories go" in serving.text
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def url(demo: Serving) -> str:
    """The address that it prints."""
    return re.findall(r"http://127\.0\.0\.1:\d+/", demo.until(r"http://\S+ shows it"))[0]


def test_there_is_something_to_look_at(url: str) -> None:
    """Functions in three environments, of a preview too, which really run what the example declares."""
    shown(url, "3 synced, 0 out of sync, 0 unknown")
    page = fetched(url)
    assert 'href="/targets/syrf/preview/pr-123/s3-notifier">0.1.6-pr123 ● Synced/Healthy' in page
    assert 'href="/targets/syrf/production/s3-notifier">0.1.5 ● Synced/Healthy' in page


def test_the_demo_follows_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is named beside it is not passed over in silence."""
    assert main(["serve", "--demo", "--config", "lockstep-serve.yaml"]) == 3
    assert "leave out --config, or --demo" in capsys.readouterr().err
