"""The suite itself: where it finds Terraform's provider, and that no kind of test is lost silently."""

import os
import platform
import random
import subprocess
import sys
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from tests.support.order import LONG, STORIES, TOGETHER, long_first, shuffled
from tests.support.providers import PROVIDER, VARIABLE, configure, find_mirror
from tests.support.pure import PURE
from tests.support.skips import TERRAFORM, Skipped, lost, words
from tests.support.terraform_provider import leave_out

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine().lower())
HERE = f"{platform.system().lower()}_{MACHINE}"
REPOSITORY = Path(__file__).parents[2]


def _unpacked(mirror: Path, version: str = "5.100.0", target: str = HERE) -> Path:
    (mirror / PROVIDER / version / target).mkdir(parents=True)
    return mirror


def _packed(mirror: Path, version: str = "6.1.0") -> Path:
    (mirror / PROVIDER).mkdir(parents=True)
    (mirror / PROVIDER / f"terraform-provider-aws_{version}_{HERE}.zip").touch()
    return mirror


@pytest.mark.parametrize("make", [_unpacked, _packed])
@pytest.mark.parametrize(
    "place",
    [
        "home/.terraform.d/plugins",
        "home/.terraform.d/plugin-cache",
        "home/.local/share/terraform/plugins",
        "opt/some-plugins",
        "opt/terraform/providers",
        "usr/share/terraform/plugins",
        "usr/local/share/terraform/plugins",
        "srv/mirror",
    ],
)
def test_a_mirror_is_found_where_mirrors_lie(tmp_path: Path, place: str, make: object) -> None:
    """Nothing has to be set up for one that lies at a usual place, in either layout."""
    assert callable(make)
    mirror = make(tmp_path / place)
    environment = {"HOME": str(tmp_path / "home")}
    assert find_mirror(environment, tmp_path) == mirror
    file = configure(tmp_path, environment, tmp_path)["TF_CLI_CONFIG_FILE"]
    assert f'path    = "{mirror}"' in Path(file).read_text()


@pytest.mark.parametrize(
    "text",
    [
        'provider_installation {\n filesystem_mirror {\n    include = ["*/*"]\n    path = "MIRROR"\n  }\n}\n',
        '{"provider_installation": {"filesystem_mirror": {"path": "MIRROR"}}}',
        'plugin_cache_dir = "MIRROR"\n',
    ],
)
@pytest.mark.parametrize("name", ["home/.terraformrc", "other.tfrc"])
def test_the_cli_configuration_names_a_mirror(tmp_path: Path, text: str, name: str) -> None:
    """The user's own file is read, by its variable or at its place, and comes before the usual places."""
    mirror, home = _unpacked(tmp_path / "mirror"), tmp_path / "home"
    _unpacked(tmp_path / "opt/plugins")
    home.mkdir()
    (tmp_path / name).write_text(
        '# filesystem_mirror { path = "/nowhere" }\n' + text.replace("MIRROR", str(mirror))
    )
    environment = {"HOME": str(home)}
    if name != "home/.terraformrc":
        environment["TF_CLI_CONFIG_FILE"] = str(tmp_path / name)
    assert find_mirror(environment, tmp_path) == mirror


def test_variables_name_a_mirror(tmp_path: Path) -> None:
    """Ours first, then Terraform's cache; a configuration that is named and missing hides nothing."""
    first, cache = tmp_path / "first", _unpacked(tmp_path / "cache")
    environment = {
        "HOME": str(tmp_path),
        "TF_CLI_CONFIG_FILE": str(tmp_path / "missing.tfrc"),
        "TF_PLUGIN_CACHE_DIR": str(cache),
    }
    assert find_mirror(environment, tmp_path) == cache
    assert find_mirror({**environment, VARIABLE: str(first)}, tmp_path) == first


def test_what_does_not_fit_is_no_mirror(tmp_path: Path) -> None:
    """Older providers and those of other machines are passed over; a mirror on the network is the user's."""
    _unpacked(tmp_path / "opt/old", "5.99.0")
    _unpacked(tmp_path / "opt/other", target="plan9_mips")
    environment = {"HOME": str(tmp_path)}
    assert find_mirror(environment, tmp_path) is None
    assert configure(tmp_path, environment, tmp_path) == {}
    _unpacked(tmp_path / "opt/plugins")
    assert find_mirror(environment, tmp_path) == tmp_path / "opt/plugins"
    (tmp_path / ".terraformrc").write_text(
        'provider_installation {\n  network_mirror {\n    url = "https://x.example/"\n  }\n}\n'
    )
    assert find_mirror(environment, tmp_path) is None


def test_one_line_says_what_was_not_run() -> None:
    """Kinds are counted by reason; nothing skipped is no line."""
    skipped = [
        Skipped(kind="functional/terraform", reason="terraform: install it"),
        Skipped(kind="unit/examples", reason="pika is not installed"),
        Skipped(kind="functional/terraform", reason="terraform: install it"),
        Skipped(kind="terraform_modules", reason="terraform: install it"),
    ]
    assert words(skipped) == (
        "not run here: 1 unit/examples (pika is not installed); "
        "2 functional/terraform, 1 terraform_modules (terraform: install it)"
    )
    assert words([]) == ""


def test_a_run_in_ci_that_lost_the_tests_of_its_terraform_fails(tmp_path: Path) -> None:
    """Where Terraform is installed and its tests were skipped, the run is red; elsewhere it is not."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/terraform"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import pytest_sessionfinish, pytest_terminal_summary\n"
    )
    (tmp_path / "test_x.py").write_text(
        f"import pytest\n\ndef test_x(): pytest.skip({TERRAFORM!r} + 'no provider')\n\ndef test_y(): pass\n"
    )

    def run(**variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "CI": "", **variables}
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            str(tmp_path),
        ]
        return subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True)

    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    plain, red = run(PATH=path), run(PATH=path, CI="true")
    assert (plain.returncode, red.returncode) == (0, 1), plain.stdout + red.stdout
    assert "not run here: 1 " in plain.stdout
    assert "CI has Terraform, and 1 of its tests were not run" in red.stdout
    assert lost([Skipped(kind="x", reason=TERRAFORM)], {"CI": "true", "PATH": str(tmp_path)}) is None


def _field(number: int, content: bytes) -> bytes:
    """A field of a message of Protocol Buffers, of less than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def test_terraform_is_told_of_what_the_repository_names() -> None:
    """Of resources and data sources others are left out; the rest of what the provider says is kept."""
    provider, capabilities = _field(1, b"its own schema"), _field(6, b"\x08\x01")
    resources = {name: _field(2, _field(1, name) + _field(2, b"x" * 90)) for name in (b"aws_a", b"aws_b")}
    sources = {name: _field(3, _field(1, name) + _field(2, b"")) for name in (b"aws_a", b"aws_c")}
    message = provider + b"".join([*resources.values(), *sources.values()]) + capabilities
    kept = provider + resources[b"aws_b"] + sources[b"aws_c"] + capabilities
    assert leave_out(message, frozenset({"aws_b", "aws_c", "aws_d"})) == kept


@pytest.mark.parametrize(("long", "short"), [(0, 5), (1, 0), (5, 3), (7, 40)])
@pytest.mark.parametrize("workers", [2, 3, 16])
def test_each_worker_begins_with_its_share_of_the_long_tests(long: int, short: int, workers: int) -> None:
    """No test is lost, and every worker's part begins with long ones where there are enough of either."""
    names = [f"a{number}" for number in range(short)] + [f"{LONG[0]}::{number}" for number in range(long)]
    ordered = long_first(names, workers, name=str)
    assert sorted(ordered) == sorted(names)
    rest, parts = ordered, []
    for remaining in range(workers, 0, -1):  # as pytest-xdist divides them
        size = len(rest) // remaining
        parts.append(rest[:size])
        rest = rest[size:]
    if long >= workers and short >= long * workers:
        assert all(part[0].startswith(LONG) for part in parts)


def test_what_shares_its_beginning_goes_to_one_worker() -> None:
    """A module whose fixtures take long is not divided among workers, wherever its tests stand."""
    shared = [f"{TOGETHER[0]}test_{word}.py::{number}" for number in range(4) for word in ("a", "b")]
    others = [f"{LONG[0]}::{number}" for number in range(7)]
    ordered = long_first([*shared, *others], 3, name=str)
    assert sorted(ordered) == sorted([*shared, *others])
    for word in ("a", "b"):
        places = [place for place, item in enumerate(ordered) if f"test_{word}.py" in item]
        assert places == [*range(places[0], places[0] + 4)]


def test_any_order_of_the_tests_can_be_asked_for() -> None:
    """No test is lost, a file stays together, a story keeps its order, and each seed has one of its own."""
    told = [f"{STORIES[0]}::{number}" for number in range(5)]
    names = [f"test_{file}.py::{number}" for file in range(8) for number in range(5)] + told
    first, again, other = (shuffled(names, random.Random(seed), name=str) for seed in (1, 1, 2))  # noqa: S311
    assert first == again != other
    assert sorted(first) == sorted(names) != first
    files = [name.partition("::")[0] for name in first]
    assert len([*groupby(files)]) == 9
    assert [name for name in first if name in told] == told
    assert sum(a < b for a, b in pairwise(first)) < 30


def test_long_tests_are_there() -> None:
    """A file that was moved is not left in the list."""
    for name in LONG:
        place = REPOSITORY / name.partition("::")[0]
        assert place.exists() or list(place.parent.glob(f"{place.name}*")), name


def test_what_dev_check_runs_is_what_may_start_nothing() -> None:
    """The tests of ./dev check are those that are held to start no process."""
    (line,) = (line for line in (REPOSITORY / "dev").read_text().splitlines() if line.startswith("pure="))
    assert {f"{folder}/" for folder in line.partition("=")[2].strip('"').split()} == {*PURE}
