"""The reader of snippets notices what differs, and only that."""

from pathlib import Path

import pytest

from tests.docs.snippets import blocks, matches

PAGE = """\
Text.

<!-- exit 3 -->
```console
$ first --flag \\
    more
out
$ second
```

```yaml
# a/b.yaml
key: value
```

<!-- not run: needs the moon -->
```console
$ fly
```

```console
$ walk
```
"""


def test_a_page_falls_into_blocks(tmp_path: Path) -> None:
    """Commands keep their output, files their path, and what is not run its reason, for one block only."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    run, file, skipped, last = blocks(page)
    assert [command.line for command in run.commands] == ["first --flag more", "second"]
    assert run.commands[0].output == ("out",)
    assert run.commands[0].source == ("first --flag \\", "    more")
    assert (run.exit_code, file.exit_code, last.exit_code) == (3, 0, 0)
    assert (file.file, run.file) == ("a/b.yaml", None)
    assert (skipped.skipped, last.skipped) == ("needs the moon", None)


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (("a", "b"), "a\nb\n", True),
        (("a",), "a\nb\n", False),
        (("a", "b"), "a\n", False),
        (("...", "b"), "a\nb\n", True),
        (("a", "..."), "a\nb\n", True),
        (("...", "c"), "a\nb\n", False),
        (("done (0.1 s)",), "done (12.3 s)\n", True),
        (("commit 0123abcd.",), "commit 89ef4567.\n", True),
        (("with 9 API calls",), "with 10 API calls\n", True),
        (("9 done",), "10 done\n", False),
        ((), "", True),
        ((), "surprise\n", False),
    ],
)
def test_output_is_compared_line_by_line(expected: tuple[str, ...], got: str, same: bool) -> None:
    """Times, digests and numbers of calls may differ; lines may be missing only where dots stand."""
    assert matches(expected, got) is same
