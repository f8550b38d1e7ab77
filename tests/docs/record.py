"""Run the pages that are named and write what their commands print into them.

    .venv/bin/python -m tests.docs.record docs/tutorial.md

Output that the page already shows correctly, "..." included, stays as it is. Look at the difference
before committing it.
"""

import sys
import tempfile
from pathlib import Path

from lockstep.local.ministack import LocalCloud
from tests.docs.lab import prepare
from tests.docs.snippets import Block, blocks, is_empty_start, matches

__all__ = ["record"]


def record(page: Path, cloud: LocalCloud, folder: Path) -> bool:
    """Run a page and write its real output into it; say whether anything changed."""
    lab = prepare(cloud, folder, is_empty=is_empty_start(page))
    lines = page.read_text(encoding="utf-8").splitlines()
    shift = 0
    for block in blocks(page):
        if block.skipped:
            continue
        if block.file:
            lab.write(block.file, block.lines)
        if not block.commands:
            continue
        new = _run(block, lab.run)
        start = block.number + shift
        lines[start : start + len(block.lines)] = new
        shift += len(new) - len(block.lines)
    text = "\n".join(lines) + "\n"
    changed = text != page.read_text(encoding="utf-8")
    page.write_text(text, encoding="utf-8")
    return changed


def _run(block: Block, run) -> list[str]:  # type: ignore[no-untyped-def]
    new: list[str] = []
    for command in block.commands:
        result = run(command.line)
        new += [f"$ {line}" if i == 0 else line for i, line in enumerate(command.source)]
        if matches(command.output, result.output):
            new += command.output
        else:
            new += result.output.rstrip("\n").splitlines()
        is_last = command is block.commands[-1]
        wanted = block.exit_code if is_last else 0
        if result.code != wanted:
            sys.stdout.write(f"{block.page}:{block.number}: {command.line}: exit {result.code}\n")
            sys.stdout.write(result.output)
    return new


if __name__ == "__main__":
    with LocalCloud.start() as local, tempfile.TemporaryDirectory() as temporary:
        for number, name in enumerate(sys.argv[1:]):
            changed = record(Path(name), local, Path(temporary) / str(number))
            sys.stdout.write(f"{name}: {'changed' if changed else 'as it was'}\n")
