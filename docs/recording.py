"""Write docs/demo.svg: a recording of the real demo, made from what it prints.

    .venv/bin/python docs/recording.py

The demo runs here and now. Its lines come on the screen one after the other, in their colours, in a picture
that moves by itself (CSS animations, no script) and stands still where less motion is asked for.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

__all__ = ["picture", "record"]

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "demo.svg"
COLUMNS, ROWS = 80, 30
_WIDTH, _HEIGHT, _MARGIN, _TOP = (
    8.43,
    18,
    14,
    36,
)  # pixels; of DejaVu Sans Mono and Menlo, the widest of the fonts
_COLOURS = {"31": "#f47067", "32": "#57ab5a", "33": "#c69026", "36": "#39c5cf", "2": "#768390"}
_LINE, _COMMAND, _HEADING, _END = 0.05, 0.5, 0.9, 6.0  # seconds that one is looked at
_SGR = re.compile(r"\x1b\[([0-9;]*)m")


def record() -> str:
    """What the demo prints, with its colours."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI")}
    program = (
        "import sys; sys.stdout.isatty = lambda: True\n"  # for the colours; nothing else asks
        "from lockstep.local.story import run_demo; raise SystemExit(run_demo())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "COLUMNS": str(COLUMNS)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def picture(text: str) -> str:
    """The recording as SVG. Paths and times of the machine it was made on are left out."""
    lines = [re.sub(r"/\S*/lockstep-demo-\w+", "~", line) for line in text.strip("\n").splitlines()]
    lines = [re.sub(r", in \d+ seconds\.$", ".", line) for line in lines]
    columns = max(COLUMNS, *(len(_SGR.sub("", line)) for line in lines))  # a path is never broken
    begins = list(_moments(lines))
    total = begins[-1] + _END
    steps = [f"0% {{ transform: translateY({ROWS * _HEIGHT}px) }}"]
    for number, begin in enumerate(begins):
        shift = (ROWS - 1 - number) * _HEIGHT
        steps.append(f"{begin / total:.4%} {{ transform: translateY({min(shift, ROWS * _HEIGHT)}px) }}")
    width, height = round(columns * _WIDTH + 2 * _MARGIN), ROWS * _HEIGHT + _TOP + _MARGIN
    last = (ROWS - len(lines)) * _HEIGHT
    rows = "\n".join(
        f'<text y="{(number + 1) * _HEIGHT - 5}">{_spans(line)}</text>' for number, line in enumerate(lines)
    )
    dots = "".join(
        f'<circle cx="{20 + 20 * number}" cy="18" r="6" fill="{colour}"/>'
        for number, colour in enumerate(("#f47067", "#c69026", "#57ab5a"))
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img"
     xml:space="preserve">
<title>lockstep demo: sync, release, promotion, rollback, drift and previews, in a terminal</title>
<style>
text {{ font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }}
text {{ fill: #adbac7; white-space: pre }}
.b {{ font-weight: bold; fill: #e6edf3 }}
#lines {{ animation: run {total:.1f}s step-end infinite }}
@keyframes run {{
{chr(10).join(steps)}
}}
@media (prefers-reduced-motion: reduce) {{ #lines {{ animation: none; transform: translateY({last}px) }} }}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#22272e"/>
{dots}
<svg x="{_MARGIN}" y="{_TOP}" width="{width - 2 * _MARGIN}" height="{ROWS * _HEIGHT}">
<g id="lines">
{rows}
</g>
</svg>
</svg>
"""


def _moments(lines: Sequence[str]) -> Iterator[float]:
    """Seconds from the beginning at which each line comes: a heading and a command are looked at longer."""
    now = 0.5
    for line in lines:
        yield now
        plain = _SGR.sub("", line)
        if re.match(r"\d+\. ", plain):
            now += _HEADING
        else:
            now += _COMMAND if plain.startswith("$ ") else _LINE


def _spans(line: str) -> str:
    """A line with its colours; each piece is as wide as its characters."""
    pieces, codes, end = [], [""], 0
    for found in [*_SGR.finditer(line), None]:
        text = line[end : found.start() if found else len(line)]
        if text:
            pieces.append(_span(text, codes))
        if found:
            codes, end = found[1].split(";"), found.end()
    return "".join(pieces)


def _span(text: str, codes: Sequence[str]) -> str:
    colour = next((_COLOURS[code] for code in codes if code in _COLOURS), None)
    style = f' fill="{colour}"' if colour else ""
    style += ' class="b"' if "1" in codes and not colour else ""
    return f"<tspan{style}>{escape(text)}</tspan>" if style else escape(text)


if __name__ == "__main__":
    FILE.write_text(picture(record()), encoding="utf-8")
    sys.stdout.write(f"{FILE.relative_to(ROOT)}\n")
