"""Promotions and rollbacks with an AWS behind them: soak, health, the plan, waiting, and incidents."""

import re
import threading

from lockstep.cli import main
from lockstep.local.ministack import LocalCloud
from tests.functional.promotion.conftest import PRODUCTION_FILE, PROJECT, STAGING_FILE, Shop
from tests.support import clouds

SOAK = PROJECT.replace("from: staging}", "from: staging, soak: SOAK}")


def test_a_soak_begins_when_the_version_is_live_and_well(live: Shop) -> None:
    """Too early it is held back with the time that is left; a short soak that has passed lets it go."""
    live.push(**{"lockstep.yaml": SOAK.replace("SOAK", "1h")})
    live.run("promote", "notifier", "--to", "production", code=1)
    assert "soak: 0.2.0 ran for" in live.err
    assert "the policy asks for 1 h" in live.err
    assert re.search(r"it has run long enough in (1 h|59 min)", live.err)
    live.push(**{"lockstep.yaml": SOAK.replace("soak: SOAK", "soak: 0s")})
    live.run("promote", "notifier", "--to", "production")
    (pull,) = live.pulls()
    assert pull.title == "production: notifier 0.1.0 -> 0.2.0"


def test_drift_in_the_source_holds_back(live: Shop, ministack: LocalCloud) -> None:
    """A source that is not what Git says proves nothing about the version."""
    function = clouds.client(ministack, "lambda")
    function.update_function_configuration(FunctionName="notifier-staging", MemorySize=1024)
    function.get_waiter("function_updated_v2").wait(
        FunctionName="notifier-staging", WaiterConfig={"Delay": 0}
    )
    live.run("promote", "notifier", "--to", "production", code=1)
    assert "staging/notifier is OutOfSync/Healthy" in live.err
    assert "lockstep sync staging/notifier" in live.err


def test_a_source_that_was_never_synced_holds_back(live: Shop, ministack: LocalCloud) -> None:
    """A function that is missing is not well."""
    clouds.client(ministack, "lambda").delete_function(FunctionName="notifier-staging")
    live.run("promote", "notifier", "--to", "production", code=1)
    assert "staging/notifier is OutOfSync/Missing" in live.err


def test_the_pull_request_shows_the_plan(live: Shop) -> None:
    """What a sync would do after the merge, from the declarations as they will be."""
    live.run("promote", "notifier", "--to", "production")
    (pull,) = live.pulls()
    assert "### Lockstep plan: 0 to create, 1 to update" in pull.body
    assert "production/notifier  update  notifier" in pull.body


def test_an_incident_is_committed_and_synced_at_once(live: Shop, ministack: LocalCloud) -> None:
    """``--now`` passes the review; the function runs the old code again, and the target is held."""
    out = live.run("rollback", "staging/notifier", "--now", "--reason", "it burns")
    assert "Committed as" in out
    assert re.search(r"done +staging/notifier: update code", out)
    function = clouds.client(ministack, "lambda")
    tags = function.list_tags(
        Resource=function.get_function(FunctionName="notifier-staging")["Configuration"]["FunctionArn"]
    )
    assert tags["Tags"]["lockstep:version"] == "0.1.0"
    assert live.log()[0] == "staging: roll back notifier 0.2.0 -> 0.1.0"


def test_an_aliased_function_is_promoted_and_comes_back_by_one_write(
    live: Shop, ministack: LocalCloud
) -> None:
    """One function for both environments: nothing is built or published on the way, by name or by number."""
    shared = "lambda:\n  alias: ENV\n  functionName: both\n  version: "
    files = {
        path: f"{shared.replace('ENV', environment)}'{version}'\n"
        for environment, path, version in (
            ("staging", STAGING_FILE, "0.1.0"),
            ("production", PRODUCTION_FILE, "0.1.0"),
        )
    }
    live.push("one function for both", **files, **{"lockstep.yaml": PROJECT})
    live.run("sync")
    live.run("promote", "notifier@0.2.0", "--to", "staging")
    live.pull()
    live.run("sync")

    def points() -> dict[str, str]:
        aliases = clouds.client(ministack, "lambda").list_aliases(FunctionName="both")["Aliases"]
        return {one["Name"]: one["FunctionVersion"] for one in aliases}

    assert points() == {"production": "1", "staging": "2"}
    back = live.run("rollback", "staging/notifier", "--now")
    assert re.findall(r"^ +done +(.*?) \(", back, re.MULTILINE) == [
        "staging/notifier: point alias staging at version 1"
    ]
    assert points() == {"production": "1", "staging": "1"}

    live.run("release-hold", "staging/notifier", "--now")
    live.push("by its number", **{STAGING_FILE: files[STAGING_FILE].replace("0.1.0", "2")})
    live.run("sync")
    live.run("promote", "notifier", "--to", "production")
    (pull,) = live.pulls()
    assert pull.title == "production: notifier 0.1.0 -> 2"
    assert "point alias production at version 2" in pull.body or "alias" in pull.body


def test_waiting_follows_to_merged_and_live(live: Shop) -> None:
    """``--wait`` ends when somebody else's sync has made it so."""
    live.package("notifier", "0.3.0")
    done: list[int] = []

    def wait() -> None:
        done.append(
            main(
                [
                    "-C",
                    str(live.work.folder),
                    "promote",
                    "notifier@0.3.0",
                    "--to",
                    "staging",
                    "--wait",
                    "--timeout",
                    "60",
                ]
            )
        )

    thread = threading.Thread(target=wait)
    thread.start()
    while "0.3.0" not in live.served("environments/staging/notifier/config.yaml"):
        assert thread.is_alive()
    assert main(["--repo", str(live.bare), "--rev", "main", "sync", "staging"]) == 0
    thread.join(timeout=60)
    assert done == [0]
    assert "live: staging/notifier 0.3.0" in live.capture.readouterr().err


def test_waiting_ends_when_its_time_is_up(live: Shop) -> None:
    """It says what is not yet so, and that running again goes on."""
    live.package("notifier", "0.3.0")
    live.run("promote", "notifier@0.3.0", "--to", "staging", "--wait", "--timeout", "0.1", code=1)
    assert "staging/notifier did not become what Git says" in live.err
    live.run(
        "promote", "notifier", "--to", "production", "--override", "x", "--wait", "--timeout", "0.1", code=1
    )
    assert "was not merged within" in live.err
