"""Promotions that a controller takes on by itself, as it is awake."""

import datetime
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lockstep.delivery.places.forges import Credentials
from lockstep.errors import NotAllowed
from lockstep.forge.base import CheckState, PullState
from lockstep.serve.file import Followed, Leave
from lockstep.serve.following import Follower
from lockstep.serve.orders import Order, OrderVerb
from lockstep.serve.recording import Recorder
from lockstep.store.database import Database
from lockstep.store.entries import Happened, RunState
from lockstep.store.history import History
from tests.functional.promotion.conftest import PRODUCTION_FILE, PROJECT, Shop

AUTO = PROJECT.replace("from: staging}", "from: staging, auto: true, soak: 1h}")
MERGED = AUTO.replace("merge: review", "merge: auto")


@dataclass
class Awake:
    """A controller whose clocks are the test's."""

    shop: Shop
    data: Path
    environments: dict[str, Leave]
    passed: float = 0.0  # seconds
    said: list[str] = field(default_factory=list)
    follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As after any end of its process: nothing is known."""
        began = datetime.datetime.now(datetime.UTC)
        self.follower = Follower(
            Followed(name="shop", repository=self.shop.bare.as_uri(), environments=self.environments),
            data=self.data,
            credentials=Credentials(cache=self.data / "cache"),
            tell=self.said.append,
            clock=lambda: self.passed,
            stop=threading.Event(),
            now=lambda: began + datetime.timedelta(seconds=self.passed),
        )

    def settle(self) -> float:
        """Do what is due; then when something will be."""
        for _ in range(20):
            if (until := self.follower.step()) is not None:
                return until
        raise AssertionError(f"it never rests: {self.said}")

    def poll(self) -> None:
        """Wait until Git is asked again, and do what is due then."""
        self.passed += self.follower.project.poll
        self.settle()


@pytest.fixture
def awake(live: Shop, tmp_path: Path) -> Awake:
    """One that may sync production, after 0.2.0 has come to staging."""
    return Awake(shop=live, data=tmp_path / "serve", environments={"production": Leave(syncs=True)})


def test_a_soak_that_ends_is_promoted_at_that_moment_and_not_before(awake: Awake) -> None:
    """The wait has a sentence and a time; what was promoted is not promoted again, whoever starts anew."""
    awake.shop.push(**{"lockstep.yaml": AUTO})
    awake.settle()
    (wait,) = awake.follower.seen.waiting.values()
    assert (wait.version, wait.count) == ("0.2.0", 0)
    assert "the policy asks for 1 h: it has run long enough in" in wait.why
    assert 3000 < wait.at <= 3600
    assert not awake.shop.pulls()
    awake.passed = wait.at
    awake.settle()
    (pull,) = awake.shop.pulls()
    assert pull.title == "production: notifier 0.1.0 -> 0.2.0"
    awake.poll()
    awake.start()
    awake.settle()
    assert awake.shop.pulls(is_open=False)[0].number == pull.number
    (wait,) = awake.follower.seen.waiting.values()
    assert wait.why == f"pull request #{pull.number} waits for a person to merge it"
    assert len([line for line in awake.said if "waits:" in line]) == 3  # the soak, and the person twice


def test_a_promotion_is_merged_when_its_checks_pass_and_then_synced(awake: Awake) -> None:
    """Nobody runs a command: the pull request waits, is merged, and production runs what it brought."""
    shop = awake.shop
    shop.push(**{"lockstep.yaml": MERGED})
    shop.forge.require_checks("main", ["build"])
    awake.passed = 7200
    awake.start()
    awake.settle()
    (pull,) = shop.pulls()
    awake.poll()
    (wait,) = awake.follower.seen.waiting.values()
    assert wait.why == f"pull request #{pull.number} merges itself when its checks pass"
    shop.forge.set_status(pull.sha, context="other", state=CheckState.SUCCESS, description="")
    awake.poll()
    assert shop.forge.pull(pull.number).state is PullState.OPEN
    shop.forge.set_status(pull.sha, context="build", state=CheckState.SUCCESS, description="")
    awake.poll()
    awake.poll()
    assert shop.forge.pull(pull.number).state is PullState.MERGED
    assert '"0.2.0"' in shop.served(PRODUCTION_FILE)
    assert awake.follower.seen.waiting == {}
    assert awake.follower.seen.rows["production/notifier"].live == "0.2.0"


def test_somebody_merges_what_waits_when_nothing_is_in_its_way(awake: Awake, tmp_path: Path) -> None:
    """Not while it soaks, a check fails or runs, or a commit of others is in it; then with who and why."""
    shop = awake.shop
    history = History(Database(tmp_path / "history.db", pytest.fail))
    shop.push(**{"lockstep.yaml": PROJECT.replace("from: staging}", "from: staging, soak: 1h}")})
    shop.run("promote", "notifier", "--to", "production", "--override", "we know it")
    awake.settle()
    awake.follower._recorder = Recorder(history, keep=1e9)
    order = Order(verb=OrderVerb.MERGE, target="production/notifier", by="Ada", reason="it is time")
    (pull,) = shop.pulls()
    waiting = awake.follower.seen.waiting["production/notifier"]
    assert (waiting.number, waiting.url) == (pull.number, pull.url)

    def refused() -> str:
        with pytest.raises(NotAllowed) as told:
            awake.follower.look_ahead(order)
        run = awake.follower.ask(order)
        awake.settle()
        (ended, _) = history.run(run) or pytest.fail("there is no such run")
        assert (ended.state, shop.forge.pull(pull.number).state) == (RunState.FAILED, PullState.OPEN)
        return str(told.value)

    assert "the policy asks for 1 h" in refused()
    awake.passed = 7200
    shop.forge.set_status(pull.sha, context="build", state=CheckState.PENDING, description="")
    assert "check build: has not ended" in refused()
    shop.forge.set_status(pull.sha, context="build", state=CheckState.FAILURE, description="")
    assert "check build: failed" in refused()
    shop.forge.set_status(pull.sha, context="build", state=CheckState.SUCCESS, description="")
    lines = awake.follower.look_ahead(order)
    assert lines[0] == "~ production/notifier  0.1.0 -> 0.2.0"
    assert "check build: passed" in lines
    run = awake.follower.ask(order)
    awake.settle()
    (ended, _) = history.run(run) or pytest.fail("there is no such run")
    assert (ended.state, ended.pull) == (RunState.DONE, pull.url)
    assert shop.forge.pull(pull.number).state is PullState.MERGED
    assert '"0.2.0"' in shop.served(PRODUCTION_FILE)
    (remark,) = shop.forge.comments(pull.number)
    assert "Ada` merges this: `it is time`" in remark.body
    (merged,) = history.events(query="merged", project="shop")[:1]
    assert (merged.kind, merged.actor, merged.run) == (Happened.MERGED, "Ada", run)
    awake.poll()
    assert awake.follower.seen.waiting == {}
    history.close()


def test_nobody_merges_by_an_order_what_somebody_else_wrote(awake: Awake) -> None:
    """Whoever may push to a branch of a promotion gets nothing more into the branch that is deployed."""
    shop = awake.shop
    shop.run("promote", "notifier", "--to", "production")
    (pull,) = shop.pulls()
    shop.work.git("fetch", "-q", "origin")
    shop.work.git("checkout", "-q", "--detach", pull.sha)
    (shop.work.folder / "services/notifier/values.yaml").write_text("deploymentType: lambda\n")
    eve = ("-c", "user.name=Eve", "-c", "user.email=eve@example.org")
    shop.work.git(*eve, "commit", "-qa", "--no-edit", "--amend", "--reset-author")
    shop.work.git("push", "-qf", "origin", f"HEAD:{pull.head}")
    awake.settle()
    order = Order(verb=OrderVerb.MERGE, target="production/notifier", by="Ada")
    with pytest.raises(NotAllowed, match="its commit was made by somebody else"):
        awake.follower.look_ahead(order)
    assert shop.forge.pull(pull.number).state is PullState.OPEN


def test_what_may_only_be_looked_at_is_not_promoted_to(awake: Awake) -> None:
    """Whatever lockstep.yaml says: nothing is done in an environment that the controller may not sync."""
    awake.shop.push(**{"lockstep.yaml": MERGED.replace("soak: 1h", "soak: 0s")})
    awake.environments = {"staging": Leave(syncs=True)}
    awake.start()
    awake.settle()
    assert not awake.shop.pulls()
    assert "production" not in " ".join(awake.shop.branches())
    assert awake.follower.seen.moved is not None


def test_one_that_is_held_back_holds_back_no_other_and_what_was_closed_stays_closed(
    awake: Awake,
) -> None:
    """Each service has its own pull request; one that was closed is asked about later and later."""
    shop = awake.shop
    api = 'serviceName: api\nimage:\n  tag: "1.1.0"\n'
    auto = PROJECT.replace("from: staging}", "from: staging, auto: true}")
    drifted = "deploymentType: lambda\nlambda: {runtime: python3.12, handler: app.go, role: lambda-role}\n"
    files = {"environments/staging/api/config.yaml": api, "services/notifier/values.yaml": drifted}
    shop.push(**{"lockstep.yaml": auto}, **files)
    awake.settle()
    (pull,) = shop.pulls()
    assert pull.title == "production: api 1.0.0 -> 1.1.0"
    assert "staging/notifier is OutOfSync" in awake.follower.seen.waiting["production/notifier"].why
    shop.forge.close_pull(pull.number)
    awake.poll()
    (wait,) = [one for key, one in awake.follower.seen.waiting.items() if key == "production/api"]
    assert f"pull request #{pull.number} brought this to production and was closed by Ada" in wait.why
    assert (wait.count, wait.is_put_off("1.1.0", awake.passed)) == (1, True)
    awake.follower.wake.set()
    awake.settle()
    assert awake.follower.seen.waiting["production/api"] == wait
    assert not shop.pulls()
