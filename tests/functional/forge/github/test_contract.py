"""GitHub's own description of its API: that it is there, that it is strict, and that older servers agree.

All tests of this folder run against a server that checks requests and answers with it.
"""

import json
from pathlib import Path

import pytest

from lockstep.forge.base import CheckState, DeploymentState, MergeMethod
from lockstep.forge.github import GitHub
from lockstep.forge.github.transport import Transport
from tests.functional.forge.github.conftest import NAME, TOKEN, Time
from tests.support.github import Contract, NotThere, Protection, Repository, github_server, load_contract


@pytest.fixture(scope="module")
def contract() -> Contract:
    """The description of github.com."""
    return described("api.github.com")


def described(edition: str) -> Contract:
    """A description, or the reason why it is not at hand."""
    try:
        return load_contract(edition)
    except NotThere as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("edition", ["api.github.com", "ghes-3.17"])
def test_all_that_a_forge_does_is_described(tmp_path: Path, edition: str) -> None:
    """By github.com, and by the oldest GitHub Enterprise Server that is described."""
    transport = Transport(clock=Time().clock())
    with github_server(tmp_path / "github", described(edition)) as server:
        forge = GitHub(repository=NAME, token=TOKEN, api=server.api, transport=transport)
        tour(forge, server.world.add_repository(NAME), tmp_path)
        sent = {(seen.method, len(seen.path.split("/"))) for seen in server.seen}
    assert len(sent) > 10


def tour(forge: GitHub, repository: Repository, folder: Path) -> None:
    """Call every method once."""
    git = repository.git
    main = git.resolve("main")
    assert main is not None
    head = git.commit("change", {"file": "two\n"}, "Change", start="main")
    pull = forge.open_pull(head="change", base="main", title="T", body="B", labels=["a"])
    forge.label(pull.number, remove=["a"])
    forge.comment(pull.number, "plan", marker="plan")
    forge.comment(pull.number, "other plan", marker="plan")
    forge.update_pull(pull.number, title="U")
    assert forge.pulls(head="change", base="main", is_open=False)
    repository.protections["main"] = Protection(checks=("ci",))
    forge.merge_when_ready(pull.number, sha=head, method=MergeMethod.MERGE)
    forge.set_status(
        head, context="ci", state=CheckState.SUCCESS, description="d", url="https://example.org/"
    )
    assert forge.checks(head)
    git.commit("other", {"other": "x\n"}, "Other", start="main")
    forge.close_pull(forge.open_pull(head="other", base="main", title="O", body="").number, comment="no")
    git.commit("third", {"third": "x\n"}, "Third", start="main")
    repository.protections.clear()
    third = forge.open_pull(head="third", base="main", title="3", body="")
    forge.merge_pull(third.number, sha=third.sha, method=MergeMethod.SQUASH, title="Third")
    assert len(forge.commits(main, "main")) == 3
    git.tag("v1", main, is_annotated=True)
    (folder / "a.zip").write_bytes(b"PK")
    release = {"tag": "v1", "commit": main, "title": "T", "body": "B", "is_prerelease": True}
    forge.publish(assets={"a.zip": folder / "a.zip"}, **release)  # type: ignore[arg-type]
    assert forge.release("v1") is not None
    for state in DeploymentState:
        forge.deployment(
            main, environment="staging", state=state, description="d", url="https://example.org/"
        )
    forge.put_issue("drift", title="T", body="B", labels=["drift"])
    forge.put_issue("drift", title="U", body="B", labels=["drift", "b"])
    forge.close_issue("drift", comment="done")


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "problem"),
    [
        ("GET", "/repos/a/b/pull/1", "", None, "no such operation"),
        ("GET", "/repos/a/b/pulls", "state=merged", None, "'merged' is not one of"),
        ("GET", "/repos/a/b/pulls", "per_page=many", None, "not of type 'integer'"),
        ("GET", "/repos/a/b/pulls", "author=octo", None, "author is not described"),
        ("GET", "/repos/a/b/pulls/one", "", None, "not of type 'integer'"),
        ("POST", "/repos/a/b/pulls", "", {"title": "t", "head": "h"}, "'base' is a required property"),
        ("POST", "/repos/a/b/pulls", "", {"head": "h", "base": "b", "labels": []}, "labels is not described"),
        ("POST", "/repos/a/b/pulls", "", None, "body is missing"),
        ("POST", "/repos/a/b/statuses/x", "", {"state": "ok"}, "'ok' is not one of"),
        ("DELETE", "/repos/a/b/releases/1", "", {"x": 1}, "no body is described"),
        ("POST", "/repos/a/b/releases/1/assets", "", {"x": 1}, "name is missing"),
    ],
)
def test_what_github_would_not_take(
    contract: Contract, method: str, path: str, query: str, body: object, problem: str
) -> None:
    """Unknown paths, parameters and fields, wrong types and missing ones are found."""
    data = b"" if body is None else json.dumps(body).encode()
    found = contract.request_problems(method, path, query, "application/json", data)
    assert any(problem in each for each in found), found


def test_what_github_would_take(contract: Contract) -> None:
    """A right request has no problems; the wrong content type is one."""
    data = json.dumps({"state": "success", "context": "c"}).encode()
    ask = ("POST", "/repos/a/b/statuses/x", "")
    assert contract.request_problems(*ask, "application/json", data) == []
    assert contract.request_problems(*ask, "text/plain", data) == ["content type text/plain is not described"]
    assert contract.request_problems("GET", "/repos/a/b/git/ref/tags/x/y", "", None, b"") == []


def test_what_github_would_not_answer(contract: Contract) -> None:
    """Statuses, types and values of answers are checked; fields may be left out."""
    path = "/repos/a/b/pulls/1"
    assert contract.answer_problems("GET", path, 200, {"number": 1, "state": "open"}) == []
    assert contract.answer_problems("GET", path, 404, {}) == []
    assert contract.answer_problems("GET", path, 201, {}) == ["status 201 is not described"]
    assert len(contract.answer_problems("GET", path, 200, {"number": "1", "state": "new"})) == 2


@pytest.mark.parametrize(
    ("document", "variables", "data", "problem"),
    [
        ("query A { viewer { name2 } }", {}, None, "Cannot query field 'name2'"),
        ("query A($n: Int!) { viewer { login } }", {"n": 1}, None, "never used"),
        ("query A { viewer { login } }", {"n": 1}, None, "variable n is not declared"),
        (
            "query A($o: String!) { repository(owner: $o, name: $o) { id } }",
            {"o": None},
            None,
            "non-null type 'String!' must not be null",
        ),
        ("query A { viewer { login } }", {}, {"viewer": {"login": None}}, "Cannot return null"),
        ("query A { viewer { login } }", {}, {"viewer": {"login": "a", "id": "b"}}, "were not asked for"),
    ],
)
def test_what_graphql_would_not_take(
    contract: Contract, document: str, variables: dict[str, object], data: object, problem: str
) -> None:
    """Fields, variables and their types, and answers of another shape."""
    answer = None if data is None else {"data": data}
    found = contract.graphql_problems({"query": document, "variables": variables}, answer)
    assert any(problem in each for each in found), found


def test_a_right_graphql_request(contract: Contract) -> None:
    """It has no problems, and neither has its answer."""
    sent = {"query": "query A { viewer { login } }", "variables": {}}
    assert contract.graphql_problems(sent, {"data": {"viewer": {"login": "octo"}}}) == []
