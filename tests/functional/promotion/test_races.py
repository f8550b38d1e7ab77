"""Many promotions at once to one repository over HTTP: all arrive, none is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.promotion.conftest import PROJECT, Shop
from tests.support.git_http import GitServer, git_server

SERVICES = [f"s{number:02}" for number in range(5)]


@pytest.fixture
def server(shop: Shop) -> Iterator[GitServer]:
    """The shop's repository over HTTP, with five services in staging."""
    subprocess.run(["git", "-C", str(shop.bare), "config", "http.receivepack", "true"], check=True)
    files = {f"environments/staging/{name}/config.yaml": 'image: {tag: "1.0.0"}\n' for name in SERVICES}
    shop.push(**files)
    with git_server(shop.bare.parent) as running:
        yield running


def _promote(server: GitServer, forks: Path, tmp_path: Path, *words: str) -> "subprocess.Popen[bytes]":
    """A job of its own: its own process and its own cache."""
    cache = tmp_path / f"cache-{'-'.join(words).replace('/', '_').replace('*', 'all')}"
    command = [str(forks / "lockstep"), "--repo", server.url("gitops.git"), "promote", *words]
    environment = {"LOCKSTEP_CACHE": str(cache)}
    return subprocess.Popen(
        [*command, "--to", "staging"],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.parametrize(("merge", "count"), [("direct", 5), ("auto", 3)])
def test_promotions_at_once_all_arrive(
    shop: Shop, server: GitServer, forks: Path, tmp_path: Path, merge: str, count: int
) -> None:
    """Each is one commit on the main line, and every declaration has its new version."""
    services = SERVICES[:count]
    shop.push(**{"lockstep.yaml": PROJECT.replace("merge: auto", f"merge: {merge}")})
    before = len(shop.log())
    jobs = [_promote(server, forks, tmp_path, f"{name}@2.0.{number}") for number, name in enumerate(services)]
    said = [job.communicate(timeout=240)[0].decode() for job in jobs]
    assert [job.returncode for job in jobs] == [0] * count, said
    for number, name in enumerate(services):
        text = shop.show(f"environments/staging/{name}/config.yaml")
        assert text == f'image: {{tag: "2.0.{number}"}}', name
    assert len(shop.log()) == before + count
    assert shop.branches() == {"main"}


def test_two_versions_of_one_service_at_once_end_with_one_of_them(
    shop: Shop, server: GitServer, forks: Path, tmp_path: Path
) -> None:
    """Never with both pull requests open, and never with the older one on top of the newer."""
    jobs = [_promote(server, forks, tmp_path, f"s00@2.0.{number}") for number in range(3)]
    said = [job.communicate(timeout=240)[0].decode() for job in jobs]
    codes = [job.returncode for job in jobs]
    assert 0 in codes
    assert set(codes) <= {0, 1}, said
    assert shop.pulls() == []
    assert shop.branches() == {"main"}
    versions = [
        line.split('"')[1]
        for line in shop.work.git(
            "log", "--reverse", "--format=", "-p", "origin/main", "--", "environments/staging/s00/config.yaml"
        ).splitlines()
        if line.startswith("+image")
    ]
    assert versions == sorted(versions)
