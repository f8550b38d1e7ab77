"""An environment changes its engine by command: each run writes one commit, and AWS stays as it is."""

import pytest

from lockstep.local.ministack import LocalCloud
from tests.functional.promotion.conftest import Shop
from tests.functional.promotion.test_handed_over import HANDED, JOB, KUBERNETES
from tests.support import clouds

PATH = JOB.format("staging")


@pytest.fixture
def applied(shop: Shop, ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, whose staging Argo CD has deployed by a Job; nothing of production is there."""
    for name, value in ministack.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    clouds.make_role(ministack)
    clouds.make_bucket(ministack, "shop-packages")
    shop.push("the cluster applies it", **{"lockstep.yaml": HANDED + KUBERNETES})
    shop.pull()
    shop.run("sync", "staging")
    shop.pull()
    shop.run("sync", "staging", "--yes", "--in-cluster")
    return shop


def test_a_road_lets_go_before_the_next_engine_is_named(applied: Shop, ministack: LocalCloud) -> None:
    """Two commits with the cluster between them; each run says what is next, and none is too early."""
    applied.run("render", "staging", "--as", "argocd-job", "--check")
    out = applied.run("adopt", "staging", "--from", "argocd-job")
    assert out.startswith(f"wrote {PATH}\nmind: two would own the functions of staging if aws wrote before")
    assert "nothing in AWS would change" in applied.err
    text = (applied.work.folder / PATH).read_text()
    assert "# It lets go: " in text
    assert "kind: Job" not in text
    # Not committed yet, so a cluster cannot have applied it: the same again.
    assert applied.run("adopt", "staging", "--from", "argocd-job", "--applied") == out
    applied.push_disk("let go")
    out = applied.run("adopt", "staging", "--from", "argocd-job")
    assert out.startswith("mind: two would own")
    assert "1. wait until the cluster has applied it\n2. lockstep eject staging --to aws --applied\n" in out
    out = " ".join(applied.run("sync", "staging", code=1).split())
    assert f"{PATH}:1: it lets go for a hand-over, and is left as it is" in out
    assert "1 leaving" in applied.run("render", "staging", "--as", "argocd-job", "--check") + applied.err
    out = applied.run("eject", "staging", "--to", "aws", "--applied")
    assert f"wrote lockstep.yaml\nremoved {PATH}" in "\n".join(sorted(out.splitlines(), reverse=True))
    assert (
        "staging: {engine: aws, promotion: {merge: direct}}"
        in (applied.work.folder / "lockstep.yaml").read_text()
    )
    applied.run("eject", "staging", "--to", "aws", code=1)
    assert "it is not committed, and a hand-over goes from commit to commit" in applied.err
    applied.push_disk("aws applies it")
    assert applied.json("plan", "staging")["steps"] == []
    assert "mind: aws alone applies staging" in applied.run("adopt", "staging", "--from", "argocd-job")
    place = "staging: {engine: aws, account: '123456789012', "
    text = (applied.work.folder / "lockstep.yaml").read_text().replace("staging: {engine: aws, ", place)
    applied.push_disk("where it is", **{"lockstep.yaml": text})
    assert "wrote lockstep.yaml" in applied.run("eject", "staging", "--to", "ack")
    applied.work.git("checkout", "-q", ".")
    lambda_ = clouds.client(ministack, "lambda")
    arn = lambda_.get_function(FunctionName="notifier-staging")["Configuration"]["FunctionArn"]
    lambda_.tag_resource(Resource=arn, Tags={"team": "files"})
    applied.run("eject", "staging", "--to", "ack", code=1)
    assert "staging/notifier: tags of others would be removed: team" in applied.err


def test_on_a_branch_of_their_own_manifests_let_go_there_and_leave_after_the_engine_is_named(
    applied: Shop,
) -> None:
    """They are committed there by the merge policy; the line that names the engine is the user's commit.

    Until the engine is named a sync would write again what left, so they leave after that.
    """
    own = HANDED + KUBERNETES + "  branch: manifests\n"
    applied.push("a branch for manifests", **{"lockstep.yaml": own})
    applied.work.git("rm", "-q", PATH)
    applied.push_disk("and none among the declarations")
    assert "committed to manifests as" in applied.run("sync", "staging")
    out = applied.run("adopt", "staging", "--from", "argocd-job")
    assert out.startswith("committed to manifests as ")
    assert "1. wait until the cluster has applied it\n2. lockstep eject staging --to aws --applied\n" in out
    assert not applied.work.git("status", "--porcelain")
    assert applied.log("manifests")[0] == "staging: let go for aws"
    assert "# It lets go: " in applied.show(PATH, "manifests")
    assert "kind: Job" not in applied.show(PATH, "manifests")
    assert applied.run("adopt", "staging", "--from", "argocd-job").startswith("mind: two would own")
    out = " ".join(applied.run("sync", "staging", code=1).split())
    assert f"{PATH}:1: it lets go for a hand-over, and is left as it is" in out
    out = applied.run("eject", "staging", "--to", "aws", "--applied")
    assert out.startswith("wrote lockstep.yaml\nmind: ")
    assert "2. lockstep eject staging --to aws, which takes what let go off the branch manifests\n" in out
    assert "# It lets go: " in applied.show(PATH, "manifests")
    applied.push_disk("aws applies it")
    out = applied.run("eject", "staging", "--to", "aws")
    assert out.startswith("committed to manifests as ")
    assert "1. wait until the cluster has dropped the objects; " in out
    assert "2. lockstep sync staging\n" in out
    assert applied.log("manifests")[0] == "staging: leave argocd-job for aws"
    assert applied.json("plan", "staging")["steps"] == []
    assert "mind: aws alone applies staging" in applied.run("eject", "staging", "--to", "aws")
    # There and back: what is written is a sync's.
    assert "wrote lockstep.yaml" in applied.run("eject", "staging", "--to", "argocd-job")
    applied.push_disk("the cluster applies it")
    assert "committed to manifests as" in applied.run("sync", "staging")
    # Where a person reviews what comes there it is a pull request, and stays one.
    applied.push(
        "reviewed",
        **{
            "lockstep.yaml": own.replace(
                "staging: {engine: argocd-job, promotion: {merge: direct}}",
                "staging: {engine: argocd-job, promotion: {merge: review}}",
            )
        },
    )
    applied.pull()
    for _ in range(2):
        assert "waits for a person to merge it\n" in applied.run("eject", "staging", "--to", "aws")
    (pull,) = applied.pulls()
    assert (pull.base, pull.title) == ("manifests", "staging: let go for aws")


def test_an_engine_that_is_named_too_early_is_no_end_of_it(applied: Shop) -> None:
    """While manifests of the other one stand, two own the functions; those that let go are taken away."""
    text = HANDED.replace(
        "staging: {engine: argocd-job, ", "staging: {engine: ack, account: '123456789012', "
    )
    applied.push("too early", **{"lockstep.yaml": text + KUBERNETES})
    applied.pull()
    applied.run("eject", "staging", "--to", "ack", code=1)
    assert f"{PATH} hands staging/notifier over by argocd-job, and engine: ack of staging" in applied.err
    applied.push("back", **{"lockstep.yaml": HANDED + KUBERNETES})
    applied.pull()
    applied.run("eject", "staging", "--to", "aws")
    applied.push_disk("let go")
    applied.run("eject", "staging", "--to", "aws", "--applied")
    applied.work.git("checkout", "-q", "HEAD", "--", PATH)
    applied.push_disk("half of it")
    out = applied.run("eject", "staging", "--to", "aws")
    assert out.startswith(f"removed {PATH}\nmind: two would own")
    assert "1. commit and push what was written\n2. wait until the cluster has dropped" in out


def test_what_would_change_something_is_not_begun(applied: Shop) -> None:
    """It is named, nothing is written, and who wants it says so."""
    path = "environments/staging/notifier/config.yaml"
    applied.push("more memory", **{path: applied.show(path).rstrip("\n") + "\n  memorySize: 512\n"})
    applied.pull()
    applied.run("eject", "staging", "--to", "aws", code=1)
    assert "something in AWS would change: staging/notifier: memorySize would change" in applied.err
    assert not applied.work.git("status", "--porcelain")
    applied.run("eject", "staging", "--to", "aws", "--allow-changes", code=1)
    assert f"{PATH}: it is not what is declared" in applied.err
    for words, told in (
        (["eject", "nowhere", "--to", "aws"], "there is no such environment"),
        (["adopt", "staging", "--from", "ack"], "staging is applied by argocd-job, not by ack"),
        (["eject", "staging", "--to", "terraform"], "engine: terraform does not say what it runs"),
        (["eject", "staging", "--to", "flux", "--into", "x"], "flux has no root module"),
    ):
        applied.run(*words, code=3)
        assert told in applied.err
