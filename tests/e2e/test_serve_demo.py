"""``lockstep serve --demo``, as somebody meets it who has read one line about Lockstep."""

import json
import re
import urllib.request
from http.client import HTTPResponse
from pathlib import Path

import pytest

from lockstep.cli import main
from tests.support.serving import DIRECT, fetched, in_shell, shown, stream


def test_there_is_something_to_look_at(url: str) -> None:
    """Functions in three environments, of a preview too, which really run what the example declares."""
    shown(url, "3 synced, 0 out of sync, 0 unknown")
    page = fetched(url)
    assert 'href="/targets/syrf/preview/pr-123/s3-notifier">0.1.6-pr123 ● Synced/Healthy' in page
    assert 'href="/targets/syrf/production/s3-notifier">0.1.5 ● Synced/Healthy' in page


def test_a_push_is_a_run_that_tells_who_and_why(url: str, place: Path) -> None:
    """Its steps name AWS's requests, the audit who declared it; ``lockstep history`` asks the server."""
    file = "syrf/environments/staging/s3-notifier/config.yaml"
    in_shell(place, f"sed -i s/0.1.5/0.1.6/ {file}; git commit -qam 'staging: 0.1.6'; git push -q")
    shown(f"{url}runs?q=pushed+done", "staging/s3-notifier")
    (run, *_) = json.loads(fetched(f"{url}api/v1/runs?q=pushed"))["runs"]
    steps = json.loads(fetched(f"{url}api/v1/runs/{run['id']}"))["run"]["steps"]
    (update,) = [step for step in steps if step["words"].startswith("staging/s3-notifier: update code")]
    assert re.fullmatch(r"[0-9a-zA-Z-]+( [0-9a-zA-Z-]+)*", update["requests"])
    (event,) = json.loads(fetched(f"{url}api/v1/events?q=0.1.6+deployed+staging"))["events"]
    assert (event["version"], event["run"]) == ("0.1.6", run["id"])
    assert "declared by Ada" in event["words"]
    ref = "refs/lockstep/syncs"
    in_shell(place, f"git fetch -q origin {ref}:{ref}; git push -q origin :{ref}")  # nothing else remembers
    asked = f"cd /; LOCKSTEP_SERVER={url} lockstep history staging/s3-notifier -o json"
    newest, *_ = json.loads(in_shell(place, asked))["versions"]
    in_shell(place, f"git push -q origin {ref}")
    assert newest["deployment"]["run"] == run["id"]


def test_an_open_page_shows_what_happens(url: str, place: Path) -> None:
    """The page is sent again to whoever keeps it open, once something is another way."""
    file = "syrf/environments/production/s3-notifier/config.yaml"
    with stream(url) as page:
        until_line(page, "0.1.5 ● Synced/Healthy")
        in_shell(place, f"sed -i s/0.1.5/0.1.6/ {file}; git commit -qam 'production: 0.1.6'; git push -q")
        until_line(page, 'href="/targets/syrf/production/s3-notifier">0.1.6 ● Synced/Healthy')
    with stream(f"{url}runs?q=production") as page:
        until_line(page, "production/s3-notifier")


def until_line(page: HTTPResponse, words: str) -> None:
    """Read until a line holds some words; the time-out of the stream ends the wait."""
    for line in page:
        if words in line.decode():
            return
    pytest.fail(f"the stream ended before {words}")


def test_drift_is_remembered_and_a_lost_history_stops_nothing(url: str, place: Path) -> None:
    """It is seen, mended where it may be, and written to a new file when the old one was removed."""
    (place / "data" / "history.db").unlink()
    change = "import botocore.session as b; b.Session().create_client('lambda').update_function_configuration"
    name = "syrfAppUploadS3Notifier-pr-123"
    in_shell(place, f"python -c \"{change}(FunctionName='{name}', MemorySize=1024)\"")
    shown(f"{url}audit?q=mended", "preview/pr-123/s3-notifier")
    (one,) = json.loads(fetched(f"{url}api/v1/drift"))["drift"]
    assert one["seen"] <= one["mended"]
    assert "memorySize: 1024 -> " in one["words"]
    assert fetched(f"{url}healthz") == "ok\n"


def test_a_button_shows_what_would_come_and_does_it(url: str, place: Path) -> None:
    """A rollback is proposed as the policy wants, with the reason and who asked; a sync is a run."""
    target = {"project": "syrf", "target": "staging/s3-notifier"}
    address, branch = f"{url}act/rollback/syrf/staging/s3-notifier", "lockstep/rollback/staging/s3-notifier"
    shown(f"{url}targets/syrf/staging/s3-notifier", "0.1.6 ● Synced/Healthy")
    page = fetched(address)
    assert "0.1.6 -&gt; 0.1.5" in page
    (token,) = re.findall(r'name="csrf" value="([0-9a-f]+)"', page)
    assert "it is slow" in posted(address, f"csrf={token}&version=&reason=it+is+slow".encode())
    shown(f"{url}api/v1/runs?q=rollback+done", "waits for a person to merge it")
    written = f"git fetch -q origin {branch}; git show FETCH_HEAD"
    told = r"it is slow.*Lockstep-Asked-By: (somebody at this machine)\n.*\+ +by: .\1"
    assert re.search(told, in_shell(place, written), re.DOTALL)
    dry = order(url, verb="release-hold", dryRun=True, **target)
    assert (dry["run"], dry["lines"]) == (None, ["staging/s3-notifier is not held: nothing to do"])
    run = order(url, verb="sync", reason="to be sure", **target)["run"]
    shown(f"{url}api/v1/runs?q=sure+done", str(run))


def test_the_command_line_asks_it(url: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it sees, logs, previews; an order is followed step by step, with the code that came of it."""
    staging = "staging/s3-notifier"
    assert main(["preview", "list", "--server", url]) == 0
    assert "0.1.6-pr123 ● Synced/Healthy" in capsys.readouterr().out
    assert main(["logs", staging, "--server", url, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "lockstep.logs/1"
    assert main(["sync", staging, "--dry-run", "--server", url]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    in_shell(
        place,
        "git fetch -q; git reset -q --hard @{u}; sed -i 's/production: {/&promotion: {merge: direct}, /' "
        "lockstep.yaml; git commit -qam 'Production by itself'; git push -q",
    )
    shown(f"{url}api/v1/events?q=pushed", in_shell(place, "git rev-parse HEAD").strip())
    assert main(["promote", "s3-notifier@0.1.5", "--to", "production", "--server", url]) == 1
    assert "0.1.5 comes before 0.1.6" in " ".join(capsys.readouterr().out.split())
    assert main(["rollback", "production/s3-notifier", "--reason", "a sale", "--server", url]) == 0
    assert "Committed as" in capsys.readouterr().out
    assert main(["rollback", "preview/pr-123/s3-notifier", "--server", url]) == 1
    assert "there is nothing to rollback there now" in capsys.readouterr().err
    assert main(["audit", "--query", "sale", "--server", url]) == 0
    assert "rollback was asked for" in " ".join(capsys.readouterr().out.split())


def posted(url: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> str:
    """What an address answers to a form, where it leads to."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": kind})
    with DIRECT.open(request, timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def order(url: str, **fields: object) -> dict[str, object]:
    """An order in JSON."""
    found: dict[str, object] = json.loads(
        posted(f"{url}api/v1/orders", json.dumps(fields).encode(), "application/json")
    )
    return found


def test_the_demo_follows_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is named beside it is not passed over in silence."""
    assert main(["serve", "--demo", "--config", "lockstep-serve.yaml"]) == 3
    assert "leave out --config, or --demo" in capsys.readouterr().err
