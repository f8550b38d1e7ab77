"""Commit messages: Conventional Commits 1.0.0 and what pull requests leave behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.planning.conventional import Part, read_message


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("feat: retry", Part(type="feat", description="retry")),
        ("feat(api): retry", Part(type="feat", scope="api", description="retry")),
        ("feat(api)!: retry", Part(type="feat", scope="api", description="retry", is_breaking=True)),
        ("chore!: drop 3.9", Part(type="chore", description="drop 3.9", is_breaking=True)),
        ("FIX: shouting", Part(type="fix", description="shouting")),
        ("Merged PR 12: fix: azure", Part(type="fix", description="azure")),
        ("my-type: anything (#12)", Part(type="my-type", description="anything (#12)")),
        ("feat(): no scope", Part(type="feat", description="no scope")),
    ],
)
def test_headers(header: str, part: Part) -> None:
    """Type, scope, ``!`` and description; the type in any case."""
    assert read_message(header).parts == (part,)
    assert read_message(f"\n{header}\r\n\r\nA body.\r\n").parts == (part,)


@pytest.mark.parametrize(
    "header",
    [
        "Add retry",
        "feat:retry",
        "feat :retry",
        "feat: ",
        "two words: x",
        "https://example.org",
        ": x",
        "",
        "feat(a: x",
    ],
)
def test_what_is_no_conventional_header(header: str) -> None:
    """Such a commit has no type."""
    message = read_message(header)
    assert message.parts == ()
    assert not message.is_revert


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("BREAKING CHANGE: the key is gone", True),
        ("BREAKING-CHANGE: the key is gone", True),
        ("Reviewed-by: Z\nBREAKING CHANGE: x\nRefs: #123", True),
        ("* fix: a\n\nBREAKING CHANGE:\n  x", True),
        ("* BREAKING CHANGE: x", True),
        ("breaking change: x", False),
        ("BREAKING CHANGES are coming", False),
        ("This is no BREAKING CHANGE: x", False),
        ("BREAKING CHANGE without a colon", False),
    ],
)
def test_breaking_footers(body: str, expected: bool) -> None:
    """At the beginning of a line, in capitals, with a colon; also in the middle of a squashed body."""
    assert read_message(f"docs: x\n\n{body}").has_breaking_footer is expected
    assert read_message(f"No type\n\n{body}").has_breaking_footer is expected


def test_a_squashed_body_names_more_changes() -> None:
    """Items with a known type count; prose, code and other lists do not."""
    message = read_message(
        "Retries (#12)\n\n* feat(api): retry\n\n* wip: something\n- fix!: the other\n* note: no type\n"
        "feat: no item\n        * feat: code\n"
    )
    assert [str(part) for part in message.parts] == ["feat(api)", "fix!"]


def test_a_merge_has_a_title_and_no_items() -> None:
    """The pull request's title is what GitHub and Bitbucket write below the first line."""
    text = "Merge pull request #12 from someone/branch\n\nfeat(api): retry\n\n* fix: in the history"
    assert [str(part) for part in read_message(text, is_merge=True).parts] == ["feat(api)"]
    text = "Merged in branch (pull request #12)\n\nfix: it"
    assert [str(part) for part in read_message(text, is_merge=True).parts] == ["fix"]
    assert read_message("Merge branch 'main' into x", is_merge=True).parts == ()
    assert [str(part) for part in read_message("feat: title (#12)", is_merge=True).parts] == ["feat"]


@pytest.mark.parametrize("word", ["fixup", "squash", "amend"])
def test_a_fixup_belongs_to_another_commit(word: str) -> None:
    """It says nothing by itself."""
    message = read_message(f"{word}! feat: x\n\nBREAKING CHANGE: y")
    assert message.is_fixup
    assert message.parts == ()
    assert not message.has_breaking_footer


SHA = "1a2b3c4d" * 5


@pytest.mark.parametrize(
    ("text", "reverts", "subject"),
    [
        (f'Revert "feat: x"\n\nThis reverts commit {SHA}.', (SHA,), None),
        (f'Reapply "feat: x"\n\nThis reverts commit {SHA}.', (SHA,), None),
        ('Revert "feat: x (#12)" (#13)\n\nReverts o/r#12', (), "feat: x (#12)"),
        ('Revert "Revert "feat: x""', (), 'Revert "feat: x"'),
        ("revert: feat: x", (), "feat: x"),
        ("revert: the noodle incident\n\nRefs: 676104e, a215868", ("676104e", "a215868"), None),
    ],
)
def test_reverts(text: str, reverts: tuple[str, ...], subject: str | None) -> None:
    """As git, GitHub and the specification write them."""
    message = read_message(text)
    assert message.is_revert
    assert message.reverts == reverts
    assert message.reverts_subject == subject


@given(st.text())
def test_every_text_is_a_message(text: str) -> None:
    """No message is one that cannot be read."""
    assert read_message(text) == read_message(text)
    read_message(text, is_merge=True)
