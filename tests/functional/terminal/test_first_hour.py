"""What a new user types in the first hour, on 80 columns, and what must stand on the screen."""

import json

from tests.functional.terminal.conftest import Place
from tests.support.badinput.desk import git
from tests.support.terminal import CTRL_C, at_terminal, plain


def test_each_command_names_the_next_one(place: Place) -> None:
    """On a terminal, in words to be typed; no line is wider than it, with and without colour and in C."""
    for words, says in (
        (("validate",), "Next: lockstep plan"),
        (("plan", "staging"), "Next: lockstep sync staging"),
        (("sync", "-y"), "Next: lockstep status"),
        (("status",), "Next: lockstep status --watch goes on looking"),
        (("explain", "staging/s3-notifier"), "Next: lockstep plan staging/s3-notifier"),
        (("history", "staging/s3-notifier"), "Next: lockstep rollback staging/s3-notifier"),
        (("drift",), "Next: lockstep status"),
        (("plan",), "Next: lockstep status"),
    ):
        env = {"NO_COLOR": "1", "LC_ALL": "C"} if words[0] in ("explain", "drift", "validate") else {}
        seen = place.look(*words, **env)
        assert (seen.code, says in seen.text) == (0, True), seen.text
        assert max(map(len, seen.lines)) <= 80, seen.text
        if env:
            assert "\x1b[3" not in seen.raw
        elif words[0] in ("sync", "status"):
            assert "\x1b[3" in seen.raw
    assert "Next:" not in place.look("plan", CI="true").text


def test_an_error_is_text_for_people_and_json_where_that_was_asked_for(place: Place) -> None:
    """Suggestions for commands and options of other tools; the same errors as one document."""
    for words, says in (
        (("deploy",), "did you mean `lockstep sync`? Make AWS what the repository says."),
        (("apply", "staging"), "did you mean `lockstep sync`?"),
        (("sync", "--auto-aprove"), "there is no option --auto-aprove"),
        (("sync", "--auto-approve"), "did you mean --yes?"),
        (("plan", "--env=staging"), "targets stand without an option: lockstep plan staging"),
    ):
        seen = place.look(*words)
        assert (seen.code, says in " ".join(seen.text.split())) == (3, True), seen.text
    seen = place.look("plan", "stagin", "-o", "json")
    document = json.loads(seen.text[seen.text.index("{") :])
    assert document["format"] == "lockstep.errors/1"
    assert document["exitCode"] == seen.code == 3
    assert document["errors"][0]["where"] == "stagin"
    assert "did you mean staging" in document["errors"][0]["fix"]


def test_a_watch_draws_in_place_below_a_clock_until_ctrl_c(place: Place) -> None:
    """The cursor goes home and what is left of the old is cleared; no traceback at the end."""
    with at_terminal(["status", "--watch", "1"], place.folder, place.env, rows=20) as terminal:
        terminal.until("again every 1 s: lockstep status")
        terminal.until("Status: ")
        terminal.until("read 1 s ago")
        terminal.until("Status: ")
        terminal.type(CTRL_C)
        seen = terminal.finish()
    assert seen.code == 130
    assert seen.text.rstrip().endswith("interrupted; nothing was changed")
    assert seen.raw.count("\x1b[2J") == 1, "only the first drawing clears the screen"
    assert seen.raw.count("\x1b[H") > 2
    drawn = plain(seen.raw.split("\x1b[H")[-1])
    assert max(map(len, drawn.split("\r\n"))) <= 80


def test_ctrl_c_ends_the_demo_without_a_traceback(place: Place) -> None:
    """What it started is ended too."""
    with at_terminal(["demo"], place.folder, place.env) as terminal:
        terminal.until("1. Two repositories")
        terminal.type(CTRL_C)
        seen = terminal.finish()
    assert seen.code == 130, seen.text
    assert "Traceback" not in seen.text
    assert "interrupted" in seen.text


def test_the_last_preview_goes_and_the_plan_says_what_goes_with_it(place: Place) -> None:
    """`sync preview` after its folder was removed: function, prefix and log group by name."""
    assert place.look("sync", "preview").code == 0
    git(place.folder, "rm", "-rq", "syrf/environments/preview/pr-123")
    git(place.folder, "commit", "-qm", "Close 123")
    seen = place.look("sync", "preview", NO_COLOR="1")
    assert seen.code == 0, seen.text
    for line in (
        "- preview/pr-123/s3-notifier  delete  syrfAppUploadS3Notifier-pr-123",
        "    trigger: s3://syrfapp-uploads/preview/pr-123/* -> (removed)",
        "    logs: /aws/lambda/syrfAppUploadS3Notifier-pr-123 -> (removed)",
        "    - preview/pr-123/*",
        "Plan: 0 to create, 0 to update, 1 to delete, 0 to adopt, 0 unchanged.",
    ):
        assert line in seen.lines, seen.text
    assert place.look("plan", "preview").text.count("Nothing to do: no Lambda function is selected.") == 1
