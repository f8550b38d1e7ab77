"""Who is told what: one message for each thing, told to real servers, once, and changed as it goes on."""

import base64
import datetime
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.forge.base import DeploymentState
from lockstep.model import Health, SyncStatus
from lockstep.model.rollout import Progress
from lockstep.model.status import Cause
from lockstep.serve.messages.destinations import Mail, Slack, SlackWebhook, Way, Webhook
from lockstep.serve.messages.message import Message, Rule, Subject, messages_of
from lockstep.serve.messages.messenger import Messenger
from lockstep.serve.messages.tellers import teller_of
from lockstep.serve.recording import Recorder
from lockstep.store.entries import Sent
from tests.support.receivers import HttpReceiver, SmtpReceiver, http_receiver, smtp_receiver
from tests.unit.serve.test_deciding import row
from tests.unit.serve.test_recording import PROJECT, Clock, opened

KEY = b"0123456789abcdef0123456789abcdef"


class Told:
    """A history with one destination that is told of it, and times that only tests move."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.history = opened(folder)
        self.recorder = Recorder(self.history, keep=3600 * 24 * 90, now=self.clock.now)
        self.said: list[str] = []

    def messenger(self, way: Way, *rules: Rule) -> Messenger:
        """As of a process that has just begun."""
        return Messenger(
            "on-call",
            teller_of(way, "https://lockstep.example.org/", lambda name: pytest.fail(name)),
            rules or (Rule(),),
            self.history,
            tell=self.said.append,
            stop=threading.Event(),
            clock=self.clock,
        )

    def run(self, target: str = "staging/api", commit: str = "c" * 40) -> "Callable[[str], None]":
        """A run that has begun; called with words it ends, in failure where they begin so."""
        self.later(1)
        running = self.recorder.run(
            "shop", why="a push", actor="Ada", commit=commit, targets=[target], is_attempt=True
        )

        def end(words: str) -> None:
            self.later(1)
            running.fail(words) if words.startswith("no ") else running.finish(words)

        return end

    def later(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.at += datetime.timedelta(seconds=seconds)

    def messages(self) -> list[Message]:
        """All that there is to tell."""
        return messages_of(self.history.outbox.news(""))

    def by_key(self) -> list[Message]:
        """Runs before rollouts."""
        return sorted(self.messages(), key=lambda one: one.key, reverse=True)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """With a history of its own."""
    one = Told(tmp_path)
    yield one
    one.history.close()


@pytest.fixture
def web() -> Iterator[HttpReceiver]:
    """A Slack, and anybody's URL."""
    with http_receiver() as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[SmtpReceiver]:
    """A server of mails."""
    with smtp_receiver() as server:
        yield server


def slack(web: HttpReceiver) -> Slack:
    """A bot of that Slack."""
    return Slack(channel="C1", token="xoxb-1", api=f"{web.url}/api")


def mail(smtp: SmtpReceiver) -> Mail:
    """An account at that server."""
    way = Mail(host="127.0.0.1", port=smtp.port, sender="lockstep@example.org", to=("ada@example.org",))
    return replace(way, security="none")


def test_a_run_is_one_message_that_is_changed(told: Told, web: HttpReceiver) -> None:
    """By a bot; nothing that a name holds mentions anybody or moves a cursor, and a second look is silent."""
    messenger = told.messenger(slack(web))
    messenger.step()
    end = told.run("staging/api")
    messenger.step()
    (first,) = web.channel.values()
    assert "at work" in first["text"]
    end("1 updated <!channel>\x1b[2J & more")
    messenger.step()
    messenger.step()
    (last,) = web.channel.values()
    assert "1 updated &lt;!channel&gt;\\x1b[2J &amp; more" in last["text"]
    assert "<https://lockstep.example.org/runs/" in last["text"]
    assert [path for path, _, _ in web.requests] == ["/api/chat.postMessage", "/api/chat.update"]
    assert {headers["authorization"] for _, headers, _ in web.requests} == {"Bearer xoxb-1"}


def test_what_goes_on_is_changed_now_and_then_and_its_end_at_once(told: Told, web: HttpReceiver) -> None:
    """A message that changes each second helps nobody."""
    messenger = told.messenger(slack(web))
    messenger.step()
    going = replace(
        row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.GIT),
        progress=Progress(health=Health.PROGRESSING, release="2.0.0", weight=0.1, step=1, steps=3),
    )
    for step in (1, 2, 3):
        assert going.progress is not None
        now = replace(going, progress=replace(going.progress, step=step))
        told.recorder.read(PROJECT, ("staging/api",), [now])
        told.later(2)
        messenger.step()
    assert [path for path, _, _ in web.requests] == ["/api/chat.postMessage"]
    told.later(3)
    messenger.step()
    told.recorder.read(PROJECT, (), [replace(row("staging/api", SyncStatus.SYNCED), live="2.0.0")])
    messenger.step()
    (one,) = web.channel.values()
    assert "rollout of 2.0.0\n" in one["text"].replace("*", "")
    assert "2.0.0 has all calls" in one["text"]
    assert len(web.requests) == 3


def test_attempts_at_the_same_are_one_message(told: Told, web: HttpReceiver) -> None:
    """As long as they fail; it says how the last one went, and the next sync of the same is another."""
    messenger = told.messenger(slack(web), Rule(events=frozenset({Subject.FAILURE})))
    messenger.step()
    for words in ("no such role", "no such role", "no such host", "1 updated", "2 updated"):
        end = told.run()
        messenger.step()
        end(words)
        messenger.step()
    (one,) = web.channel.values()
    assert "done" in one["text"]
    assert "1 updated" in one["text"]
    assert [path for path, _, _ in web.requests] == ["/api/chat.postMessage", *["/api/chat.update"] * 2]
    assert len(told.messages()) == 2


def test_a_webhook_is_signed_and_keeps_its_id(told: Told, web: HttpReceiver) -> None:
    """As Standard Webhooks say; a repetition has the id of the first, a change another, and both one key."""
    way = Webhook(url=f"{web.url}/hook", key=KEY)
    messenger = told.messenger(way)
    messenger.step()
    end = told.run("production/api")
    web.failing = [(503, {})]
    messenger.step()
    told.later(2)
    messenger.step()
    end("1 updated")
    messenger.step()
    for _, headers, body in web.requests:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
    ids = [headers["webhook-id"] for _, headers, _ in web.requests]
    assert ids[0] == ids[1] != ids[2]
    first, _, last = (json.loads(body) for _, _, body in web.requests)
    assert first["data"]["key"] == last["data"]["key"]
    assert (last["type"], last["data"]["state"], last["data"]["environments"]) == (
        "lockstep.run",
        "done",
        ["production"],
    )
    assert told.said == [
        f"on-call: {web.url}/hook answered 503; tried again until it comes out",
        "on-call: told again",
    ]


def test_where_nothing_can_be_changed_only_what_is_news_is_told(
    told: Told, web: HttpReceiver, smtp: SmtpReceiver
) -> None:
    """How a run ended, and drift when it is seen and when it is mended; a later mail answers the first."""
    mailer, hook = (
        told.messenger(mail(smtp)),
        told.messenger(SlackWebhook(url=f"{web.url}/services/T/s3cr3t")),
    )
    hook.name = "chat"
    off = row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.AWS)

    def look() -> None:
        mailer.step()
        hook.step()

    look()
    end = told.run("production/web")
    look()
    assert not smtp.mails
    end("1 updated")
    look()
    told.recorder.read(PROJECT, (), [off])
    look()
    told.later(60)
    told.recorder.read(PROJECT, (), [replace(off, status=SyncStatus.SYNCED)])
    look()
    look()
    run, seen, mended = smtp.mails
    assert run["Subject"] == "shop: production/web: done"
    assert seen["Subject"] == "shop: staging/api differs from Git"
    assert mended["Subject"] == "shop: staging/api is as Git says again"
    assert mended["References"] == seen["Message-ID"]
    assert run["References"] is None
    assert "https://lockstep.example.org/targets/shop/staging/api" in mended.get_content()
    assert len(web.requests) == 3
    web.failing = [(404, {})]
    told.run("production/web")("2 updated")
    look()
    assert told.said == ["chat: the incoming webhook answered 404; tried again until it comes out"]


@pytest.mark.parametrize("is_written", [False, True])
def test_killed_before_it_was_written_down_nothing_is_told_twice(
    told: Told, web: HttpReceiver, smtp: SmtpReceiver, monkeypatch: pytest.MonkeyPatch, *, is_written: bool
) -> None:
    """A bot finds what it wrote, a webhook and a mail have the id that they had."""

    class Killed(BaseException):
        """The end of the process."""

    for way in (slack(web), Webhook(url=f"{web.url}/hook", key=KEY), mail(smtp)):
        messenger = told.messenger(way)
        messenger.name = type(way).__name__
        told.later(1)
        messenger.step()
        commit = hashlib.sha256(messenger.name.encode()).hexdigest()[:40]
        told.run(commit=commit)("1 updated")
        if not is_written:
            put = told.history.outbox.put

            def dying(sent: Sent, put: Callable[[Sent], None] = put) -> None:
                if sent.digest:
                    raise Killed
                put(sent)

            with monkeypatch.context() as patched:
                patched.setattr(told.history.outbox, "put", dying)
                with pytest.raises(Killed):
                    messenger.step()
        else:
            messenger.step()
        again = told.messenger(way)
        again.name = messenger.name
        again.step()
    assert len(web.channel) == 1
    hooks = {headers["webhook-id"] for path, headers, _ in web.requests if path == "/hook"}
    assert len(hooks) == 1
    assert len({one["Message-ID"] for one in smtp.mails}) == 1


def test_a_bot_that_may_not_read_the_channel_writes_all_the_same(told: Told, web: HttpReceiver) -> None:
    """Twice is better than never; what somebody deleted is written anew."""
    told.messenger(slack(web)).step()
    told.run()("1 updated")
    (message,) = told.messages()
    told.history.outbox.put(Sent(key=message.key, destination="on-call", at=message.at))
    web.may_read = False
    told.messenger(slack(web)).step()
    assert len(web.channel) == 1
    web.channel.clear()
    told.history.outbox.put(
        Sent(key=message.key, destination="on-call", at=message.at, remote="1.1", digest="x")
    )
    told.messenger(slack(web)).step()
    assert len(web.channel) == 1
    assert not told.said


def test_a_place_that_is_away_gets_all_of_it_later(told: Told, web: HttpReceiver) -> None:
    """Later each time, and not before it says; one message that is refused holds up no other."""
    messenger = told.messenger(Webhook(url=f"{web.url}/hook", key=KEY))
    messenger.step()
    told.run("staging/a")("1 updated")
    told.run("staging/b")("1 updated")
    web.failing = [(429, {"Retry-After": "60"})]
    for _ in range(59):
        messenger.step()
        told.later(1)
    assert len(web.requests) == 1
    told.later(1)
    web.failing = [(400, {})]
    messenger.step()
    assert [json.loads(body)["data"]["title"][:15] for _, _, body in web.requests[1:]] == [
        "shop: staging/a",
        "shop: staging/b",
    ]
    told.later(2)
    messenger.step()
    assert len(web.requests) == 4
    assert told.said[-1] == "on-call: told again"


def test_mails_are_tried_again_where_the_server_refuses(told: Told, smtp: SmtpReceiver) -> None:
    """What it says of one mail holds up no other; no address or password is told."""
    messenger = told.messenger(mail(smtp))
    messenger.step()
    told.run("staging/a")("1 updated")
    for word, says in (("MAIL", "451 later"), ("RCPT", "550 nobody"), ("DATA", "554 no")):
        smtp.refusing = {word: says}
        messenger.step()
        told.later(600)
    smtp.refusing = {}
    messenger.step()
    assert len(smtp.mails) == 1
    assert told.said == [
        "on-call: 127.0.0.1 answered 451; tried again until it comes out",
        "on-call: 127.0.0.1 takes none of the addresses (550); tried again until it comes out",
        "on-call: 127.0.0.1 answered 554; tried again until it comes out",
        "on-call: told again",
    ]


def test_what_ended_before_somebody_was_named_is_not_told(told: Told, web: HttpReceiver) -> None:
    """Nor what ended more than a day ago; what still differs is."""
    told.run("staging/old")("1 updated")
    told.recorder.read(PROJECT, (), [row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.AWS)])
    told.later(1)
    way = Webhook(url=f"{web.url}/hook", key=KEY)
    told.messenger(way).step()
    told.run("staging/new")("1 updated")
    told.later(25 * 3600)
    told.messenger(way).step()
    assert [json.loads(body)["data"]["state"] for _, _, body in web.requests] == ["seen"]
    told.history.prune("2026-06-01")
    told.messenger(way).step()
    assert len(web.requests) == 1


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(), ["preview/pr-7/api", "production/api", "staging/web"]),
        (Rule(environments=frozenset({"preview"})), ["preview/pr-7/api"]),
        (Rule(events=frozenset({Subject.DRIFT})), ["staging/web"]),
        (Rule(events=frozenset({Subject.FAILURE})), ["production/api"]),
        (Rule(projects=frozenset({"blog"})), []),
        (Rule(events=frozenset({Subject.RUN}), environments=frozenset({"staging"})), []),
    ],
)
def test_rules_take_what_they_name(told: Told, rule: Rule, expected: list[str]) -> None:
    """By project, environment and event; what is absent stands for all."""
    told.run("preview/pr-7/api")("1 updated")
    told.run("production/api")("no such role")
    told.recorder.read(PROJECT, (), [row("staging/web", SyncStatus.OUT_OF_SYNC, Cause.AWS)])
    taken = [one.title.split()[1].rstrip(":") for one in told.messages() if rule.takes(one)]
    assert sorted(taken) == expected


@pytest.mark.parametrize(
    ("health", "live", "state", "deployment"),
    [
        (Health.DEGRADED, "1.0.0", "failed", DeploymentState.FAILURE),
        (None, "2.0.0", "done", DeploymentState.SUCCESS),
        (None, "1.0.0", "left", DeploymentState.INACTIVE),
    ],
)
def test_a_rollout_is_one_message_and_its_run_is_over_when_it_is(
    told: Told, health: Health | None, live: str, state: str, deployment: DeploymentState
) -> None:
    """Its later steps are none of their own; the deployment is a success once the version has all calls."""
    progress = Progress(health=Health.PROGRESSING, release="2.0.0", weight=0.1, step=1, steps=2, due=None)
    going = replace(row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.GIT), progress=progress, live="1.0.0")
    told.run()("1 updated")
    told.recorder.read(PROJECT, (), [going])
    told.run()("1 shifted")
    told.recorder.read(PROJECT, (), [replace(going, progress=replace(progress, is_asked=True, step=2))])
    run, rollout = told.by_key()
    assert (run.state, run.deployment, rollout.state) == ("done", DeploymentState.IN_PROGRESS, "waiting")
    end = progress if health is None else replace(progress, health=health, reason="taken back: errors")
    now = replace(going, live=live, progress=end if health else None)
    told.recorder.read(PROJECT, ("staging/api",), [replace(now, status=SyncStatus.UNKNOWN)])
    assert told.by_key()[1].state == "waiting"
    told.recorder.read(PROJECT, ("staging/api",), [now])
    run, rollout = told.by_key()
    assert (run.deployment, rollout.state, rollout.news) == (deployment, state, state)
