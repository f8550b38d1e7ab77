"""Which part of the version moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.commit import LogEntry
from lockstep.model.next_version import Bump
from lockstep.model.version import Level, Version
from lockstep.planning.bumps import decide_bump

ONE = Version.parse("1.2.3")
ZERO = Version.parse("0.1.5")
PATHS = ("src/api", "libs")


def _sha(number: int) -> str:
    return f"{number:040x}"


def line(*messages: str, path: str = "src/api/a") -> list[LogEntry]:
    """A linear history, given oldest first and returned newest first; ids are 1, 2, ..."""
    made = [
        LogEntry(sha=_sha(n), parents=(_sha(n - 1),), message=text, paths=frozenset({path}))
        for n, text in enumerate(messages, 1)
    ]
    return made[::-1]


def whys(bump: Bump) -> list[tuple[str, str]]:
    """Level and reason of each commit, oldest first."""
    return [(str(one.level), one.why) for one in reversed(bump.commits)]


@pytest.mark.parametrize(
    ("message", "level", "below_one", "why"),
    [
        ("feat: x", "minor", "minor", "feat"),
        ("feat(api): x", "minor", "minor", "feat(api)"),
        ("fix: x", "patch", "patch", "fix"),
        ("perf: x", "patch", "patch", "perf"),
        ("revert: x", "patch", "patch", "revert"),
        ('Revert "something old"', "patch", "patch", "revert"),
        ("feat!: x", "major", "minor", "feat!"),
        ("chore(deps)!: x", "major", "minor", "chore(deps)!"),
        ("fix: x\n\nBREAKING CHANGE: y", "major", "minor", "BREAKING CHANGE footer"),
        ("Rework\n\nBREAKING-CHANGE: y", "major", "minor", "BREAKING CHANGE footer"),
        ("Release (#1)\n\n* docs: a\n* feat: b\n* fix: c", "minor", "minor", "feat in the body"),
        ("fix: a (#1)\n\n* fix: a\n* docs: b", "patch", "patch", "fix"),
        ("docs: x", "none", "none", "docs asks for nothing"),
        ("chore: x", "none", "none", "chore asks for nothing"),
        ("Add x", "none", "none", "no conventional commit"),
        ("fixup! feat: x", "none", "none", "belongs to another commit"),
    ],
)
def test_levels(message: str, level: str, below_one: str, why: str) -> None:
    """Each message asks for a level; what asks for none moves the patch when nothing else is there."""
    bump = decide_bump(line(message), PATHS, ONE)
    assert whys(bump) == [(level, why)]
    assert str(bump.level) == (level if level != "none" else "patch")
    assert str(bump.asked) == level
    below = decide_bump(line(message), PATHS, ZERO)
    assert str(below.level) == (below_one if below_one != "none" else "patch")


def test_the_highest_level_wins() -> None:
    """Order does not matter."""
    bump = decide_bump(line("fix: a", "feat: b", "docs: c", "Merge nothing"), PATHS, ONE)
    assert bump.level is Level.MINOR
    assert bump.why == "feat asks for minor"
    assert [why for _, why in whys(bump)] == [
        "fix",
        "feat",
        "docs asks for nothing",
        "no conventional commit",
    ]


def test_only_commits_that_touch_the_paths_count() -> None:
    """Another service's feature does not move this one; without paths everything does."""
    other = line("feat: other", path="src/apiary/a")
    assert decide_bump(other, PATHS, ONE).level is Level.NONE
    assert decide_bump(other, PATHS, ONE).commits == ()
    assert decide_bump(other, (), ONE).level is Level.MINOR
    assert decide_bump([], (), ONE).level is Level.NONE
    empty = [LogEntry(sha=_sha(1), message="feat: nothing changed")]
    assert decide_bump(empty, PATHS, ONE).level is Level.NONE
    assert decide_bump(empty, (), ONE).level is Level.MINOR


def test_the_sentence_says_what_happened() -> None:
    """Why it moves, in words."""
    assert decide_bump(line("feat!: a"), PATHS, ZERO).why == (
        "feat! asks for major; below 1.0.0 that is minor"
    )
    assert decide_bump(line("Add"), PATHS, ZERO).why == (
        "no commit asks for a release, but the service's paths were touched, so patch"
    )
    assert decide_bump([], PATHS, ZERO).why == "nothing since 0.1.5 touches the service's paths"


@pytest.mark.parametrize(
    "revert",
    [
        f'Revert "feat: b"\n\nThis reverts commit {_sha(2)}.',
        'Revert "feat: b" (#13)\n\nReverts o/r#12',
        f"revert: b\n\nRefs: {_sha(2)}",
        "revert: feat: b",
    ],
)
def test_what_was_taken_back_asks_for_nothing(revert: str) -> None:
    """A feature and its revert within the range leave the fix beside them."""
    bump = decide_bump(line("fix: a", "feat: b", revert), PATHS, ONE)
    assert bump.level is Level.PATCH
    assert whys(bump) == [
        ("patch", "fix"),
        ("none", "taken back by 00000000"),
        ("none", "takes back 00000000"),
    ]
    alone = decide_bump(line("docs: a", "feat: b", revert), PATHS, ONE)
    assert alone.asked is Level.NONE


def test_what_was_taken_back_and_brought_back_counts() -> None:
    """A revert of the revert gives the feature its level again."""
    bump = decide_bump(
        line(
            "feat: b",
            f'Revert "feat: b"\n\nThis reverts commit {_sha(1)}.',
            f'Reapply "feat: b"\n\nThis reverts commit {_sha(2)}.',
        ),
        PATHS,
        ONE,
    )
    assert [level for level, _ in whys(bump)] == ["minor", "none", "none"]


def test_a_revert_of_something_released_is_a_patch() -> None:
    """The commit that it takes back lies before the base."""
    text = f'Revert "feat: old"\n\nThis reverts commit {"f" * 40}.'
    assert whys(decide_bump(line(text), PATHS, ONE)) == [("patch", "revert")]


def _merged(message: str, *, path: str = "src/api/a", side: str = "wip") -> list[LogEntry]:
    """Base 1; main 2; side 3 and 4 from 1; merge 5 of 2 and 4."""
    return [
        LogEntry(sha=_sha(5), parents=(_sha(2), _sha(4)), message=message),
        LogEntry(sha=_sha(4), parents=(_sha(3),), message=side, paths=frozenset({path})),
        LogEntry(sha=_sha(3), parents=(_sha(1),), message="wip", paths=frozenset({"README.md"})),
        LogEntry(sha=_sha(2), parents=(_sha(1),), message="main", paths=frozenset({"src/api/main"})),
    ]


def test_a_merge_counts_by_its_title() -> None:
    """When the title is conventional and the branch touched the paths."""
    title = "Merge pull request #1 from o/b\n\nfeat: merged"
    assert whys(decide_bump(_merged(title), PATHS, ONE)) == [
        ("none", "no conventional commit"),
        ("none", "no conventional commit"),
        ("minor", "feat"),
    ]
    elsewhere = decide_bump(_merged(title, path="src/web/a"), PATHS, ONE)
    assert whys(elsewhere) == [("none", "no conventional commit")]
    plain = decide_bump(_merged("Merge branch 'side'", side="feat: side"), PATHS, ONE)
    assert whys(plain) == [("none", "no conventional commit"), ("minor", "feat")]


def test_a_merge_that_changes_something_itself_counts() -> None:
    """A conflict that was resolved in the service's paths touches them."""
    entries = _merged("Merge branch 'side'", path="src/web/a")
    merge = LogEntry(
        sha=entries[0].sha,
        parents=entries[0].parents,
        message=entries[0].message,
        paths=frozenset({"libs/x"}),
    )
    assert whys(decide_bump([merge, *entries[1:]], PATHS, ONE))[-1] == ("none", "no conventional commit")


def test_a_merge_that_was_taken_back_takes_its_commits_with_it() -> None:
    """git revert -m 1 names the merge; what it brought asks for nothing any more."""
    entries = _merged("Merge branch 'side'", side="feat: side")
    revert = LogEntry(
        sha=_sha(6),
        parents=(_sha(5),),
        message=f"Revert \"Merge branch 'side'\"\n\nThis reverts commit {_sha(5)}, reversing\n"
        f"changes made to {_sha(2)}.",
        paths=frozenset({"src/api/a"}),
    )
    bump = decide_bump([revert, *entries], PATHS, ONE)
    assert bump.asked is Level.NONE


def test_merges_of_merges_are_walked_once() -> None:
    """What a merge brought ends where its first parent's history begins, also over long histories."""
    entries: list[LogEntry] = []
    for number in range(1, 3001, 3):
        before = _sha(number - 1)
        side, main, merge = _sha(number), _sha(number + 1), _sha(number + 2)
        entries += [
            LogEntry(sha=side, parents=(before,), message="wip", paths=frozenset({"src/api/a"})),
            LogEntry(sha=main, parents=(before,), message="docs: m", paths=frozenset({"README.md"})),
            LogEntry(sha=merge, parents=(main, side), message=f"fix: merge {number}"),
        ]
    bump = decide_bump(entries[::-1], PATHS, ONE)
    assert len(bump.commits) == 2000
    assert bump.level is Level.PATCH


_messages = st.lists(
    st.sampled_from(["feat: a", "fix: a", "docs: a", "Anything", "feat!: a", "fixup! feat: a"]), max_size=6
)


@given(_messages, st.sampled_from([ONE, ZERO]))
def test_the_level_moves_when_something_was_touched(messages: list[str], base: Version) -> None:
    """A version moves exactly when a commit touches the service, and further commits never lower it."""
    bump = decide_bump(line(*messages), PATHS, base)
    assert (bump.level > Level.NONE) == bool(messages)
    assert len(bump.commits) == len(messages)
    if messages:
        fewer = decide_bump(line(*messages[1:]), PATHS, base)
        assert fewer.level <= bump.level


@st.composite
def _histories(draw: st.DrawFn) -> list[LogEntry]:
    """Commits on commits, newest first; a merge changes nothing itself and has a conventional title."""
    made: list[LogEntry] = []
    for number in range(1, draw(st.integers(2, 9))):
        parents = draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=3, unique=True))
        is_merge = len(parents) > 1
        touches = not is_merge and draw(st.booleans())
        made.append(
            LogEntry(
                sha=_sha(number),
                parents=tuple(_sha(parent) for parent in parents),
                message="feat: merged" if is_merge else "wip",
                paths=frozenset({"src/api/a"} if touches else ()),
            )
        )
    return made[::-1]


@given(_histories())
def test_a_merge_brings_what_its_first_parent_does_not_have(entries: list[LogEntry]) -> None:
    """Whatever the shape of the history, as sets of ancestors say it."""
    ancestors: dict[str, set[str]] = {_sha(0): set()}
    for entry in reversed(entries):
        ancestors[entry.sha] = {entry.sha}.union(*(ancestors[parent] for parent in entry.parents))
    touching = {entry.sha for entry in entries if "src/api/a" in entry.paths}
    expected = set(touching)
    for merge in (entry for entry in entries if entry.is_merge):
        first, *others = (ancestors[parent] for parent in merge.parents)
        if (set[str]().union(*others) - first) & touching:
            expected.add(merge.sha)
    bump = decide_bump(entries, PATHS, ONE)
    assert {one.commit.sha for one in bump.commits} == expected
