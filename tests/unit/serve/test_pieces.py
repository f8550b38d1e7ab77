"""How much of a matrix is sent: a page of it at most, and to whoever has that already what differs."""

import datetime
import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.model import StatusRow, SyncStatus
from lockstep.serve.deciding import Seen
from lockstep.serve.file import Followed
from lockstep.serve.web.pages import Moment, matrix_page, page_size
from lockstep.serve.web.pieces import pieces
from tests.unit.serve.test_deciding import row

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
SHOP = Followed(name="shop", repository="https://git.example.org/acme/shop.git")


def matrix(version: str, *, looked: float = 0.0, services: int = 200, environments: int = 50) -> str:
    """A page on which one of all targets has a version."""
    rows = fleet(services, environments)
    rows["7/svc_003"] = replace(rows["7/svc_003"], live=version)
    return shown(rows, looked=looked)


def fleet(services: int, environments: int) -> dict[str, StatusRow]:
    """Every service in every environment."""
    names = [f"{env}/svc_{number:03}" for number in range(services) for env in range(environments)]
    return {name: row(name, SyncStatus.SYNCED) for name in names}


def shown(rows: dict[str, StatusRow], *, page: int = 1, looked: float = 0.0) -> str:
    """One page of them."""
    seen = Seen(looked=looked, rows=rows)
    return matrix_page([(SHOP, seen)], "", page, Moment(wall=NOW, ticks=0.0), problems=False)


@given(services=st.integers(0, 120), environments=st.integers(1, 120))
@settings(max_examples=5)
def test_no_page_has_more_than_a_few_thousand_cells(services: int, environments: int) -> None:
    """However a fleet is shaped, no page is long to make, and each service is on one of them."""
    rows, found = fleet(services, environments), []
    for page in range(1, max(1, -(-services // page_size(environments))) + 1):
        text = shown(rows, page=page)
        assert text.count("<td>") <= max(2000, 20 * environments)
        found += re.findall('<th scope="row">([^<]+)', text)
    assert found == [f"svc_{number:03}" for number in range(services)]


def test_one_change_among_thousands_is_one_cell_and_what_says_when_it_was_read() -> None:
    """Less than a thousand bytes of nearly two hundred thousand."""
    before = matrix("1.0.0")
    assert len(before) > 150_000
    sent = pieces(before, matrix("8.8.8", looked=-5.0))
    assert sent is not None
    assert [line.partition(" hx-swap")[0] for line in sent.splitlines()] == [
        '<hx-partial hx-target="#about-shop"',
        '<hx-partial hx-target="#of-shop_svc_5f_003 > :nth-child(49)"',
    ]
    assert "8.8.8" in sent
    assert len(sent) < 1000


def test_what_has_no_place_of_its_own_is_sent_with_all_else() -> None:
    """Another number of lines, a line without an id, or one that has become another."""
    line = '<tr id="a"><th scope="row">a</th><td>1</td></tr>'
    for now in (
        f"{line}\n{line}",
        "<p>1</p>",
        line.replace('id="a"', 'id="b"'),
        '<p id="a">1</p>',
        line.replace('"a"', '"a" class="off"'),
    ):
        assert pieces(line, now) is None
        assert pieces(now, line) is None
    assert pieces("<p>1</p>", "<p>2</p>") is None


def test_a_row_with_another_number_of_cells_is_sent_as_a_row() -> None:
    """Only of a row with as many cells is it known which is which; a header of a row is a cell too."""
    around = "<p>no piece is longer than all of it</p>" * 10
    line = '<tr id="a"><th scope="row">a</th><td>1</td></tr>'
    more = line.replace("</tr>", "<td>2</td></tr>")
    assert pieces(f"{line}\n{around}", f"{more}\n{around}") == (
        '<hx-partial hx-target="#a" hx-swap="innerMorph">'
        '<th scope="row">a</th><td>1</td><td>2</td></hx-partial>'
    )
    other = line.replace(">a<", ">b<")
    assert pieces(f"{line}\n{around}", f"{other}\n{around}") == (
        '<hx-partial hx-target="#a > :nth-child(1)" hx-swap="outerMorph"><th scope="row">b</th></hx-partial>'
    )
