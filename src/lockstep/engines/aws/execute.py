"""Running a graph of steps in threads: what is ready runs, what fails holds back only what needs it."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from lockstep.engines.aws.errors import Stale
from lockstep.engines.aws.hearing import hearing
from lockstep.errors import Interrupted, LockstepError, MachineError
from lockstep.model import Outcome, PutNotifications, Step, StepResult

__all__ = ["Proof", "execute"]

log = logging.getLogger(__name__)
Proof = Callable[[], None]
"""The rest of a step that can wait until the others are done: it reads back what was written."""

WORKERS = 40  # two seconds of what the quotas allow; as many as there are connections


def execute(
    steps: Sequence[Step],
    do: Callable[[Step, frozenset[str]], Proof | None],
    on_step: Callable[[StepResult], None],
    stop: threading.Event,
) -> tuple[tuple[StepResult, ...], frozenset[str]]:
    """Run every step after those it needs; returns the results and the targets that were stale.

    ``do`` gets the step and the targets that failed so far. A step whose needs failed is not tried,
    except a bucket's notifications, which go ahead without the targets that failed. A proof that ``do``
    gives is looked at once nothing else is ready, and the step is done after it. After ``stop`` is set
    nothing new begins and what runs is finished, and proven.
    """
    unmet = {step.id: len(set(step.needs)) for step in steps}
    dependents: dict[str, list[Step]] = {}
    for step in steps:
        for need in set(step.needs):
            dependents.setdefault(need, []).append(step)
    ready = deque(step for step in steps if not step.needs)
    proofs: deque[tuple[Step, StepResult, Proof]] = deque()
    running: dict[Future[tuple[StepResult, Proof | None]], Step] = {}
    results: dict[str, StepResult] = {}
    failed: set[str] = set()
    stale: set[str] = set()

    def run(step: Step, lost: frozenset[str]) -> tuple[StepResult, Proof | None]:
        if stop.is_set():  # it was waiting for a thread
            return StepResult(step=step.id, target=step.target, outcome=Outcome.NOT_TRIED), None
        begun = StepResult(step=step.id, target=step.target, outcome=Outcome.STARTED)
        on_step(begun)
        return go_on(step, begun, lambda: do(step, lost))

    def go_on(
        step: Step, before: StepResult, work: Callable[[], Proof | None]
    ) -> tuple[StepResult, Proof | None]:
        begun = time.monotonic()
        error: str | None = None
        outcome = Outcome.DONE
        requests: Iterable[str] = ()
        proof: Proof | None = None
        try:
            with hearing() as requests:
                proof = work()
        except Interrupted:
            outcome = Outcome.NOT_TRIED
        except Stale as problem:
            stale.update(_targets(step))
            outcome, error = Outcome.FAILED, str(problem)
        except LockstepError as problem:
            outcome, error = Outcome.FAILED, str(problem)
        except OSError as problem:
            outcome, error = Outcome.FAILED, str(MachineError.of(problem))
        except Exception as problem:
            # A mistake of ours in one step must not cost the others, or the report of what was done.
            log.debug("step %s", step.id, exc_info=True)
            outcome = Outcome.FAILED
            error = f"unexpected {type(problem).__name__}: this is a bug in Lockstep; please report it"
        result = replace(
            before,
            outcome=outcome,
            seconds=before.seconds + time.monotonic() - begun,
            error=error,
            requests=(*before.requests, *requests),
        )
        return result, proof

    def finish(result: StepResult, step: Step) -> None:
        results[step.id] = result
        if result.outcome is not Outcome.DONE:
            failed.update(_targets(step))
        on_step(result)
        for dependent in dependents.get(step.id, ()):
            unmet[dependent.id] -= 1
            if not unmet[dependent.id]:
                ready.appendleft(dependent)  # what was begun is finished before more is begun

    with ThreadPoolExecutor(WORKERS) as pool:
        while ready or proofs or running:
            while (ready or proofs) and len(running) < WORKERS:
                if not ready:
                    step, written, proof = proofs.popleft()
                    running[pool.submit(go_on, step, written, proof)] = step
                    continue
                step = ready.popleft()
                if stop.is_set() or not _may_run(step, results, failed):
                    finish(StepResult(step=step.id, target=step.target, outcome=Outcome.NOT_TRIED), step)
                else:
                    running[pool.submit(run, step, frozenset(failed))] = step
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                step = running.pop(future)
                match future.result():
                    case result, None:
                        finish(result, step)
                    case written, proof:
                        proofs.append((step, written, proof))
    ordered = tuple(results[step.id] for step in steps)
    return ordered, frozenset(stale)


def _may_run(step: Step, results: dict[str, StepResult], failed: set[str]) -> bool:
    if isinstance(step, PutNotifications):
        return any(target not in failed for target in step.targets)
    return all(results[need].outcome is Outcome.DONE for need in step.needs) and (
        step.target not in failed or not step.needs
    )


def _targets(step: Step) -> tuple[str, ...]:
    return step.targets if isinstance(step, PutNotifications) else (step.target,)
