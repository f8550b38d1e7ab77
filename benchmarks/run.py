"""``./dev bench``: measure the rows, print one table, keep the numbers as JSON."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.lockstep import compile_bytecode
from benchmarks.measure import Failed
from benchmarks.results import Goal, Result, as_json, as_lines
from benchmarks.rows import ROWS, Row
from benchmarks.scenes import Bench

__all__ = ["main"]

TOOLS = ("terraform", "sam")
RESULTS = Path(__file__).with_name("results")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. A goal that is missed is printed as missed; it is no failure of the run."""
    options = _parse(arguments)
    rows, tools = _chosen(options.what)
    compile_bytecode()
    results = []
    with tempfile.TemporaryDirectory(prefix="lockstep-bench-") as folder:
        bench = Bench(
            folder=Path(folder),
            is_quick=options.quick,
            most=options.most,
            repetitions=1 if options.quick else options.repetitions,
            tools=tools,
        )
        for name, reason in bench.skipped.items():
            if name in tools:
                _say(f"without {name}: {reason}")
        with bench.stack:
            for row in rows:
                results.append(_measure(row, bench))
            _tell(results, is_json=options.json, is_kept=not options.quick)
    return 0


def _tell(results: Sequence[Result], *, is_json: bool, is_kept: bool) -> None:
    """Print the results, and keep those of a whole run."""
    text = as_json(results)
    if is_json:
        sys.stdout.write(text)
    else:
        print("\n".join(as_lines(results)), flush=True)
    if is_kept:
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
        file.write_text(text)
        _say(f"also in {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")


def _measure(row: Row, bench: Bench) -> Result:
    _say(f"measuring {row.name}")
    begun = time.monotonic()
    try:
        result = row.measure(bench)
    except Failed as problem:
        found = "failed, see above"
        _say(f"{row.name}: {problem}")
        result = Result(
            row=row.name, title=row.name, goals=(Goal(text="measured", found=found, is_met=False),)
        )
    _say(f"  {time.monotonic() - begun:.0f} s")
    return result


def _chosen(words: Sequence[str]) -> tuple[list[Row], frozenset[str]]:
    """Rows and tools that were named. A tool alone means every row that compares with it."""
    tools = frozenset(word for word in words if word in TOOLS)
    names = [word for word in words if word not in TOOLS]
    unknown = [name for name in names if name not in {row.name for row in ROWS}]
    if unknown:
        known = " ".join(row.name for row in ROWS)
        raise SystemExit(f"there is no row {unknown[0]}; there are: {known}; tools: {' '.join(TOOLS)}")
    if names:
        return [row for row in ROWS if row.name in names], tools or frozenset(TOOLS)
    if tools:
        return [row for row in ROWS if row.against in tools], tools
    return list(ROWS), frozenset(TOOLS)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = ", ".join(row.name for row in ROWS)
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Measure Lockstep, beside the tools that are installed."
    )
    parser.add_argument(
        "what", nargs="*", metavar="ROW|TOOL", help=f"rows: {names}; tools: {', '.join(TOOLS)}; default: all"
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run: a few functions, once")
    parser.add_argument("--most", type=int, metavar="N", help="at most N functions in a row")
    parser.add_argument(
        "--repetitions", type=int, default=3, metavar="N", help="runs of each tool (default 3; cheap rows 5+)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
