"""Applying a run's plan: packages first, then Terraform, whose stream tells of each resource."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

from lockstep.engines.terraform.base import Cloud
from lockstep.engines.terraform.errors import Diagnostic
from lockstep.engines.terraform.made import Made
from lockstep.engines.terraform.stream import Stream
from lockstep.errors import Interrupted, LockstepError, MachineError
from lockstep.model import ApplyResource, Outcome, RunTerraform, StagePackage, Step, StepResult
from lockstep.model.target import environment_of

__all__ = ["apply_run"]


def apply_run(
    made: Made, steps: Sequence[Step], cloud: Cloud, tell: Callable[[StepResult], None], stop: threading.Event
) -> bool:
    """Do the steps of one run, telling each result once. Returns whether the plan was stale.

    Resources that failed carry Terraform's diagnostic of them; those that it did not come to are
    not tried.
    """
    run = _Applying(made, steps, tell, stop)
    failed = run.stage(cloud)
    if failed or stop.is_set():
        run.leave()
        return False
    return run.terraform()


class _Applying:
    def __init__(
        self, made: Made, steps: Sequence[Step], tell: Callable[[StepResult], None], stop: threading.Event
    ) -> None:
        self._made = made
        self._stop = stop
        self._tell = tell
        self._packages = [step for step in steps if isinstance(step, StagePackage)]
        (self._run,) = (step for step in steps if isinstance(step, RunTerraform))
        self._resources = {step.address: step for step in steps if isinstance(step, ApplyResource)}
        self._told: set[str] = set()
        self._halves: dict[str, int] = {}  # address -> how often it was done

    def stage(self, cloud: Cloud) -> bool:
        """Stage the packages; whether one of them failed."""
        failed = False
        for step in self._packages:
            if failed or self._stop.is_set():
                self._result(step, Outcome.NOT_TRIED)
                continue
            self._started(step)
            begun = time.monotonic()
            try:
                cloud.stage(environment_of(step.target), step.package)
            except Interrupted:
                self._result(step, Outcome.NOT_TRIED)
            except (LockstepError, OSError) as error:
                failed = True
                told = MachineError.of(error) if isinstance(error, OSError) else error
                self._result(step, Outcome.FAILED, time.monotonic() - begun, str(told))
            else:
                self._result(step, Outcome.DONE, time.monotonic() - begun)
        return failed

    def leave(self) -> None:
        """Tell that nothing else is tried."""
        left: tuple[Step, ...] = (self._run, *self._resources.values())
        for step in left:
            self._result(step, Outcome.NOT_TRIED)

    def terraform(self) -> bool:
        """Apply the plan; whether it was stale."""
        made, run = self._made, self._run
        self._started(run)
        begun = time.monotonic()
        try:
            made.begin()
            code, stream = made.operation.apply(self._follow)
        except Interrupted:
            self.leave()
            return False
        except LockstepError as error:  # the lock, most likely: nothing was changed
            self._result(run, Outcome.FAILED, time.monotonic() - begun, str(error))
            self.leave()
            return False
        seconds = time.monotonic() - begun
        if code == 0:
            for step in self._resources.values():
                self._result(step, Outcome.DONE)
            self._end(run, seconds)
            return False
        return self._failed(stream, seconds, is_stopped=self._stop.is_set())

    def _end(self, run: RunTerraform, seconds: float) -> None:
        with contextlib.suppress(LockstepError):  # what the marker would save is a run that does nothing
            self._made.end()
        self._result(run, Outcome.DONE, seconds)

    def _failed(self, stream: Stream, seconds: float, *, is_stopped: bool) -> bool:
        """Tell what failed and why, each resource with the diagnostic that is about it."""
        own = {one.address: one for one in reversed(stream.errors) if one.address in self._resources}
        others = [one for one in stream.errors if one.address not in own]
        for address, step in self._resources.items():
            if address in own:
                self._result(step, Outcome.FAILED, 0.0, self._words(own[address]))
            elif stream.states.get(address) == "failed":
                why = self._words(others[0]) if others else "Terraform does not say why"
                self._result(step, Outcome.FAILED, 0.0, why)
            else:
                self._result(step, Outcome.NOT_TRIED)
        if is_stopped and not own:
            self._result(self._run, Outcome.NOT_TRIED, seconds)
            return False
        if own:
            text = f"{len(own)} {'resource' if len(own) == 1 else 'resources'} failed"
            text += "".join(f"; {self._words(one)}" for one in others[:1])
        else:
            text = str(self._made.operation.failure(stream, "terraform apply"))
        self._result(self._run, Outcome.FAILED, seconds, text)
        return any(one.summary.startswith("Saved plan is stale") for one in stream.errors)

    def _words(self, diagnostic: Diagnostic) -> str:
        return self._made.operation.text_of(diagnostic, "terraform apply")

    def _follow(self, address: str, state: str, seconds: float) -> None:
        step = self._resources.get(address)
        if step is None or step.id in self._told:
            return
        if state == "started":
            self._started(step)
        elif state == "done":
            self._halves[address] = self._halves.get(address, 0) + 1
            # What is replaced is deleted and created, in either order.
            if self._halves[address] == (2 if step.action == "replace" else 1):
                self._result(step, Outcome.DONE, seconds)

    def _started(self, step: Step) -> None:
        self._tell(StepResult(step=step.id, target=step.target, outcome=Outcome.STARTED))

    def _result(self, step: Step, outcome: Outcome, seconds: float = 0.0, error: str | None = None) -> None:
        if step.id not in self._told:
            self._told.add(step.id)
            self._tell(
                StepResult(step=step.id, target=step.target, outcome=outcome, seconds=seconds, error=error)
            )
