"""``lockstep-serve.yaml``, and the variables that win over it."""

import base64
from pathlib import Path

import pytest

from lockstep.errors import BadInput, BadInputs
from lockstep.serve.file import PREFIX, Followed, Leave, read_serve_file
from lockstep.serve.messages.destinations import Deployments, Mail, Slack, Webhook
from lockstep.serve.messages.message import Rule, Subject

TEXT = """\
poll: 30s
projects:
  shop:
    repository: https://git.example.org/shop.git
    drift: 1h
    environments:
      staging: {sync: true, selfHeal: true}
      preview: {sync: true}
  my-site:
    repository: .
    branch: live
"""


def read(folder: Path, text: str, **variables: str) -> tuple[Path, tuple[Followed, ...]]:
    """Read a file of this text."""
    path = folder / "lockstep-serve.yaml"
    path.write_text(text)
    found = read_serve_file(path, {PREFIX + name: value for name, value in variables.items()})
    return found.data, found.projects


def test_a_project_says_what_all_do_not(tmp_path: Path) -> None:
    """A folder is followed as a repository of its own; what is not named may only be looked at."""
    data, (shop, site) = read(tmp_path, TEXT)
    assert data == tmp_path / "lockstep-data"
    assert (shop.repository, shop.poll, shop.drift) == ("https://git.example.org/shop.git", 30, 3600)
    assert shop.leave("staging") == Leave(syncs=True, heals=True)
    assert shop.leave("preview/pr-7") == Leave(syncs=True)
    assert shop.leave("production") == Leave()
    assert (shop.clean, shop.syncs, site.syncs) == (None, True, False)
    assert (site.repository, site.branch, site.drift) == (tmp_path.as_uri(), "live", 600)


def test_every_key_can_be_given_by_a_variable(tmp_path: Path) -> None:
    """It wins; capitals and underscores stand for any spelling."""
    data, (shop, site) = read(
        tmp_path,
        TEXT,
        DATA="/var/lib/lockstep",
        POLL="5s",
        PROJECTS__MY_SITE__REPOSITORY="ssh://git@example.org/site.git",
        PROJECTS__MY_SITE__BRANCH="main",
        PROJECTS__SHOP__DRIFT="2m",
        PROJECTS__SHOP__PREVIEWGC="1h",
        PROJECTS__SHOP__ENVIRONMENTS__STAGING__SELFHEAL="false",
    )
    assert (data, shop.poll, shop.drift, shop.clean) == (Path("/var/lib/lockstep"), 5, 120, 3600)
    assert shop.leave("staging") == Leave(syncs=True)
    assert (site.repository, site.branch) == ("ssh://git@example.org/site.git", "main")


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        ("poll: 30s", "pol: 30s", 1, "unknown key 'pol'"),
        ("poll: 30s", "poll: 30", 1, "takes a string"),
        ("poll: 30s", "poll: 0s", 1, "no time at all"),
        ("poll: 30s", "listen: 0.0.0.0:80", 1, "other machines, and nobody logs in"),
        ("poll: 30s", "listen: here", 1, "write an address and a port"),
        ("poll: 30s", "login: {issuer: 'https://id.example.org', client: x}", 1, "add url:"),
        ("poll: 30s", "login: {client: x}", 1, "no provider is named"),
        ("poll: 30s", "login: {issuer: 'http://id.example.org', client: x}", 1, "not an https URL"),
        ("poll: 30s", "login: {issuer: 'https://id.example.org', session: 0s, client: x}", 1, "no time"),
        ("poll: 30s", "url: http://lockstep.example.org", 1, "not an https URL"),
        ("poll: 30s", "roles: {developers: [views]}", 1, "did you mean view?"),
        ("poll: 30s", 'tokens: {ci: {sha256: abc, expires: "2027-01-01"}}', 1, "the 64 digits"),
        ("poll: 30s", f"tokens: {{ci: {{sha256: {64 * 'a'}}}}}", 1, "has no expires"),
        ("poll: 30s", f'tokens: {{ci: {{sha256: {64 * "a"}, expires: "2027-02-30"}}}}', 1, "no such day"),
        ("poll: 30s", "log: yaml", 1, "not allowed for log"),
        ("poll: 30s", "listen: 127.0.0.1:65536", 1, "no port that there is"),
        ("shop:", "../shop:", 3, "no name of a project"),
        ("https://git.example.org/shop.git", "ext::sh", 4, "would run a program"),
        ("https://git.example.org/shop.git", "gone", 4, "there is no folder"),
        ("repository: .", "branch2: x", 10, "unknown key"),
        ("    repository: .\n", "", 9, "has no repository"),
        ("sync: true, selfHeal: true", "selfHeal: true", 7, "heals what it does not sync"),
        ("sync: true, selfHeal: true", "sync: yes", 7, "not a boolean"),
        ("branch: live", "branch: a..b", 11, "branch"),
        ("drift: 1h", "previewGc: 0h", 5, "no time at all"),
        ("branch: live", "previewGc: 1h", 11, "does not sync them"),
        ("branch: live", "events: [queue]", 11, "ARN of a queue"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, where: int, says: str
) -> None:
    """Nothing is started then."""
    assert TEXT.count(old) == 1
    with pytest.raises(BadInput) as caught:
        read(tmp_path, TEXT.replace(old, new))
    assert f"lockstep-serve.yaml:{where}: " in str(caught.value)
    assert says in str(caught.value)


SECRET = "LOCKSTEP_MESSAGE_SECRET"
MESSAGES = """\
messages:
  chat:
    slack: C0123
  anybody:
    webhook: https://hooks.example.org/lockstep
    rules:
      - {projects: [shop], environments: [production], events: [failure, drift]}
  on-call:
    mail: {server: "mail.example.org:587", user: lockstep, from: l@example.org, to: [ada@example.org]}
  github: {deployments: true}
"""


def secrets(folder: Path) -> dict[str, str]:
    """One for each of them that has one."""
    (folder / "password").write_text("s3cr3t\n")
    return {
        f"{SECRET}__CHAT": "xoxb-s3cr3t",
        f"{SECRET}__ANYBODY": f"whsec_{base64.b64encode(b'k' * 24).decode()}",
        f"{SECRET}_FILE__ON_CALL": str(folder / "password"),
    }


def test_who_is_told_what_has_its_secret_elsewhere(tmp_path: Path) -> None:
    """In the environment, or in a file that it names; none is shown."""
    path = tmp_path / "lockstep-serve.yaml"
    path.write_text(TEXT + MESSAGES)
    chat, anybody, on_call, github = read_serve_file(path, secrets(tmp_path)).destinations
    assert chat.way == Slack(channel="C0123", token="xoxb-s3cr3t")
    assert anybody.way == Webhook(url="https://hooks.example.org/lockstep", key=b"k" * 24)
    assert isinstance(on_call.way, Mail)
    assert (on_call.way.password, on_call.way.security, on_call.way.port) == ("s3cr3t", "starttls", 587)
    assert (github.way, github.rules) == (Deployments(), (Rule(),))
    assert anybody.rules[0].events == {Subject.FAILURE, Subject.DRIFT}
    assert "s3cr3t" not in repr((chat, anybody, on_call))
    assert "kkkk" not in repr(anybody)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("  chat:", "  Chat:", 13, "no name of a destination"),
        ("    slack: C0123", "    slack: '#general'", 14, "write the channel's id"),
        ("    slack: C0123", "    slack: C0123\n    webhook: https://example.org", 13, "names two ways"),
        ("    slack: C0123", "    rules: []", 13, "names no way"),
        ("    slack: C0123", "    slackWebhook: true", 13, "no https URL"),
        ("https://hooks", "http://hooks", 16, "not an https URL"),
        ("[failure, drift]", "[failures]", 18, "did you mean failure?"),
        ("projects: [shop]", "projects: [blog]", 17, "no project blog is followed"),
        ("to: [ada@example.org]", "to: []", 20, "mails nobody"),
        ("ada@example.org", '"ada@example.org\\nBcc: eve@example.org"', 20, "to[0]"),
        ("ada@example.org", "Ada <ada@example.org>", 20, "no address"),
        (":587", ":70000", 20, "no port that there is"),
        ("user: lockstep", "security: none", 20, "another machine"),
        ("  anybody:", "  nobody:", 15, f"set {SECRET}__NOBODY"),
    ],
)
def test_what_is_wrong_with_who_is_told(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    """With its line; a secret that is missing is known before anything is started."""
    assert MESSAGES.count(old) == 1
    path = tmp_path / "lockstep-serve.yaml"
    path.write_text(TEXT + MESSAGES.replace(old, new))
    with pytest.raises(BadInput) as caught:
        read_serve_file(path, secrets(tmp_path))
    assert f"lockstep-serve.yaml:{line}: " in str(caught.value)
    assert says in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("POL", "1s", "did you mean POLL?"),
        ("PROJECTS__BLOG__POLL", "1s", "nothing that is spelled BLOG"),
        ("PROJECTS__SHOP", "x", "is a map"),
        ("POLL", "often", "is no valid poll"),
        ("POLL__X", "1s", "nothing that is spelled X"),
        ("PROJECTS__SHOP__ENVIRONMENTS__STAGING__SYNC", "yes", "neither true nor false"),
        ("PROJECTS__SHOP__REPOSITORY", "", "has no repository"),
    ],
)
def test_what_is_wrong_in_a_variable_is_told_with_its_name(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    """It wins over the file, so it is what has to be mended."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, TEXT, **{name: value})
    assert says in str(caught.value)
    if name != "PROJECTS__SHOP__REPOSITORY":
        assert f"{PREFIX}{name}: " in str(caught.value)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    """Missing, empty, without projects, with several mistakes."""
    with pytest.raises(BadInput, match="cannot be read"):
        read_serve_file(tmp_path / "gone.yaml", {})
    for text, says in (("", "holds one map"), ("poll: 1s\n", "no project is followed")):
        with pytest.raises(BadInput, match=says):
            read(tmp_path, text)
    with pytest.raises(BadInputs) as caught:
        read(tmp_path, TEXT.replace("30s", "soon").replace("live", "a..b"))
    assert len(caught.value.errors) == 2
