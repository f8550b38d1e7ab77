"""``lockstep promote``: one commit, one pull request, as the environment's policy says."""

import pytest

from lockstep.forge.base import CheckState, PullState
from lockstep.model.pin import Pin
from tests.functional.promotion.conftest import PRODUCTION_FILE, PROJECT, STAGING, STAGING_FILE, Shop
from tests.support.oci_registry import OciRegistry, serving

API_STAGING = "environments/staging/api/config.yaml"


def test_a_promotion_that_may_merge_itself_is_on_the_branch_at_once(shop: Shop) -> None:
    """Version and digest change in the declaration, and not a byte besides; the branch goes."""
    digest = shop.package("notifier", "0.2.0")
    found = shop.json("promote", "notifier@0.2.0", "--to", "staging")
    assert (found["reached"], found["moves"][0]["from"], found["moves"][0]["to"]) == (
        "merged",
        "0.1.0",
        "0.2.0",
    )
    expected = STAGING.replace('"0.1.0"', '"0.2.0"') + f"  sha256: {Pin.of('0.2.0', digest)}\n"
    assert f"{shop.show(STAGING_FILE)}\n" == expected
    assert shop.log()[0] == "staging: notifier 0.1.0 -> 0.2.0 (#1)"
    assert shop.branches() == {"main"}


def test_a_promotion_for_review_waits_for_a_person(shop: Shop) -> None:
    """Nothing changes on the branch; the pull request says from, to, digest and who."""
    shop.package("notifier", "0.2.0")
    shop.run("promote", "notifier@0.2.0", "--to", "staging")
    out = shop.run("promote", "notifier", "--to", "production", "--override", "no AWS here")
    assert "waits for a person to merge it" in out
    (pull,) = shop.pulls()
    assert pull.title == "production: notifier 0.1.0 -> 0.2.0"
    assert "| `production/notifier` | `0.1.0` | `0.2.0` |" in pull.body
    assert "By `Ada`" in pull.body
    assert "AWS was not read" in pull.body
    assert '"0.1.0"' in shop.show(PRODUCTION_FILE)
    assert "0.2.0" in shop.show(PRODUCTION_FILE, pull.head)


def test_lambda_and_kubernetes_services_travel_in_one_commit(shop: Shop) -> None:
    """Several services are one commit and one pull request."""
    shop.package("notifier", "0.2.0")
    shop.run("promote", "notifier@0.2.0", "api@1.1.0", "--to", "staging")
    assert shop.log()[:1] == ["staging: api 1.0.0 -> 1.1.0, notifier 0.1.0 -> 0.2.0 (#1)"]
    assert 'tag: "1.1.0"' in shop.show(API_STAGING)
    assert 'version: "0.2.0"' in shop.show(STAGING_FILE)


def test_the_digest_of_an_image_is_promoted_by_hand(shop: Shop) -> None:
    """As it is from an environment; a function has no such version."""
    version = f"main@sha256:{'a' * 64}"
    shop.run("promote", f"api@{version}", "--to", "production", "--override", "x")
    (pull,) = shop.pulls()
    assert f'tag: "{version}"' in shop.show(API_STAGING.replace("staging", "production"), pull.head)
    shop.run("promote", f"api@sha256:{'b' * 64}", "--to", "production", "--override", "x")
    (pull,) = shop.pulls()
    assert pull.title.endswith(f"sha256:{'b' * 64}")
    shop.run("promote", f"notifier@{version}", "--to", "staging", code=3)
    assert "is no version" in shop.err


def test_a_newer_version_updates_the_open_promotion(shop: Shop) -> None:
    """There is never a second pull request beside the first, and what else it brings stays in it."""
    for version in ("0.2.0", "0.3.0"):
        shop.package("notifier", version)
        shop.run("promote", f"notifier@{version}", "api@1.1.0", "--to", "production", "--override", "x")
    (pull,) = shop.pulls()
    assert pull.title == "production: api 1.0.0 -> 1.1.0, notifier 0.1.0 -> 0.3.0"
    shop.run("promote", "api@1.2.0", "--to", "production", "--override", "x")
    (pull,) = shop.pulls()
    assert pull.title == "production: api 1.0.0 -> 1.2.0, notifier 0.1.0 -> 0.3.0"


def test_two_open_promotions_become_one_when_they_meet(shop: Shop) -> None:
    """The older pull request takes both; the other one is closed with a word, and its branch goes."""
    shop.package("notifier", "0.2.0")
    shop.run("promote", "notifier@0.2.0", "--to", "production", "--override", "x")
    shop.run("promote", "api@1.1.0", "--to", "production", "--override", "x")
    assert len(shop.pulls()) == 2
    shop.run("promote", "api@1.2.0", "notifier@0.2.0", "--to", "production", "--override", "x")
    (pull,) = shop.pulls()
    assert pull.number == 1
    assert pull.title == "production: api 1.0.0 -> 1.2.0, notifier 0.1.0 -> 0.2.0"
    assert shop.forge.pull(2).state is PullState.CLOSED
    assert shop.branches() == {"main", pull.head}


def test_an_older_version_does_not_replace_a_newer_open_one(shop: Shop) -> None:
    """A slow job that comes late is told which pull request is ahead of it."""
    shop.run("promote", "api@1.2.0", "--to", "production", "--override", "x")
    shop.run("promote", "api@1.1.0", "--to", "production", code=1)
    assert "pull request #1 brings production/api to 1.2.0, newer than 1.1.0" in shop.err


def test_what_a_person_closed_is_not_opened_again(shop: Shop) -> None:
    """The same promotion again needs a reason; another version does not."""
    shop.run("promote", "api@1.1.0", "--to", "production", "--override", "x")
    shop.forge.close_pull(1, comment="no")
    shop.push(**{"lockstep.yaml": PROJECT.replace(", from: staging", "")})
    shop.run("promote", "api@1.1.0", "--to", "production", code=1)
    assert "pull request #1 brought this to production and was closed" in shop.err
    assert "--override" in shop.err
    shop.run("promote", "api@1.2.0", "--to", "production")
    assert [pull.number for pull in shop.pulls()] == [2]


def test_running_again_changes_nothing(shop: Shop) -> None:
    """The same promotion twice is one pull request with one commit."""
    shop.push(**{"lockstep.yaml": PROJECT.replace(", from: staging", "")})
    shop.run("promote", "api@1.1.0", "--to", "production")
    (first,) = shop.pulls()
    shop.run("promote", "api@1.1.0", "--to", "production")
    (second,) = shop.pulls()
    assert (second.number, second.sha) == (first.number, first.sha)


def test_what_is_declared_already_is_nothing_to_do(shop: Shop) -> None:
    """It says so, writes nothing, and is no failure."""
    out = shop.run("promote", "notifier@0.1.0", "--to", "staging")
    assert "Nothing to do" in out
    assert "staging/notifier declares 0.1.0 already" in shop.err
    assert shop.pulls(is_open=False) == []


def test_a_direct_policy_commits(shop: Shop) -> None:
    """No pull request, one commit with trailers that say what moved."""
    shop.push(**{"lockstep.yaml": PROJECT.replace("merge: auto", "merge: direct")})
    found = shop.json("promote", "api@1.1.0", "--to", "staging")
    assert found["reached"] == "committed"
    assert shop.log()[0] == "staging: api 1.0.0 -> 1.1.0"
    message = shop.work.git("log", "-1", "--format=%B", "origin/main")
    assert "Lockstep-Promotes: staging/api@1.1.0" in message
    assert shop.pulls(is_open=False) == []


def test_a_pull_request_waits_for_its_checks(shop: Shop) -> None:
    """While a required check is missing it stays open; once it has succeeded the next look merges it."""
    shop.forge.require_checks("main", ["test"])
    out = shop.run("promote", "api@1.1.0", "--to", "staging")
    assert "merges itself when its checks pass" in " ".join(out.split())
    (pull,) = shop.pulls()
    shop.forge.set_status(pull.sha, context="test", state=CheckState.SUCCESS, description="fine")
    shop.run("promote", "api@1.1.0", "--to", "staging")
    assert shop.forge.pull(pull.number).state is PullState.MERGED
    assert 'tag: "1.1.0"' in shop.show(API_STAGING)


def test_a_check_that_fails_blocks_it(shop: Shop) -> None:
    """The command fails and says that nothing will merge it by itself."""
    shop.forge.require_checks("main", ["test"])
    shop.run("promote", "api@1.1.0", "--to", "staging")
    (pull,) = shop.pulls()
    shop.forge.set_status(pull.sha, context="test", state=CheckState.FAILURE, description="broken")
    out = shop.run("promote", "api@1.1.0", "--to", "staging", code=1)
    assert "Blocked: pull request #1" in out
    assert 'tag: "1.0.0"' in shop.show(API_STAGING)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["nothing@1.0.0", "--to", "staging"], 3, "staging declares no service nothing"),
        (["notifer@0.1.0", "--to", "staging"], 3, "did you mean notifier?"),
        (["notifier", "--to", "staging"], 3, "takes versions from nowhere"),
        (["notifier@", "--to", "staging"], 3, "write SERVICE or SERVICE@VERSION"),
        (["notifier@0.2.0", "--to", "stagin"], 3, "there is no environment stagin"),
        (["notifier@0.2.0", "--to", "preview/pr-1"], 3, "there is no environment preview/pr-1"),
        (["notifier@0.2.0", "--to", "staging", "--from", "nowhere"], 3, "no environment nowhere"),
        (["notifier@0.1.0", "--to", "production", "--from", "preview"], 3, "from staging only"),
        (["notifier@9.9.9", "--to", "staging"], 1, "packages/notifier-9.9.9.zip"),
        (["notifier@0.0.9", "--to", "staging"], 1, "0.0.9 comes before 0.1.0"),
        (["notifier@0.1.0", "notifier@0.2.0", "--to", "staging"], 3, "both asked for"),
        (["api@1.1.0", "--to", "production"], 1, "1.1.0 has never run as staging/api"),
        (["api@../../x", "--to", "staging"], 3, "'../../x' is no version"),
        (["--to", "staging"], 3, "SERVICE"),
        (["api@1.1.0"], 3, "--to"),
        (["api@1.1.0", "--to", "staging", "--override", " "], 3, "the reason is empty"),
    ],
)
def test_what_cannot_be_promoted_is_said_before_anything_is_written(
    shop: Shop, words: list[str], code: int, says: str
) -> None:
    """Exit 3 for bad input, 1 for a gate or a package that is missing; no branch, no pull request."""
    before = shop.work.git("ls-remote", "origin")
    shop.run("promote", *words, code=code)
    assert says in shop.err
    assert "fix: " in shop.err
    assert shop.work.git("ls-remote", "origin") == before


def test_a_protected_branch_refuses_with_its_rule(shop: Shop) -> None:
    """The hook's words are shown, and what to do."""
    shop.push(**{"lockstep.yaml": PROJECT.replace("merge: auto", "merge: direct")})
    hook = shop.bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    shop.run("promote", "api@1.1.0", "--to", "staging", code=1)
    assert "Protected branch" in shop.err
    assert "fix: " in shop.err


def test_a_work_tree_is_not_touched(shop: Shop) -> None:
    """What lies on disk, staged or not, and the branch that is checked out stay as they are."""
    shop.work.git("checkout", "-q", "-b", "mine")
    shop.work.write(STAGING_FILE, STAGING + "# not finished\n")
    head, status = shop.work.git("rev-parse", "HEAD"), shop.work.git("status", "--porcelain")
    shop.run("promote", "api@1.1.0", "--to", "staging")
    assert (shop.work.git("rev-parse", "HEAD"), shop.work.git("status", "--porcelain")) == (head, status)
    assert "# not finished" in (shop.work.folder / STAGING_FILE).read_text()


def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    """It finds packages and gates, and leaves the server as it was."""
    before = shop.work.git("ls-remote", "origin")
    out = shop.run("promote", "api@1.1.0", "--to", "staging", "--dry-run")
    assert "staging/api  1.0.0 -> 1.1.0" in out
    assert "nothing was written" in out
    assert shop.work.git("ls-remote", "origin") == before


def test_a_malformed_declaration_is_named_with_its_line(shop: Shop) -> None:
    """Somebody broke a file on the branch: nothing is written on top of it."""
    shop.push(**{API_STAGING: "image: {tag: [\n"})
    shop.run("promote", "notifier@0.1.0", "--to", "staging", code=3)
    assert f"{API_STAGING}:" in shop.err


def test_globs_promote_what_the_source_has(shop: Shop) -> None:
    """Services that the source does not declare are left where they are."""
    shop.run("promote", "api@1.1.0", "--to", "staging")
    found = shop.json("promote", "*", "--to", "production", "--override", "x")
    assert [move["target"] for move in found["moves"]] == ["production/api"]


def test_a_policy_is_read_from_the_branch_not_from_disk(shop: Shop) -> None:
    """A hold that is pushed counts although the clone does not have it yet."""
    shop.push(**{"lockstep.yaml": PROJECT.replace("merge: auto}", "merge: auto, hold: the audit}")})
    shop.work.git("checkout", "-q", "--detach", "HEAD~1")
    shop.run("promote", "api@1.1.0", "--to", "staging", "--override", "x", code=1)
    assert "the environment is on hold: the audit" in shop.err


def test_a_freeze_names_when_it_ends(shop: Shop) -> None:
    """It is passed with a reason, which the pull request tells."""
    freeze = 'freeze: [{from: "2000-01-01", to: "2999-12-31", reason: the flood}]'
    shop.push(**{"lockstep.yaml": PROJECT.replace("merge: auto}", f"merge: review, {freeze}}}")})
    shop.run("promote", "api@1.1.0", "--to", "staging", code=1)
    assert "frozen: the flood" in shop.err
    assert "it ends 3000-01-01" in shop.err
    shop.run("promote", "api@1.1.0", "--to", "staging", "--override", "the flood is over")
    (pull,) = shop.pulls()
    assert "the flood is over" in pull.body
    assert "frozen: the flood" in pull.body


def test_a_project_in_a_folder_of_its_repository_is_promoted_there(shop: Shop) -> None:
    """Paths are the project's; what lies beside it is left alone."""
    shop.pull()
    for path in ("lockstep.yaml", "services", "environments"):
        (shop.work.folder / "ops").mkdir(exist_ok=True)
        shop.work.git("mv", path, f"ops/{path}")
    shop.push_disk("everything in ops/", **{"README.md": "beside it\n"})
    shop.run("-C", str(shop.work.folder / "ops"), "promote", "api@1.1.0", "--to", "staging")
    assert 'tag: "1.1.0"' in shop.show(f"ops/{API_STAGING}")
    changed = shop.work.git("diff", "--name-only", "origin/main~1", "origin/main")
    assert changed == f"ops/{API_STAGING}"


def test_a_repository_without_a_server_is_promoted_in_place(shop: Shop) -> None:
    """Without a remote the branch itself moves, and the files of a clean work tree with it."""
    shop.push(**{"lockstep.yaml": PROJECT.replace("merge: auto", "merge: direct")})
    shop.work.git("checkout", "-q", "-B", "main", "origin/main")
    shop.work.git("remote", "remove", "origin")
    shop.run("promote", "api@1.1.0", "--to", "staging")
    assert 'tag: "1.1.0"' in (shop.work.folder / API_STAGING).read_text()
    assert shop.work.git("status", "--porcelain") == ""
    assert shop.work.git("log", "-1", "--format=%s") == "staging: api 1.0.0 -> 1.1.0"


def test_an_image_that_is_not_there_is_not_promoted(shop: Shop) -> None:
    """Its registry is asked before anything is written, for a rollback too."""
    with serving(OciRegistry()) as registry:
        image = f'{{exists: required, repository: "{registry.host}/acme/{{service}}"}}'
        shop.push(**{"lockstep.yaml": f"{PROJECT}services: {{api: {{image: {image}}}}}\n"})
        before = shop.log()
        shop.run("promote", "api@1.1.0", "--to", "staging", code=1)
        assert f"there is no image {registry.host}/acme/api:1.1.0, which api 1.1.0 needs" in shop.err
        assert shop.log() == before
        registry.push("acme/api", "1.1.0")
        shop.run("promote", "api@1.1.0", "--to", "staging")
        shop.run("rollback", "staging/api", code=1)
        assert "acme/api:1.0.0" in shop.err
        registry.push("acme/api", "1.0.0")
        shop.run("rollback", "staging/api")


def test_a_published_number_goes_nowhere_but_to_its_own_function(shop: Shop) -> None:
    """Elsewhere it would be another version; where the function is the same an alias has to be there."""
    staging = STAGING.replace('"0.1.0"', '"43"').replace("lambda:\n", "lambda:\n  alias: staging\n")
    shop.push("a number", **{STAGING_FILE: staging})
    shop.run("promote", "notifier", "--to", "production", code=3)
    assert "43 is the number of a published version of notifier-staging" in shop.err
    assert "this target has another function" in shop.err
