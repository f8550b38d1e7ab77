"""The messages that a history comes to. Pure."""

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum

from lockstep.forge.base import DeploymentState
from lockstep.model.target import environment_of
from lockstep.render.cells import printable
from lockstep.store.entries import Drift, News, Rollout, RolloutEnd, Run, RunState, key_of
from lockstep.values import dataclass

__all__ = ["Message", "Rule", "Subject", "messages_of"]

_LONGEST = 1000  # characters of one line
_ROLLED = {
    RolloutEnd.RUNNING: DeploymentState.IN_PROGRESS,
    RolloutEnd.WAITING: DeploymentState.IN_PROGRESS,
    RolloutEnd.DONE: DeploymentState.SUCCESS,
    RolloutEnd.FAILED: DeploymentState.FAILURE,
    RolloutEnd.LEFT: DeploymentState.INACTIVE,
}


class Subject(StrEnum):
    """What a message is about."""

    RUN = "run"
    FAILURE = "failure"  # a run that failed
    ROLLOUT = "rollout"
    DRIFT = "drift"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message, as it reads now."""

    key: str
    project: str
    environments: frozenset[str]
    subjects: frozenset[Subject]
    state: str  # in a word
    title: str
    lines: tuple[str, ...]
    at: str  # since when it is so, ISO 8601
    news: str = ""  # what is worth a message of its own where none can be changed; "": nothing yet
    link: str = ""  # to a page, below its address
    commit: str | None = None  # that was brought, where one was
    deployment: DeploymentState | None = None  # how that went

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((self.title, *self.lines))

    @property
    def digest(self) -> str:
        """Another one whenever anything of it is."""
        said = "\0".join((self.state, self.deployment or "", self.text))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def is_over(self) -> bool:
        """Whether it is not expected to change soon."""
        return self.state not in (RunState.RUNNING, RolloutEnd.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Which messages somebody wants; nothing named wants all."""

    projects: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()  # preview stands for all previews
    events: frozenset[Subject] = frozenset()

    def takes(self, message: Message) -> bool:
        """Whether it is one of them."""
        places = {one.partition("/")[0] for one in message.environments}
        return (
            (not self.projects or message.project in self.projects)
            and (not self.environments or bool(self.environments & places))
            and (not self.events or bool(self.events & message.subjects))
        )


def messages_of(news: News) -> list[Message]:
    """What there is to tell: what happened first comes first."""
    found = [
        *_runs(news),
        *(_rollout(one) for one in news.rollouts),
        *(_drift(one) for one in news.drifts),
    ]
    return sorted(found, key=lambda one: (one.at, one.key))


def _runs(news: News) -> Iterator[Message]:
    """One for all attempts at the same, and none for the later steps of rollouts, which have their own."""
    attempts: dict[str, list[Run]] = {}
    for run in sorted(news.runs, key=lambda one: (one.began, one.id)):
        attempts.setdefault(key_of(run), []).append(run)
    for key, those in attempts.items():
        # While it is tried again what is known is how it went last.
        ended = [one for one in those if one.state is not RunState.RUNNING]
        run = ended[-1] if ended else those[-1]
        if not (len(those) == 1 and run.first is None and _is_step(run, news.rollouts)):
            yield _run(key, run, news)


def _is_step(run: Run, rollouts: Iterable[Rollout]) -> bool:
    rolled = {
        one.target for one in rollouts if _is_of(one, run) and _is_within(run.began, one.began, one.ended)
    }
    return run.state is not RunState.FAILED and rolled.issuperset(_targets(run))


def _is_of(rollout: Rollout, run: Run) -> bool:
    return rollout.project == run.project and rollout.target in _targets(run)


def _is_within(at: str, began: str, ended: str | None) -> bool:
    return began <= at and (ended is None or at <= ended)


def _targets(run: Run) -> tuple[str, ...]:
    return tuple(one for one in run.targets.split(", ") if one)


def _run(key: str, run: Run, news: News) -> Message:
    steps = news.steps.get(run.id, 0)
    told = {
        RunState.RUNNING: f"at work, {steps} steps done" if steps else "at work",
        RunState.DONE: "done",
        RunState.FAILED: "failed",
        RunState.STOPPED: "stopped, and goes on when lockstep serve does",
        RunState.LOST: "cut short, and begun again",
    }[run.state]
    is_news = run.state in (RunState.DONE, RunState.FAILED)
    return Message(
        key=key,
        project=run.project,
        environments=frozenset(map(environment_of, _targets(run))),
        subjects=frozenset((Subject.RUN, *([Subject.FAILURE] if run.state is RunState.FAILED else []))),
        state=str(run.state),
        title=_clean(f"{run.project}: {run.targets or 'a run'}: {told}"),
        lines=_lines(f"{run.why}, by {run.actor}", run.words),
        at=run.ended or run.began,
        news=str(run.state) if is_news else "",
        link=f"runs/{run.id}",
        commit=run.commit,
        deployment=_deployment(run, news),
    )


def _deployment(run: Run, news: News) -> DeploymentState:
    """How it went: where it began rollouts, it is what they come to."""
    if run.state is RunState.FAILED:
        return DeploymentState.FAILURE
    if run.state is not RunState.DONE:
        return DeploymentState.IN_PROGRESS
    begun = [one for one in news.rollouts if _is_of(one, run) and _beginner(one, news.runs) == run.id]
    states = {_ROLLED[one.state] for one in begun}
    order = (DeploymentState.FAILURE, DeploymentState.IN_PROGRESS, DeploymentState.INACTIVE)
    return next((one for one in order if one in states), DeploymentState.SUCCESS)


def _beginner(rollout: Rollout, runs: Iterable[Run]) -> str | None:
    """The run that a rollout began with: the last one before it was seen."""
    before = [run for run in runs if _is_of(rollout, run) and run.began <= rollout.began]
    return max(before, key=lambda run: run.began).id if before else None


def _rollout(one: Rollout) -> Message:
    return Message(
        key=key_of(one),
        project=one.project,
        environments=frozenset((environment_of(one.target),)),
        subjects=frozenset((Subject.ROLLOUT, *([Subject.FAILURE] if one.state is RolloutEnd.FAILED else []))),
        state=str(one.state),
        title=_clean(f"{one.project}: {one.target}: rollout of {one.release}"),
        lines=_lines(one.words),
        at=one.ended or one.began,
        news="" if one.state is RolloutEnd.RUNNING else str(one.state),
        link=f"targets/{one.project}/{one.target}",
    )


def _drift(one: Drift) -> Message:
    said = "differs from Git" if one.mended is None else "is as Git says again"
    return Message(
        key=key_of(one),
        project=one.project,
        environments=frozenset((environment_of(one.target),)),
        subjects=frozenset((Subject.DRIFT,)),
        state="seen" if one.mended is None else "mended",
        title=_clean(f"{one.project}: {one.target} {said}"),
        lines=_lines(f"{one.cause}: {one.words}"),
        at=one.mended or one.seen,
        news="seen" if one.mended is None else "mended",
        link=f"targets/{one.project}/{one.target}",
    )


def _lines(*texts: str) -> tuple[str, ...]:
    return tuple(_clean(line) for text in texts for line in text.splitlines()[:20] if line.strip())


def _clean(text: str) -> str:
    """On one line, without what hides or moves something where it is read."""
    return printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
