"""The commits that a squashed pull request lists in its message."""

import re
from collections.abc import Iterator, Sequence

from lockstep.values import dataclass

__all__ = ["Block", "blocks_of"]

_ITEM = re.compile(r"(?P<mark>[*-]) +(?P<subject>\S.*)")
_OTHERS = re.compile(r"\bby @|\]\(https?:")
"""As lists of another repository's commits have it: GitHub's release notes, changelogs with links."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One commit of the list."""

    subject: str
    body: tuple[str, ...] = ()


def blocks_of(lines: Sequence[str]) -> tuple[Block, ...]:
    """The commits that a body lists, in its order; () when it is no such list. Quoted text is out already.

    A squash begins with its first commit. GitHub, Gitea and GitLab write ``* subject``, an empty line and
    the commit's body; others, as Azure DevOps, write the subjects alone, one below the other. A list that
    stands in prose, or that names people or links to what it lists, is of something else.
    """
    start = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    first = _ITEM.fullmatch(lines[start].rstrip()) if start < len(lines) else None
    if first is None or _OTHERS.search(first["subject"]):
        return ()
    body = [line.rstrip() for line in lines[start:]]
    if len(body) > 1 and _item(body[1], first["mark"]):
        return _subjects(body, first["mark"])
    return tuple(_blocks(body, first["mark"]))


def _item(line: str, mark: str) -> str | None:
    found = _ITEM.fullmatch(line)
    return found["subject"] if found and found["mark"] == mark else None


def _subjects(body: Sequence[str], mark: str) -> tuple[Block, ...]:
    """Subjects one below the other, up to the first line that is none; what follows belongs to the last."""
    subjects: list[str] = []
    for line in body:
        subject = _item(line, mark)
        if subject is None:
            break
        subjects.append(subject)
    if any(_OTHERS.search(subject) for subject in subjects):
        return ()
    blocks = [Block(subject=subject) for subject in subjects]
    blocks[-1] = Block(subject=subjects[-1], body=tuple(body[len(subjects) :]))
    return tuple(blocks)


def _blocks(body: Sequence[str], mark: str) -> Iterator[Block]:
    """Subjects that stand alone, each with what follows it."""
    subject, text = "", list[str]()
    is_other = False  # the items that follow belong to a list that a commit's body holds
    for number, line in enumerate(body):
        found = _item(line, mark)
        if found is None:
            if line:
                is_other = line.startswith("#") or line.endswith(":")  # introduces what follows
            text.append(line)
            continue
        around = (*body[max(number - 1, 0) : number], *body[number + 1 : number + 2])
        is_alone = not any(_item(near, mark) for near in around)
        is_other = is_other or not is_alone or bool(_OTHERS.search(found))
        if is_other:
            text.append(line)
            continue
        if number:
            yield Block(subject=subject, body=tuple(text))
        subject, text = found, []
    yield Block(subject=subject, body=tuple(text))
