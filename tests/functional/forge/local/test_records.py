"""What is written of pull requests is what is read."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.errors import ForgeError
from lockstep.forge.base import MergeMethod, PullState
from lockstep.forge.local.records import (
    Auto,
    Branches,
    Ending,
    Note,
    Thread,
    check_branch,
    read_thread,
    write_thread,
)

_SHA = st.text("0123456789abcdef", min_size=40, max_size=40)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_BRANCH = st.sampled_from(["main", "lockstep/promote/a", "ä", "a.b"])
_NOTES = st.builds(Note, marker=_TEXT, body=_TEXT, author=_TEXT, written=_TEXT)
_THREADS = st.builds(
    Thread,
    number=st.integers(1, 10**6),
    title=_TEXT,
    body=_TEXT,
    author=_TEXT,
    created=_TEXT,
    labels=st.lists(_TEXT, max_size=3).map(tuple),
    notes=st.lists(_NOTES, max_size=3).map(tuple),
    marker=st.none() | _TEXT,
    branches=st.none() | st.builds(Branches, head=_BRANCH, base=_BRANCH, sha=_SHA, is_draft=st.booleans()),
    auto=st.none() | st.builds(Auto, sha=_SHA, method=st.sampled_from(MergeMethod), by=_TEXT),
    ending=st.none()
    | st.builds(
        Ending,
        state=st.sampled_from([PullState.MERGED, PullState.CLOSED]),
        at=_TEXT,
        by=st.none() | _TEXT,
        commit=st.none() | _SHA,
    ),
)


@given(thread=_THREADS)
def test_what_is_written_is_read(thread: Thread) -> None:
    """The JSON holds everything."""
    assert read_thread(write_thread(thread), where="x") == thread


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"{", b"["),
        (b'"head": "a"', b'"head": "--upload-pack=x"'),
        (b'"head": "a"', b'"head": "a:refs/heads/main"'),
        (b'"base": "main"', b'"base": 7'),
        (b'"sha": "1', b'"sha": "x'),
        (b'"labels": []', b'"labels": [null]'),
        (b'"number": 7', b'"number": "seven"'),
        (b'"comments": []', b'"comments": [1]'),
    ],
)
def test_what_others_wrote_is_not_believed(old: bytes, new: bytes) -> None:
    """A record that Lockstep would not write is refused, and named."""
    branches = Branches(head="a", base="main", sha="1" * 40)
    data = write_thread(Thread(number=7, title="", body="", author="", created="", branches=branches))
    assert old in data
    with pytest.raises(ForgeError, match=r"pulls:open/7.json: [\s\S]*fix:"):
        read_thread(data.replace(old, new), where="refs/lockstep/pulls:open/7.json")


@given(name=st.text("a-./@{~^: \\é\x01*", min_size=1, max_size=6) | _TEXT.filter(bool))
def test_names_of_branches_are_git_s(name: str) -> None:
    """What is taken for a branch is what Git takes for one."""
    if "\0" in name:
        return
    git = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, check=False)
    if git.returncode:
        with pytest.raises(ForgeError):
            check_branch(name)
