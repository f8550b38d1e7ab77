"""Tells one destination, in a thread of its own, until it is stopped.

Before something is told for the first time a row says that it is about to be, and after that how it is found
again. Whoever is killed between the two leaves a row that is not sure: what it names is looked for where the
place can tell, and told once more with the same id where it cannot.
"""

import datetime
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lockstep.errors import LockstepError
from lockstep.serve.clock import WALL, Clock
from lockstep.serve.deciding import Try, backoff
from lockstep.serve.messages.message import Message, Rule, messages_of
from lockstep.serve.messages.ways import Teller, Undelivered
from lockstep.store.entries import Sent

if TYPE_CHECKING:
    from lockstep.store.history import History

__all__ = ["Messenger"]

_LOOK = 1.0  # seconds between two looks at whether something changed
_APART = 5.0  # seconds between two changes of what goes on
_OTHERS = 30.0  # seconds to a look at what somebody else may have written
_MEMORY = datetime.timedelta(days=1)  # what ended before is not told any more


class Messenger:
    """One destination."""

    def __init__(
        self,
        name: str,
        teller: Teller,
        rules: tuple[Rule, ...],
        history: "History",
        *,
        tell: Callable[[str], None],
        stop: threading.Event,
        may: Callable[[], bool] = lambda: True,
        clock: Clock = WALL,
    ) -> None:
        self.name = name
        self._teller = teller
        self._rules = rules
        self._history = history
        self._log = history.outbox
        self._tell = tell
        self._stop = stop
        self._may = may  # whether this process tells, of several
        self._clock = clock
        self._seen = -1  # changes of the history that were looked at
        self._next: float | None = None  # when to look again, whether or not it changed
        self._place: Try | None = None  # it does not answer
        self._late: dict[str, Try] = {}  # messages that it does not take
        self._told: dict[str, float] = {}  # when what goes on was told last
        self._problem = ""

    def begin(self) -> None:
        """What ends from now on is told."""
        with suppress(LockstepError):  # it is looked for again with the first step
            self._log.since(self.name, _iso(self._clock.now()))

    def run(self) -> None:
        """Tell what there is, as it comes."""
        while not self._clock.wait(self._stop, _LOOK):
            try:
                if self._may():
                    self.step()
            except Exception as error:  # a fault of ours must not end it
                self._say(f"a fault of Lockstep's: {type(error).__name__}: {error}")
                self._next = self._clock.ticks() + backoff(10)

    def step(self) -> None:
        """Tell what is not told yet, if anything changed or is due."""
        now, changes = self._clock.ticks(), self._history.changes
        if self._place is not None:
            if now < self._place.at:
                return
        elif changes == self._seen and (self._next is None or now < self._next):
            return
        self._next = now + _OTHERS
        try:
            at = self._clock.now()
            since = max(self._log.since(self.name, _iso(at)), _iso(at - _MEMORY))
            messages = messages_of(self._log.news(since))
            sent = self._log.sent(self.name)
            self._late = {one.key: self._late[one.key] for one in messages if one.key in self._late}
            self._told = {one.key: self._told[one.key] for one in messages if one.key in self._told}
            for message in messages:
                if self._stop.is_set():
                    return
                self._judge(message, sent.get(message.key), now)
        except LockstepError as error:
            self._say(f"the history cannot be used: {error.problem}")
            self._due(now + backoff(3))
        except Undelivered as failure:
            self._place = _again(self._place, failure, now)
            self._say(f"{failure.words}; tried again until it comes out")
        else:
            self._place = None
            if not self._late:
                self._say("")
        self._seen = changes

    def _judge(self, message: Message, sent: Sent | None, now: float) -> None:
        """Tell one, if it is wanted and news to them."""
        if sent is None and not any(rule.takes(message) for rule in self._rules):
            return
        can_change = self._teller.can_change
        digest = message.digest if can_change else message.news
        if not digest or (sent is not None and sent.digest == digest):
            return
        late = self._late.get(message.key)
        due = late.at if late is not None else 0.0
        if can_change and not message.is_over and message.key in self._told:
            due = max(due, self._told[message.key] + _APART)
        if now < due:
            self._due(due)
            return
        is_unsure = sent is not None and not sent.digest
        at = _iso(self._clock.now())
        if sent is None:
            sent = Sent(key=message.key, destination=self.name, at=at)
            self._log.put(sent)
        try:
            remote = self._teller.tell(message, remote=sent.remote, is_unsure=is_unsure)
        except Undelivered as failure:
            if failure.is_for_all:
                raise
            self._late[message.key] = one = _again(late, failure, now)
            self._say(f"{failure.words}; tried again until it comes out")
            self._due(one.at)
            return
        self._late.pop(message.key, None)
        self._told[message.key] = now
        self._log.put(replace(sent, remote=remote, digest=digest, at=at))

    def _due(self, at: float) -> None:
        self._next = at if self._next is None else min(self._next, at)

    def _say(self, problem: str) -> None:
        """Say what is wrong, once; and once that it is not any more."""
        if problem == self._problem:
            return
        before, self._problem = self._problem, problem
        if problem or before:
            self._tell(f"{self.name}: {problem or 'told again'}")


def _again(before: Try | None, failure: Undelivered, now: float) -> Try:
    count = before.count + 1 if before is not None else 1
    return Try(count=count, at=now + max(backoff(count), min(failure.wait, 3600.0)), why=failure.words)


def _iso(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
