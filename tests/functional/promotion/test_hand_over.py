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
