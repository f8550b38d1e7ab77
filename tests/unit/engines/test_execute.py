"""Running steps: order, failures and stopping."""

import errno
import os
import threading

from lockstep.engines.aws.errors import Stale
from lockstep.engines.aws.execute import WORKERS, Proof, execute
from lockstep.errors import CloudError
from lockstep.model import DeleteFunction, Outcome, PutNotifications, Step, StepResult


def step(name: str, *needs: str, target: str = "") -> Step:
    """A step that only has a name."""
    return DeleteFunction(id=name, target=target or name, function=name, needs=needs)


def outcomes(results: tuple[StepResult, ...]) -> dict[str, Outcome]:
    """Outcomes by step."""
    return {result.step: result.outcome for result in results}


def test_a_step_runs_after_all_that_it_needs() -> None:
    """Whatever the order in which the steps are given."""
    done: list[str] = []
    steps = [step("c", "a", "b"), step("b", "a"), step("a"), step("d", "c", "a")]
    results, _ = execute(steps, lambda s, _: done.append(s.id), lambda _: None, threading.Event())
    assert done == ["a", "b", "c", "d"]
    assert [result.step for result in results] == ["c", "b", "a", "d"]


def test_a_failure_holds_back_only_what_needs_it() -> None:
    """Other targets go on; what follows the failure is not tried."""

    def do(one: Step, _: frozenset[str]) -> None:
        if one.id == "bad":
            raise CloudError("no")

    steps = [step("bad"), step("after", "bad"), step("later", "after"), step("other")]
    results, _ = execute(steps, do, lambda _: None, threading.Event())
    assert outcomes(results) == {
        "bad": Outcome.FAILED,
        "after": Outcome.NOT_TRIED,
        "later": Outcome.NOT_TRIED,
        "other": Outcome.DONE,
    }


def test_a_bucket_goes_ahead_without_the_targets_that_failed() -> None:
    """Its step is told who they are; it is not tried only when nobody is left."""
    told: list[frozenset[str]] = []

    def do(one: Step, lost: frozenset[str]) -> None:
        if one.id == "bad":
            raise CloudError("no")
        if isinstance(one, PutNotifications):
            told.append(lost)

    def put(name: str, *targets: str) -> Step:
        return PutNotifications(
            id=name, target=name, bucket=name, put=(), remove=(), targets=targets, needs=("bad", "good")
        )

    steps = [step("bad"), step("good"), put("shared", "bad", "good"), put("lonely", "bad")]
    results, _ = execute(steps, do, lambda _: None, threading.Event())
    assert outcomes(results)["shared"] is Outcome.DONE
    assert outcomes(results)["lonely"] is Outcome.NOT_TRIED
    assert told == [frozenset({"bad"})]


def test_after_a_stop_nothing_begins_that_waited_for_a_thread() -> None:
    """However many steps were ready: what runs is finished, the rest is not tried."""
    stop = threading.Event()
    begun: list[str] = []
    all_busy = threading.Barrier(WORKERS)

    def do(one: Step, _: frozenset[str]) -> None:
        begun.append(one.id)
        all_busy.wait(30)
        stop.set()

    steps = [step(str(number)) for number in range(WORKERS * 3)]
    results, _ = execute(steps, do, lambda _: None, stop)
    found = list(outcomes(results).values())
    assert len(begun) == WORKERS
    assert found.count(Outcome.DONE) == WORKERS
    assert found.count(Outcome.NOT_TRIED) == WORKERS * 2


def test_a_proof_waits_until_nothing_else_is_ready() -> None:
    """All of more steps than threads are written before the first is read back; what needs one follows it."""
    told: list[str] = []

    def do(one: Step, _: frozenset[str]) -> Proof:
        told.append(f"{one.id} written")
        return lambda: told.append(f"{one.id} read")

    count = 2 * WORKERS
    steps = [step("after", "0"), *(step(str(number)) for number in range(count))]
    results, _ = execute(steps, do, lambda _: None, threading.Event())
    assert {result.outcome for result in results} == {Outcome.DONE}
    assert {words.partition(" ")[2] for words in told[:count]} == {"written"}
    assert told.index("after written") > told.index("0 read")


def test_a_step_whose_proof_fails_has_failed() -> None:
    """What needs it is not tried, and who changed it meanwhile is known as with any other step."""

    def do(one: Step, _: frozenset[str]) -> Proof:
        def prove() -> None:
            raise Stale("it is another")

        return prove

    results, stale = execute([step("one"), step("after", "one")], do, lambda _: None, threading.Event())
    assert outcomes(results) == {"one": Outcome.FAILED, "after": Outcome.NOT_TRIED}
    assert stale == {"one"}


def test_what_was_written_before_a_stop_is_proven() -> None:
    """It runs, so it is finished."""
    stop = threading.Event()
    proven: list[str] = []

    def do(one: Step, _: frozenset[str]) -> Proof:
        stop.set()
        return lambda: proven.append(one.id)

    results, _ = execute([step("one"), step("after", "one")], do, lambda _: None, stop)
    assert outcomes(results) == {"one": Outcome.DONE, "after": Outcome.NOT_TRIED}
    assert proven == ["one"]


def test_many_steps_cost_little_to_lay_out() -> None:
    """Ten thousand steps in one chain and ten thousand side by side all run."""
    chain = [step("0"), *(step(str(n), str(n - 1)) for n in range(1, 10_000))]
    side = [step(f"s{n}") for n in range(10_000)]
    results, _ = execute([*chain, *side], lambda *_: None, lambda _: None, threading.Event())
    assert set(outcomes(results).values()) == {Outcome.DONE}


def test_a_machine_that_refuses_is_no_mistake_of_ours() -> None:
    """A full disk is told as what it is, with the file and a way out, and costs one step only."""

    def do(one: Step, _: frozenset[str]) -> None:
        if one.id == "bad":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/cache/x.zip")

    results, _ = execute([step("bad"), step("good")], do, lambda _: None, threading.Event())
    assert outcomes(results) == {"bad": Outcome.FAILED, "good": Outcome.DONE}
    text = str(results[0].error)
    assert text.startswith("/cache/x.zip: No space left on device\n  fix: make room")
    assert "bug" not in text


def test_a_mistake_of_ours_costs_one_step_only() -> None:
    """What is not an error on purpose is told without its text, which may hold anything."""

    def do(one: Step, _: frozenset[str]) -> None:
        if one.id == "bad":
            raise KeyError("hunter2")

    results, _ = execute([step("bad"), step("good")], do, lambda _: None, threading.Event())
    assert outcomes(results) == {"bad": Outcome.FAILED, "good": Outcome.DONE}
    assert "KeyError" in str(results[0].error)
    assert "hunter2" not in str(results[0].error)
