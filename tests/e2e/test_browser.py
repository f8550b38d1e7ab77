"""The page in Chromium: what is looked at, typed, pressed and heard, on the demo's repositories and AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import PHONE, Reader, browsing, found_by_axe, ground_of, keep
from tests.support.github.npm import NotThere
from tests.support.serving import fetched, in_shell, shown
from tests.support.waiting import until

STAGING, PRODUCTION = "staging/s3-notifier", "production/s3-notifier"
PAGES = {
    "matrix": "",
    "nothing-found": "?q=nobody",
    "target": f"targets/syrf/{STAGING}",
    "calls": "calls",
    "promotions": "promotions",
    "previews": "previews",
    "runs": "runs",
    "drift": "drift",
    "audit": "audit",
    "logs": f"logs/syrf/{STAGING}",
    "sync": f"act/sync/syrf/{STAGING}",
    "promote": f"act/promote/syrf/{PRODUCTION}",  # which the demo's policy refuses: the answer says why
}
FOCUSED = """() => {
  const one = document.activeElement;
  return [one.getAttribute("href") || one.name || one.textContent, getComputedStyle(one).outlineStyle];
}"""
WATCHED = """href => {
  document.querySelector(`a[href="${href}"]`).focus();
  getSelection().selectAllChildren(document.querySelector("h1"));
  window.touched = new Set();
  new MutationObserver(all => all.forEach(one => touched.add(
    (one.target.closest ? one.target : one.target.parentElement).closest("[id]").id,
  ))).observe(document.querySelector("main"), {childList: true, characterData: true, subtree: true});
}"""
WIDE_SCREEN = 3840
MORE_CELLS = """() => {
  document.querySelectorAll("tr").forEach(row => {
    for (let number = 0; number < 6; number++) row.append(row.lastElementChild.cloneNode(true));
  });
  const table = document.querySelector(".wide");
  return [table.clientWidth, table.scrollWidth];
}"""
FUNCTION = "syrfAppUploadS3Notifier-staging"
CLIENT = "import json, botocore.session as b; c = b.Session().create_client('lambda')"
REFUSED = "Failed to load resource: the server responded with a status of 409"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    try:
        with browsing() as opened:
            yield opened
    except NotThere as missing:
        pytest.skip(str(missing))


def test_every_page_can_be_read_by_everybody(browser: Browser, url: str, place: Path) -> None:
    """By what axe-core can tell, in light and dark, 320 pixels wide; no script and no style is refused."""
    run = json.loads(fetched(f"{url}api/v1/runs"))["runs"][0]["id"]
    found: dict[str, list[str]] = {}
    with Reader(browser, url, width=PHONE) as reader:
        for name, path in {**PAGES, "run": f"runs/{run}"}.items():
            page = reader.go(path)
            try:
                wrong = found_by_axe(page)
                page.emulate_media(color_scheme="dark")
                wrong += found_by_axe(page, "color-contrast")
            except NotThere as missing:
                pytest.skip(str(missing))
            page.emulate_media(color_scheme="light")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append("it is wider than the screen")
            found[name] = [*wrong, *(one for one in reader.complaints if not one.startswith(REFUSED))]
            reader.complaints.clear()
            keep(page, f"{name}-{PHONE}")
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    with Reader(browser, url) as reader:
        for name in ("matrix", "target", "calls", "previews"):
            page = reader.go(PAGES[name])
            for image in page.locator("img").all():
                assert image.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
                assert ground_of(page, image) > 230
                page.emulate_media(color_scheme="dark")
                assert ground_of(page, image) < 60
                page.emulate_media(color_scheme="light")
            keep(page, name)


def test_wide_screens_show_more_of_the_matrix_and_no_longer_lines(
    browser: Browser, url: str, place: Path
) -> None:
    """As many environments as find room; text keeps a width that can be read."""
    with Reader(browser, url, width=WIDE_SCREEN) as reader:
        for name in ("matrix", "target", "runs", "audit"):
            page = reader.go(PAGES[name])
            texts = page.locator("main p, main dd, main li")
            widths = texts.evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
            assert max(widths, default=0) < 60 * 16, name  # em, which are some 110 letters
        shown, whole = reader.go("").evaluate(MORE_CELLS)
        assert shown == whole > WIDE_SCREEN / 2


def test_a_page_finds_what_is_typed_and_its_address_can_be_shared(browser: Browser, url: str) -> None:
    """The search stands in the address, and who opens that sees the same."""
    with Reader(browser, url) as reader:
        page = reader.go("")
        page.get_by_label("Search").fill("notifier STAGING")
        page.get_by_label("only what is not well").check()
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("Nothing matches.")).to_be_visible()
        page.get_by_label("only what is not well").uncheck()
        page.get_by_role("button", name="Show").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        with Reader(browser, page.url, scripts=False) as other:
            expect(other.go("").locator("tbody tr")).to_have_count(1)


def test_a_target_is_reached_read_and_synced_with_the_keyboard_alone(
    browser: Browser, url: str, place: Path
) -> None:
    """From the first page to the run that came of it: what has the focus is seen."""
    with Reader(browser, url, zone="America/New_York") as reader:
        page = reader.go("")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the content")).to_be_focused()

        def reach(words: str) -> None:
            for _ in range(60):
                name, outline = page.evaluate(FOCUSED)
                if name == words:
                    assert outline != "none"
                    return
                page.keyboard.press("Tab")
            pytest.fail(f"{words} is not reached with Tab")

        reach(f"/targets/syrf/{STAGING}")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{PAGES['target']}")
        reach(f"/act/sync/syrf/{STAGING}")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{PAGES['sync']}")
        reach("reason")
        page.keyboard.press("Enter")  # a reason is asked for: nothing is sent
        assert page.url.endswith(PAGES["sync"])
        page.keyboard.type("to be sure")
        page.keyboard.press("Enter")
        page.wait_for_url("**/runs/*")
        expect(page.locator("dd").first).to_contain_text("done", timeout=60_000)  # without a reload
        expect(page.get_by_text("to be sure")).to_be_visible()
        began = page.locator("dd time").first
        utc = began.get_attribute("datetime")
        told = page.evaluate("one => new Date(one).toLocaleString()", utc)
        assert began.text_content() == told  # as the reader's clock has it


def test_held_and_released_with_the_mouse_and_seen_without_a_reload(
    browser: Browser, url: str, place: Path
) -> None:
    """Git gets what is ordered, with the reason; a page that stays open follows a push by itself."""
    file = "syrf/environments/staging/s3-notifier/config.yaml"
    with Reader(browser, url) as reader, Reader(browser, url) as watching:
        matrix = watching.go("")
        cell = matrix.locator(f"a[href='/targets/syrf/{STAGING}']")
        expect(cell).to_contain_text("0.1.5")
        matrix.evaluate(WATCHED, f"/targets/syrf/{PRODUCTION}")
        until(lambda: matrix.evaluate("touched.size > 0"), seconds=60)  # by the page as it is sent at first
        matrix.evaluate("touched.clear()")
        in_shell(place, f"sed -i s/0.1.5/0.1.6/ {file}; git commit -qam 'staging: 0.1.6'; git push -q")
        expect(cell).to_contain_text("0.1.6 ● Synced/Healthy", timeout=60_000)
        assert matrix.evaluate("[...touched]") == ["about-syrf", "of-syrf_s3-notifier"]
        assert matrix.evaluate("getSelection().toString()") == "What runs where"
        assert matrix.evaluate("document.activeElement.pathname") == f"/targets/syrf/{PRODUCTION}"
        keep(matrix, "matrix-after-a-push")
        for verb in ("hold", "release-hold"):
            page = reader.go(PAGES["target"])
            if verb == "hold":
                page.get_by_role("link", name=verb, exact=True).click()
            else:  # the hold waits for somebody to merge it, so there is none to release yet
                expect(page.get_by_role("link", name=verb, exact=True)).to_have_count(0)
                reader.go(f"act/{verb}/syrf/{STAGING}")
            page.get_by_label("Reason").fill(f"we {verb} it")
            page.get_by_role("button", name=verb).click()
            page.wait_for_url("**/runs/*")
            shown(f"{url}api/v1/runs?q={verb}+done", f"we {verb} it")
        written = in_shell(place, "git fetch -q; git log --all --format=%B")
        assert "we hold it" in written
        assert reader.complaints + watching.complaints == []


def test_without_scripts_everything_is_read_and_ordered(browser: Browser, url: str, place: Path) -> None:
    """Times are in UTC then, and a form is sent as forms always were."""
    with Reader(browser, url, scripts=False) as reader:
        page = reader.go(PAGES["target"])
        expect(page.locator("time").first).to_contain_text("UTC")
        page.get_by_role("link", name="rollback", exact=True).click()
        expect(page.locator("pre")).to_contain_text("-> 0.1.5")
        page.get_by_label("Reason").fill("no script")
        page.get_by_role("button", name="rollback").click()
        shown(f"{url}api/v1/runs?q=rollback+done", "no script")


def test_a_rollout_is_led_and_a_version_promoted_and_merged_by_buttons(
    browser: Browser, url: str, place: Path
) -> None:
    """Each button changes the alias in AWS, or Git; what the rollout is judged by is drawn meanwhile."""
    file = "syrf/environments/staging/s3-notifier/config.yaml"
    way = "{steps: [{pause: approval}, {weight: 50%, for: 1h}], metrics: [{metric: errors}]}"
    page_of = f"{url}targets/syrf/{STAGING}"
    in_shell(
        place,
        "git fetch -q; git reset -q --hard @{u}; "
        "sed -i 's/production: {/&promotion: {merge: review}, /' lockstep.yaml; "
        f"sed -i 's/0.1.6/0.1.5/; s/^lambda:/&\\n  alias: live\\n  rollout: {way}/' {file}; "
        "git commit -qam 'Releases come step by step'; git push -q",
    )
    shown(page_of, "0.1.5 (live:1)")
    in_shell(place, f"sed -i s/0.1.5/0.1.6/ {file}; git commit -qam 'staging: 0.1.6'; git push -q")
    shown(page_of, "waiting for approval")
    assert alias(place) == ("1", {})
    with Reader(browser, url) as reader:

        def press(verb: str, target: str) -> None:
            page = reader.go(f"act/{verb}/syrf/{target}")
            if verb == "promote":
                page.get_by_label("Version").fill("0.1.6")
                page.get_by_role("button", name="Look").click()
                expect(page.locator("pre")).to_contain_text("0.1.5 -> 0.1.6")
            page.get_by_label("Reason").fill(f"we {verb} it")
            page.get_by_role("button", name=verb).click()
            page.wait_for_url("**/runs/*")
            expect(page.locator("dd").first).to_contain_text("done", timeout=60_000)

        press("approve", STAGING)
        assert alias(place) == ("1", {"2": 0.5})
        call(place)
        page = reader.go(PAGES["target"])
        expect(page.get_by_role("img", name="calls a minute")).to_be_visible(timeout=60_000)
        page.get_by_text("As a table").first.click()
        expect(page.get_by_role("region", name="calls a minute")).to_be_visible()
        keep(page, "target-rollout")
        press("pause", STAGING)
        shown(page_of, "by somebody at this machine: we pause it")
        press("resume", STAGING)
        press("abort", STAGING)
        assert alias(place) == ("1", {})
        press("promote", PRODUCTION)
        expect(page.get_by_text("waits for a person to merge it")).to_be_visible()
        expect(page.locator("dt", has_text="Pull request")).to_be_visible()
        branch = "origin/lockstep/promote/production/s3-notifier"
        told = in_shell(place, f"git fetch -q; git log -1 --format=%B {branch}")
        assert "Lockstep-Asked-By: somebody" in told
        assert "\n\nwe promote it\n\n" in told
        shown(f"{url}promotions", f"/act/merge/syrf/{PRODUCTION}")
        page = reader.go("promotions")
        keep(page, "promotions-waiting")
        page.get_by_role("link", name="merge", exact=True).click()
        expect(page.locator("pre")).to_contain_text("0.1.5 -> 0.1.6")
        page.get_by_label("Reason").fill("it is time")
        page.get_by_role("button", name="merge").click()
        page.wait_for_url("**/runs/*")
        expect(page.locator("dd").first).to_contain_text("Merged: pull request", timeout=60_000)
        shown(f"{url}targets/syrf/{PRODUCTION}", "0.1.6 ● Synced/Healthy")
        shown(f"{url}audit?q=merged", "somebody at this machine")
        assert [one for one in reader.complaints if not one.startswith(REFUSED)] == []


def alias(place: Path) -> tuple[str, dict[str, float]]:
    """Where the alias in staging points, and what share of calls which version gets."""
    asked = f"get_alias(FunctionName='{FUNCTION}', Name='live')"
    found = json.loads(in_shell(place, f'python -c "{CLIENT}; print(json.dumps(c.{asked}, default=str))"'))
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return found["FunctionVersion"], weights


def call(place: Path) -> None:
    """Use the function through its alias."""
    asked = f"c.invoke(FunctionName='{FUNCTION}', Qualifier='live', Payload=b'{{}}')"
    in_shell(place, f'python -c "{CLIENT}; [{asked} for _ in range(4)]"')
