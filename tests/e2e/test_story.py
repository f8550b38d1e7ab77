"""The story of a project, from an empty folder to a removed preview."""

import json
import re
import shutil
import threading
from pathlib import Path

from tests.e2e.conftest import FRESH, User
from tests.strict import Proxy
from tests.support.badinput.desk import git

STAGING = "environments/staging/hello/config.yaml"


def rows(user: User) -> dict[str, tuple[str, str]]:
    """Sync status and health by target."""
    status = user.json("status")
    return {row["target"]: (row["sync"], row["health"]) for row in status["targets"]}


def test_from_an_empty_folder_to_a_rollback(user: User, project: User) -> None:
    """Declare, plan, sync, see drift, mend it, raise a version, roll back: as users start it, each time."""
    user.lockstep = FRESH
    assert user.run("validate") == "Valid: 2 targets in 2 environments.\n"
    assert "Plan: 2 to create" in user.run("plan", "--exit-code", code=2)
    assert "Sync: 3 done" in user.run("sync")
    assert "Nothing to do" in user.run("plan", "--exit-code")
    assert rows(user) == dict.fromkeys(("production/hello", "staging/hello"), ("Synced", "Healthy"))
    assert user.invoke("hello-staging") == "0.1.0"

    user.client("lambda").update_function_configuration(FunctionName="hello", MemorySize=1024)
    assert "memorySize: 1024 -> 256" in user.run("status", "--exit-code", code=2)
    assert "memorySize: 1024 -> 256" in user.run("sync")
    assert user.run("status", "--exit-code")

    first = git(user.folder, "rev-parse", "HEAD")
    user.change(STAGING, '"0.1.0"', '"0.2.0"')
    user.run("validate")
    assert user.err == f"warning: {STAGING}: not as in commit {first[:8]}; what is on disk counts\n"
    second = user.commit("staging: hello 0.2.0")
    told = user.run("sync", "--since", first)
    assert "staging/hello: update code" in told
    assert "production/hello" not in told
    assert user.invoke("hello-staging") == "0.2.0"
    assert user.invoke("hello") == "0.1.0"
    (row,) = [row for row in user.json("status")["targets"] if row["target"] == "staging/hello"]
    assert (row["declared"], row["live"], row["commit"], row["author"]) == ("0.2.0", "0.2.0", second, "Ada")

    git(user.folder, "revert", "--no-edit", "HEAD")
    user.run("sync")
    assert user.invoke("hello-staging") == "0.1.0"
    assert "hunter2" not in user.told


def test_a_preview_comes_and_goes_with_its_folder(user: User, project: User) -> None:
    """Nothing else is touched, and nothing is asked."""
    user.run("sync")
    user.write("environments/preview/pr-7/pr.yaml", "prNumber: 7\n")
    user.write(
        "environments/preview/pr-7/services/hello.values.yaml",
        'lambda: {version: "0.2.0", functionName: "hello-pr-{pr}"}\n',
    )
    user.commit("preview: pr-7")
    assert "preview/pr-7/hello: create function" in user.run("sync")
    assert user.invoke("hello-pr-7") == "0.2.0"
    shutil.rmtree(user.folder / "environments/preview/pr-7")
    user.commit("preview: remove pr-7")
    assert "preview/pr-7/hello: delete function" in user.run("sync")
    names = {f["FunctionName"] for f in user.client("lambda").list_functions()["Functions"]}
    assert names == {"hello", "hello-staging"}


def test_a_plan_is_reviewed_and_then_applied(user: User, project: User, tmp_path: Path) -> None:
    """In CI: a saved plan, a job summary, another clone, no colours."""
    summary = tmp_path / "summary.md"
    ci = {"CI": "true", "GITHUB_STEP_SUMMARY": str(summary), "FORCE_COLOR": "1", "NO_COLOR": "1"}
    user.run("plan", "staging", "-o", "../plan.json", **ci)
    assert user.err == "saved to ../plan.json; apply it with: lockstep sync ../plan.json\n"
    assert json.loads((tmp_path / "plan.json").read_text())["format"] == "lockstep.plan/1"
    told = user.run("sync", "../plan.json", **ci)
    assert "\x1b" not in told
    assert "production/hello" not in told
    assert "plan again" in user.run("sync", "../plan.json", code=1) + user.err
    assert summary.read_text().count("### ") == 3
    assert "hunter2" not in user.told + summary.read_text() + (tmp_path / "plan.json").read_text()


def test_another_repository_is_read_without_a_checkout(user: User, project: User, tmp_path: Path) -> None:
    """At any commit; a package of a commit is read from it."""
    first = git(user.folder, "rev-parse", "HEAD")
    user.change(STAGING, '"0.1.0"', '"0.2.0"')
    user.commit("staging: hello 0.2.0")
    url = f"file://{user.folder}"
    user.folder = tmp_path / "elsewhere"
    user.folder.mkdir()
    plans = [user.json("plan", "--repo", url, "--rev", rev) for rev in (first, "main")]
    versions = [[row["version"] for row in plan["targets"]] for plan in plans]
    assert versions == [["0.1.0", "0.1.0"], ["0.1.0", "0.2.0"]]
    assert plans[0]["commit"] == first
    user.run("sync", "--repo", url)
    assert user.invoke("hello-staging") == "0.2.0"
    assert not [*user.folder.iterdir()]


def test_every_json_output_is_one_document(user: User, project: User) -> None:
    """With a format that names its version."""
    assert user.json("validate")["valid"] is True
    for words in (("plan",), ("sync",), ("status",), ("explain", "staging/hello"), ("doctor",)):
        document = user.json(*words)
        assert isinstance(document, dict)
        assert document["format"].startswith("lockstep.")
    assert "hunter2" not in user.told


def plain(text: str) -> list[str]:
    """Lines of a terminal's text without what moves the cursor or colours; rewritten parts are lines too."""
    bare = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n" if "\x1b[1A" in text else "", text)
    return re.split(r"[\r\n]+", bare)


def test_a_terminal_shows_live_rows_in_80_columns(slow: tuple[User, Proxy]) -> None:
    """While steps run, they are shown with their seconds; no line is broken by the terminal."""
    user, aws = slow
    seen = threading.Event()
    aws.on_call(3, lambda _: seen.wait(30) and None, counting="mutating")
    terminal = user.terminal("sync", "--yes")
    terminal.until("  ...       ")
    seen.set()
    assert terminal.end() == 0, terminal.text
    assert "\x1b[" in terminal.text
    assert "Sync: 3 done" in terminal.text
    assert max(len(line) for line in plain(terminal.text)) <= 80
    again = user.terminal("plan", "--no-color")
    assert again.end() == 0
    assert "\x1b[3" not in again.text


def test_ctrl_c_finishes_what_is_under_way(slow: tuple[User, Proxy]) -> None:
    """It says so at once, lists what is left, and the next sync does that."""
    user, aws = slow
    stopped = threading.Event()
    aws.on_call(1, lambda _: stopped.wait(30) and None, counting="mutating")
    terminal = user.terminal("sync", "--yes")
    terminal.until("  ...       ")
    terminal.press_ctrl_c()
    terminal.until("press Ctrl-C again to leave at once")
    stopped.set()
    assert terminal.end() == 130
    assert "Left to do:" in terminal.text
    assert "Traceback" not in terminal.text
    user.run("sync")
    assert user.run("plan", "--exit-code")
