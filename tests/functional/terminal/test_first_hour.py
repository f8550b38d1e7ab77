"""What a new user types in the first hour, on 80 columns, and what must stand on the screen."""

import json

from tests.functional.terminal.conftest import Place
from tests.support.badinput.desk import git
from tests.support.terminal import CTRL_C, at_terminal, plain


def test_each_command_names_the_next_one(place: Place) -> None:
    """On a terminal, in words to be typed; no line is wider than it, with and without colour and in C."""
    for words, says in (
        (("validate",), "Next: lockstep plan"),
        (("plan", "staging"), "Next: lockstep s"),  # sync, or status where an earlier look has synced
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
    drawn = [piece for piece in seen.raw.split("\x1b[H") if "Status: " in piece][-1].partition("\x1b[J")[0]
    assert max(map(len, plain(drawn).split("\r\n"))) <= 80


def test_ctrl_c_ends_the_demo_without_a_traceback(place: Place) -> None:
    """What it started is ended too."""
    with at_terminal(["demo"], place.folder, place.env) as terminal:
        terminal.until("1. Two repositories")
        terminal.type(CTRL_C)
        seen = terminal.finish()
    assert seen.code == 130, seen.text
    assert "Traceback" not in seen.text
    assert "interrupted" in seen.text


def test_status_of_many_services_is_one_screen(place: Place) -> None:
    """Counts by environment and only what is not well, unless all is asked for."""
    for number in range(25):
        file = place.folder / f"syrf/environments/staging/web-{number}/config.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(f'serviceName: web-{number}\nimage: {{tag: "1.0.{number}"}}\n')
    seen, whole = place.look("status"), place.look("status", "--all", LC_ALL="C", NO_COLOR="1")
    git(place.folder, "clean", "-qfd", "syrf/environments/staging")
    assert (seen.code, whole.code) == (0, 0), seen.text
    assert seen.text.count("\n") <= 24
    assert "ENVIRONMENT" in seen.text
    assert "web-7" not in seen.text
    assert "1.0.7 (kubernetes)" in whole.text
    for line in (*seen.lines, *whole.lines):
        assert len(line) <= 80, line


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


def test_doctor_and_plan_look_at_what_functions_stand_on(place: Place) -> None:
    """A role that is there, one that is not, one that Lambda may not assume; a handler without its file."""
    good = place.look("doctor", NO_COLOR="1")
    assert "role lambda-role" in good.text, good.text
    assert "Lambda may assume it" in good.text
    values = "syrf/services/s3-notifier/values.yaml"
    place.change(values, "app.handler", "main.handler")
    place.change("lockstep.yaml", "bucket: camarades-packages", "bucket: camarades-packages")
    planned = " ".join(place.look("plan").text.split())
    place.change(values, "role: lambda-role", "role: arn:aws:iam::123456789012:role/nowhere")
    bad = place.look("doctor", NO_COLOR="1", LC_ALL="C")
    git(place.folder, "checkout", "-q", values)
    assert bad.code == 1
    flat = " ".join(bad.text.split())
    assert "there is no such role, so Lambda takes no function with it" in flat, bad.text
    assert "the handler 'main.handler' needs the file main.py in the package" in flat
    assert max(map(len, bad.lines)) <= 80
    assert ("needs the file main.py" in planned) or ("handler" in planned)
