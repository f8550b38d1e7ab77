"""Rules of names agree with AWS's own models."""

import re

import botocore.session
import pytest

from lockstep.config import rules
from lockstep.config.delivery_schema import FORGE
from lockstep.config.schema import PROJECT


def test_events_are_those_of_the_service_model() -> None:
    """A new event of S3 is one line."""
    model = botocore.session.get_session().get_service_model("s3")
    assert sorted(rules.EVENTS) == sorted(model.shape_for("Event").enum)


@pytest.mark.parametrize("name", ["AB", "a1", "A_", "A", "1A", "_A", "A-B", ""])
def test_variable_names_are_judged_as_the_service_model_does(name: str) -> None:
    """EnvironmentVariableName of Lambda."""
    model = botocore.session.get_session().get_service_model("lambda")
    pattern = model.shape_for("EnvironmentVariableName").metadata["pattern"]
    assert (rules.variable(name) is None) == (re.fullmatch(pattern, name) is not None)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("a b", "a+b"),
        ("a=b/c", "a%3Db/c"),
        ("(1)", "%281%29"),
        ("ü~", "%C3%BC%7E"),
        ("100%", "100%25"),
        ("a%20b c", "a%20b+c"),
        ("x:y,z;@&$", "x%3Ay%2Cz%3B%40%26%24"),
    ],
)
def test_the_fix_of_a_filter_is_a_valid_filter(text: str, encoded: str) -> None:
    """What is suggested is accepted."""
    found = rules.s3_filter(text)
    assert found is not None
    assert found[1] == f"write {encoded!r}"
    assert rules.s3_filter(encoded) is None


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("1.2.3", True),
        ("main", True),
        (f"main@sha256:{'a' * 64}", True),
        (f"sha256:{'a' * 64}", True),
        (f"@sha256:{'a' * 64}", True),
        (f"main@sha256:{'a' * 63}", False),
        (f"main@sha256:{'A' * 64}", False),
        (f"a b@sha256:{'a' * 64}", False),
        (f"main@sha256:{'a' * 64}\n", False),
        ("main@", False),
        ("main@1.2.3", False),
        ("", False),
    ],
)
def test_a_version_that_others_deploy_may_be_a_digest(text: str, is_taken: bool) -> None:
    """As values files have it under image.tag."""
    assert (rules.deployed_version(text) is None) is is_taken


@pytest.mark.parametrize("text", ["", "abc123def456...", "...", "0a1b2c3", "A" * 40, "a" * 64])
def test_commits_and_their_placeholders_are_taken(text: str) -> None:
    """As the users' files have them."""
    assert rules.commit(text) is None


@pytest.mark.parametrize("text", ["main", "abc", "a" * 65, "abc..", "0x12345678"])
def test_other_texts_are_no_commits(text: str) -> None:
    """Branches and short words."""
    assert rules.commit(text) is not None


@pytest.mark.parametrize("url", ["https://a.example/x?y=1", "http://127.0.0.1:8000/x", "http://localhost/x"])
def test_urls_are_encrypted_or_local(url: str) -> None:
    """Plain HTTP only on this machine."""
    assert rules.url(url) is None


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a/", "https://", "https://u:p@a/", "a.example/x", "http://localhost.evil/x"],
)
def test_other_urls_are_refused(url: str) -> None:
    """No host, no encryption, or credentials."""
    assert rules.url(url) is not None


@pytest.mark.parametrize("name", ["abc", "a.b-c", "a" * 63])
def test_bucket_names(name: str) -> None:
    """As S3 takes them."""
    assert rules.bucket(name) is None


@pytest.mark.parametrize("name", ["ab", "ABC", "a_b", "a" * 64, "192.168.0.1", "-ab", "s3://abc", "abc/def"])
def test_other_bucket_names(name: str) -> None:
    """As S3 refuses them."""
    assert rules.bucket(name) is not None


@pytest.mark.parametrize("name", ["acme/shop", "octo_acme/shop", "A-1/b._-c"])
def test_repositories_of_github(name: str) -> None:
    """Owners may have an underscore, in ``forge:`` as in ``artifacts:``."""
    assert re.fullmatch(rules.GITHUB_REPOSITORY, name)
    artifacts = next(row for row in PROJECT.members if row.name == "artifacts")
    patterns = [row.pattern for row in (*artifacts.members, *FORGE.members) if row.name == "repository"]
    assert len(patterns) == 2
    assert all(re.fullmatch(pattern, name) for pattern in patterns)
