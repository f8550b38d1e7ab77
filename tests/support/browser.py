"""A browser, and what axe-core says of its pages."""

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, sync_playwright

from tests.support.github.npm import NotThere, npm_file

__all__ = ["PHONE", "Reader", "browsing", "found_by_axe", "ground_of", "keep"]

PHONE = 320
"""Pixels of the narrowest screen that pages are made for (WCAG 2.2, 1.4.10)."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CORNER = """async picture => {
  const bytes = Uint8Array.from(atob(picture), one => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
  const drawn = new OffscreenCanvas(image.width, image.height).getContext("2d");
  drawn.drawImage(image, 0, 0);
  const [red, green, blue] = drawn.getImageData(3, 3, 1, 1).data;
  return Math.round((red + green + blue) / 3);
}"""
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium as the system has it. Raises NotThere."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise NotThere("Chromium is not installed")
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Reader:
    """Somebody with one page open; what its console complains of is kept."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int = 1280,
        scheme: str = "light",
        scripts: bool = True,
        zone: str = "Europe/Berlin",
    ) -> None:
        self._url = url
        self._context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
            timezone_id=zone,
            locale="en-GB",
        )
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, path: str) -> Page:
        """Open a page of the server."""
        self.page.goto(self._url + path, wait_until="load")
        return self.page

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()


def found_by_axe(page: Page, *rules: str) -> list[str]:
    """What axe-core finds wrong with a page, a line each, by some of its rules or by all that are meant.

    Raises NotThere where it cannot be had.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(npm_file("axe-core", "4.14.1", "axe.min.js").read_text())
    chosen = {"type": "rule", "values": [*rules]} if rules else {"type": "tag", "values": _TAGS}
    found = page.evaluate(
        "options => axe.run(document, options).then(one => one.violations)",
        {"runOnly": chosen, "resultTypes": ["violations"]},
    )
    return [
        f"{one['id']}: {one['help']}: {'; '.join(node['html'][:200] for node in one['nodes'][:3])}"
        for one in found
    ]


def ground_of(page: Page, image: Locator) -> int:
    """How light a picture is as it is shown, at its corner: 0 is black, 255 white."""
    shown = base64.b64encode(image.screenshot()).decode()
    light: int = page.evaluate(_CORNER, shown)
    return light


def keep(page: Page, name: str) -> None:
    """Keep a picture of a page where ``LOCKSTEP_SCREENSHOTS`` says; nothing without it."""
    folder = os.environ.get("LOCKSTEP_SCREENSHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
