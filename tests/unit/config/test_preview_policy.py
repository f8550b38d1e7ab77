"""``preview:`` of ``lockstep.yaml`` and ``pr.yaml``: what they may say, and errors with their lines."""

import pytest

from lockstep.config.preview_file import edit_preview, fill_known, read_preview
from lockstep.config.project_file import read_project
from lockstep.errors import BadInput
from lockstep.model.preview import Preview, PreviewPolicy

SHA = "7e12345678901234567890123456789012345678"


def policy(text: str) -> PreviewPolicy:
    """The policy of a project file."""
    return read_project(f"project: shop\n{text}".encode(), "lockstep.yaml").project.preview


def test_without_it_everything_is_usual() -> None:
    """Versions of staging, no end, no branch of its own, no label."""
    assert policy("") == PreviewPolicy()


def test_everything_said() -> None:
    """Times in seconds, folders without what is too much in them."""
    found = policy(
        "preview: {branch: previews, from: qa, ttl: 14d, warn: 12h, templates: ./tpl/, label: preview,"
        " forkLabel: ok}\n"
    )
    assert found == PreviewPolicy(
        branch="previews",
        source="qa",
        ttl=14 * 86_400,
        warn=12 * 3600,
        templates="tpl",
        label="preview",
        fork_label="ok",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("preview: {branch: 'a b'}\n", r"lockstep\.yaml:2: .*a b"),
        ("preview: {from: preview}\n", "is no environment to take versions from"),
        ("environments: {staging: {}}\npreview: {from: qa}\n", r":3: 'qa' is no environment.*\n.*staging"),
        ("preview: {ttl: 1 week}\n", "write a number and s, m, h or d"),
        ("preview: {ttl: 0d}\n", "lives for no time"),
        ("preview: {templates: ../x}\n", "leaves the project's folder"),
        ("preview: {label: 'a:b'}\n", "without commas and colons"),
        ("preview: {forkLabel: much-too-long}\n", "at most 9"),
        ("preview: {brunch: x}\n", "branch"),
    ],
)
def test_what_cannot_be(text: str, said: str) -> None:
    """Each names the line and what to write."""
    with pytest.raises(BadInput, match=said):
        policy(text)


def test_a_preview_goes_and_comes_back() -> None:
    """What is written is read again, whatever a reader could take a commit or a time for."""
    preview = Preview(
        number=5, sha=SHA, created="2026-11-24T09:00:00+00:00", updated="2026-11-24T10:00:00+00:00"
    )
    data = edit_preview(b"", preview, "pr.yaml", ttl="3d")
    assert f'head_sha: "{SHA}"' in data.decode()
    found = read_preview(data, "pr.yaml", 5)
    assert (found.sha, found.created, found.updated, found.ttl) == (
        SHA,
        preview.created,
        preview.updated,
        3 * 86_400,
    )
    assert edit_preview(data, found, "pr.yaml") == data


@pytest.mark.parametrize(
    "data", [b"", b"# only a comment\n", b"number: 5\n", b'number: "5"\nteam: files\n', b"[]\n"]
)
def test_other_files_are_previews_too(data: bytes) -> None:
    """The file makes the preview; what it says may be somebody else's."""
    assert read_preview(data, "pr.yaml", 5).number == 5


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"number: 6\n", r"pr\.yaml:1: number is 6 in the folder of pull request 5"),
        (b"a: 1\nttl: forever\n", r"pr\.yaml:2: ttl is 'forever'"),
        (b"updated: yesterday\n", "which is no time with an offset"),
        (b'created: "2026-11-24T09:00:00"\n', "no time with an offset"),
    ],
)
def test_what_a_preview_cannot_say(data: bytes, said: str) -> None:
    """The file and the line."""
    with pytest.raises(BadInput, match=said):
        read_preview(data, "pr.yaml", 5)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{pr} {env} {service} {version}", "5 pr-5 api 1.0"),
        ("{{pr}} {{ pr }} {{{pr}}}", "{{pr}} {{ pr }} {{{pr}}}"),
        ("${pr} $${env}", "${pr} $${env}"),
        ('{"a": {}} {other} { pr } {PR} } {', '{"a": {}} {other} { pr } {PR} } {'),
        ("x{pr}y{pr}", "x5y5"),
    ],
)
def test_only_our_names_are_filled_in(before: str, after: str) -> None:
    """What other tools fill in stays as it is, braces and all."""
    names = {"pr": "5", "env": "pr-5", "service": "api", "version": "1.0"}
    assert fill_known(before.encode(), names, "t.yaml").decode() == after
