"""Orders, names and numbers that pages state, compared with the code that decides them."""

import html
import re
from pathlib import Path

import pytest
import yaml

from lockstep.cli.examples import DOCS
from lockstep.delivery.places.workspace import Where, open_workspace
from lockstep.delivery.setup.explain import explain_target
from lockstep.engines.aws.notification import _ROUNDS
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.quota import RATES
from lockstep.engines.aws.remembered import FEW
from lockstep.model import Statement, Target, Trigger
from lockstep.model.engines import AWS
from lockstep.planning.notifications import entry_for
from lockstep.planning.policy import FREE_DELETES, FREE_SHARE, ownership_tags
from lockstep.roads.costs import COSTS
from lockstep.roads.losses import LOSSES
from tests.docs.lab import ROOT

REFERENCE, EXPLANATION = ROOT / "docs" / "reference", ROOT / "docs" / "explanation"


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _layers(column: int) -> list[tuple[str, str]]:
    """Names and files of layers.md in its order; column 0 for environments, 1 for previews."""
    found = []
    for row in re.findall(r"^\| \d \|(.+)\|$", _text(REFERENCE / "layers.md"), re.MULTILINE):
        names, *files = [cell.strip() for cell in row.split("|")]
        file = files[0] if files[column] == "the same" else files[column]
        if file:
            name = names.split(", ")[column if ", " in names else 0]
            path = re.findall(r"`([^`]+)`", file)[-1]
            found.append((name, path))
    return found


@pytest.mark.parametrize(
    ("column", "target", "names"),
    [
        (0, "staging/hello", {"env": "staging", "service": "hello"}),
        (1, "preview/pr-7/hello", {"N": "7", "service": "hello"}),
    ],
)
def test_layers_win_in_the_order_of_the_table(
    tmp_path: Path, column: int, target: str, names: dict[str, str]
) -> None:
    """With a value in each file of the table, explain lists the same layers in the same order."""
    layers = _layers(column)
    base = "lambda: {version: '1.0.0', runtime: python3.13, handler: a.b, role: r, functionName: 'f-{env}'"
    folder = tmp_path / "project"
    for name, file in layers:
        path = folder / re.sub(r"\{(\w+)\}", lambda found: names[found[1]], file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "project defaults":
            text = "project: p\nartifacts: {source: directory, path: a.zip}\npackages: {bucket: packages}\n"
            text += "functionDefaults: {description: project defaults}\n"
        else:
            text = f"deploymentType: lambda\n{base}, description: {name}}}\n"
        path.write_text(text)
    (folder / "environments" / "preview" / "pr-7").mkdir(parents=True, exist_ok=True)
    (folder / "environments" / "preview" / "pr-7" / "pr.yaml").write_text("prNumber: 7\n")
    workspace = open_workspace(Where(folder=folder, cache=tmp_path / "cache"))
    (value,) = explain_target(workspace, target, "lambda.description")
    assert [origin.layer for origin in value.origins] == [name for name, _ in layers]
    assert [origin.value for origin in value.origins] == [name for name, _ in layers]


def test_each_promise_of_the_threat_model_is_held_by_a_test() -> None:
    """The tests that the page names are in the files that it links."""
    text = _text(EXPLANATION / "threat-model.md")
    named = re.findall(r"\[(test_\w+)\]\(\.\./\.\./(tests/[^)]+)\)", text)
    assert len(named) > 25
    assert not [(name, file) for name, file in named if f"def {name}(" not in _text(ROOT / file)]
    rows = [line for line in text.partition("## What holds")[2].splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith(("| promise", "|---"))]
    assert not [row for row in promises if "[test_" not in row]
    assert "docs/explanation/threat-model.md" in _text(ROOT / "SECURITY.md")
    assert "SECURITY.md" in _text(ROOT / "README.md")


def test_marks_are_those_of_the_page() -> None:
    """Tags and ids look as ownership.md says."""
    text = _text(REFERENCE / "ownership.md")
    tags = ownership_tags("syrf", Target(environment="staging", service="s", version="1"), ["b"])
    assert all(f"`{name}`" in text for name in tags)
    statement = Statement(source_arn="arn:aws:s3:::b", source_account="123456789012").content_id
    assert re.fullmatch(r"lockstep-[0-9a-f]{16}", statement)
    assert "16 hex digits" in text
    entry = entry_for("syrf", "preview/pr-1/a.b", "arn", Trigger(bucket="b"))
    assert re.fullmatch(r"lockstep-syrf\.preview\.pr-1\.a\.\.b\.[0-9a-f]{12}", entry["Id"])
    assert "12 hex digits" in text


def test_numbers_are_those_of_the_code() -> None:
    """Quotas, guards and time-outs that pages state."""
    limits, safety = _text(EXPLANATION / "limits.md"), _text(EXPLANATION / "safety.md")
    quotas = [RATES["lambda:GetFunction"], RATES["lambda:GetPolicy"], RATES["lambda"]]
    words = "{:.0f} `GetFunction`, {:.0f} `GetPolicy` and {:.0f} other"
    assert words.format(*quotas) in limits
    assert FEW == 10
    assert "more than ten functions" in limits
    assert f"at most {FREE_DELETES} targets or {FREE_SHARE * 100:.0f} % of the project" in safety
    assert Pace().lease_ttl == 2 * 60
    assert "over after two minutes" in safety
    assert Pace().lease_total == 4 * 60
    assert "longer than four minutes" in safety
    assert _ROUNDS == 5
    assert "up to five times" in _text(EXPLANATION / "triggers.md")


def test_roads_are_chosen_by_what_their_losses_say() -> None:
    """A cell of the page says yes just where the table that reports are made of tells no loss of it."""
    text = _text(EXPLANATION / "roads.md").partition("## Choose by")[2].partition("\n\nThe whole list")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]
    roads = rows[0][2:]
    cells = {row[0]: dict(zip(roads, row[2:], strict=True)) for row in rows[2:]}
    about = {
        "triggers without an alias": "triggers",
        "an alias that moves from version to version": "alias",
        "rollouts, step by step": "rollout",
        "every setting of a function": "provisionedConcurrency",
        "secrets by reference": "environment",
        "packages are staged": "packages",
    }
    for row, field in about.items():
        for road in roads:
            assert cells[row][road].startswith("yes") != ((road, field) in LOSSES), (row, road)
    assert {road for road in roads if (road, "drift") in LOSSES} == set(roads)
    titles = {
        "runs": "[what it costs](../reference/roads.md#what-each-costs): who has to run what",
        "processes": "processes",
        "calls": "calls of AWS for functions in sync",
        "live": "a commit is live after",
    }
    said = {row[0]: row[1:] for row in rows[2:]}
    for part, title in titles.items():
        assert said[title] == [getattr(COSTS[name], part) for name in (AWS.name, *roads)]
    assert not any(one.startswith("yes") for one in cells["soak time, freezes, holds"].values())


def test_the_recording_is_of_the_demo_as_it_is() -> None:
    """Every heading of the story stands in the picture of the README, which docs/recording.py makes."""
    story = (ROOT / "src/lockstep/local/story.py").read_text()
    picture = html.unescape((ROOT / "docs/demo.svg").read_text())
    headings = re.findall(r'stage\.heading\("([^"]+)"\)', story)
    assert len(headings) > 8
    places = [picture.find(heading) for heading in headings]
    assert -1 not in places
    assert "![lockstep demo" in (ROOT / "README.md").read_text()


def test_the_site_has_the_address_that_the_help_tells() -> None:
    """And it is built from the pages that are tested here, with a search page."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert site["site_url"].rstrip("/") == DOCS
    assert site["docs_dir"] == "docs"
    assert "search" in site["plugins"]
