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


def _parts(text: str) -> list[str]:
    return [str(part) for part in read_message(text).parts]


def test_a_squashed_body_names_more_changes() -> None:
    """Items with a known type count; what a commit's own body lists, prose and code do not."""
    text = (
        "Retries (#12)\n\n* feat(api): retry\n\n* wip: something\n\n- fix!: a list of its body\n\n"
        "* note: no type\nfeat: no item\n        * feat: code\n\n* perf: last\n\n---------\n\n"
        "Co-authored-by: Ada <ada@example.org>\n"
    )
    assert _parts(text) == ["feat(api)", "perf"]


@pytest.mark.parametrize("mark", ["*", "-"])
def test_subjects_one_below_the_other_are_a_squash_too(mark: str) -> None:
    """As Azure DevOps writes them; text that follows belongs to the last."""
    text = f"Merged PR 3: Retries\n\n{mark} docs: a\n{mark} feat!: b\n{mark} fix: c\n\nBREAKING CHANGE: d\n"
    assert _parts(text) == ["docs", "feat!", "fix"]
    assert read_message(text).has_breaking_footer


@pytest.mark.parametrize(
    "body",
    [
        "```\n* fix!: a\n\nBREAKING CHANGE: b\n```",
        "~~~text\n* fix!: a\n```\nBREAKING CHANGE: b\n~~~\n",
        "1. Run:\n\n   ```sh\n   BREAKING CHANGE: b\n   ```",
        "````\n```\nBREAKING CHANGE: never closed",
        "<details>\n<summary>Commits</summary>\n\n* fix!: a\n\nBREAKING CHANGE: b\n</details>",
        "<details><summary>A</summary><details>\n* fix!: a\n</details>\nBREAKING CHANGE: b\n</DETAILS>\nEnd",
        "<blockquote>\n\nBREAKING CHANGE: b\n</blockquote>",
        "<pre>\n* fix!: a\nBREAKING CHANGE: b\n</pre>",
        "<!--\nBREAKING CHANGE: say what breaks\n* fix!: a\n-->",
        "<!-- one --> <!-- two\n* fix!: a\n\nBREAKING CHANGE: b -->\nText",
        "> BREAKING CHANGE: b\n> * fix!: a",
        "    BREAKING CHANGE: b\n\n    * fix!: a",
        "BREAKING CHANGE: <!-- what breaks, or remove this -->",
        "BREAKING CHANGE: none",
        "BREAKING CHANGE: N/A.",
        "BREAKING CHANGE: _No_",
        "BREAKING CHANGE: <describe it>\n\nBREAKING CHANGE: [describe it]",
        "BREAKING CHANGE:\n\n## Checklist",
        "## Type of change\n\n- feat!: a breaking change\n- fix: a mend\n",
        "- [ ] feat!: a breaking change\n- [x] fix: a mend\n- [ ] BREAKING CHANGE: b",
        "* fix!: drop y by @ada in https://github.com/o/r/pull/1\n* feat: z by @bob in https://github.com/o/r/pull/2",
        "* fix!: drop y by @ada\n",
        "* fix!: drop y ([abc1234](https://github.com/o/r/commit/abc1234))\n* feat: z",
        "Bumps y from 1 to 2.\n\n* fix!: drop y\n* feat: z\n",
        "## What's Changed\n\n* fix!: drop y\n\n* feat: z\n",
        "Commits:\n* BREAKING CHANGE: y is gone\n",
    ],
)
def test_what_is_only_quoted_counts_nowhere(body: str) -> None:
    """Code, collapsed and commented text, quotes, templates, and lists of another repository's commits."""
    message = read_message(f"chore(deps): update y (#12)\n\n{body}")
    assert [str(part) for part in message.parts] == ["chore(deps)"]
    assert not message.has_breaking_footer


def test_a_list_in_the_body_of_a_squashed_commit_is_not_the_squash() -> None:
    """What a commit says of a dependency's commits stays its own; the commit after it counts again."""
    text = (
        "Update (#12)\n\n* chore: update y\n\nChanges of y:\n\n* fix!: drop a\n* feat: b\n\n* feat!: c\n\n"
        "Tested by hand.\n\n* fix: adapt to y\n"
    )
    assert _parts(text) == ["chore", "fix"]


@pytest.mark.parametrize(
    "quoted",
    [
        "`<details>` and `<!--` are markup.\n\n{}",
        "<!-- nothing -->\n{}",
        "```\ncode\n```\n{}",
        "<details>\nlong\n</details>\n\n{}",
        "> so they said\n\n{}",
        "Inline ```code``` here.\n{}",
        "BREAKING CHANGE: none\n{}",
    ],
)
def test_what_stands_beside_quoted_text_counts(quoted: str) -> None:
    """A quotation ends where it ends."""
    assert read_message("fix: x\n\n" + quoted.format("BREAKING CHANGE: y")).has_breaking_footer


def test_a_quoted_revert_takes_nothing_back() -> None:
    """The commit that it names stays."""
    assert read_message(f"docs: x\n\n> This reverts commit {SHA}.").reverts == ()
    assert read_message(f"docs: x\n\n```\nThis reverts commit {SHA}.\n```").reverts == ()


def test_a_squash_that_holds_its_own_revert() -> None:
    """The commit and what takes it back ask for nothing, the commit's footer included."""
    one = f'* feat!: drop y\n\nBREAKING CHANGE: y\n\n* Revert "feat!: drop y"\n\nThis reverts commit {SHA}.\n'
    message = read_message(f"Tidy up (#12)\n\n{one}\n* fix: z\n")
    assert [str(part) for part in message.parts] == ["fix"]
    assert not message.has_breaking_footer
    assert message.reverts == ()
    again = f'{one}\n* Revert "Revert "feat!: drop y""\n\nThis reverts commit {SHA[::-1]}.\n'
    assert [str(part) for part in read_message(f"Tidy up (#12)\n\n{again}").parts] == ["feat!"]
    twice = "* wip\n\n* feat!: y\n\n* wip\n\n* revert: feat!: y\n\n* feat!: y\n"
    assert [str(part) for part in read_message(f"Tidy up (#12)\n\n{twice}").parts] == ["feat!"]


def test_a_squash_may_take_back_a_commit_of_the_main_line() -> None:
    """One that it does not list itself."""
    text = f'Tidy up (#12)\n\n* fix: z\n\n* Revert "feat: y"\n\nThis reverts commit {SHA}.\n'
    assert read_message(text).reverts == (SHA,)


_quotes = st.sampled_from(["```\n{}\n```", "~~~\n{}\n~~~", "<details>\n{}\n</details>", "<!--\n{}\n-->"])
_loud = st.sampled_from(
    ["BREAKING CHANGE: x", "* feat!: x", "* fix: x", "text", "", "This reverts commit 1234567."]
)


@given(_quotes, st.lists(_loud, max_size=6), st.lists(st.sampled_from(["text", "", "* fix: y"]), max_size=4))
def test_quoting_a_text_is_leaving_it_out(quote: str, loud: list[str], beside: list[str]) -> None:
    """Whatever stands in it, and whatever stands before it."""
    before = "\n".join(["docs: t", "", *beside, "prose."])
    assert read_message(f"{before}\n{quote.format(chr(10).join(loud))}") == read_message(before)


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
