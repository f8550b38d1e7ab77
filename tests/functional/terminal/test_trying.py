"""``invoke``, ``logs`` and ``top`` on a terminal, with a function that really runs."""

import json
import time
from typing import Any

from tests.functional.terminal.conftest import Place
from tests.support import clouds
from tests.support.badinput.desk import SECRETS
from tests.support.terminal import CTRL_C, Seen, at_terminal

TARGET = "staging/s3-notifier"
NAME = "syrfAppUploadS3Notifier-staging"


def _document(seen: Seen) -> Any:
    """What stands on the screen after the words of progress."""
    return json.loads(seen.text[seen.text.index("{") :])


def test_a_function_is_called_and_its_log_is_followed_without_its_secrets(place: Place) -> None:
    """The answer, a failure, the log until Ctrl-C; a secret of its environment is nowhere."""
    assert place.look("sync", "staging", "-y").code == 0
    answered = place.look("invoke", TARGET)
    assert answered.code == 0, answered.text
    assert '"version": "0.1.6"' in answered.text
    assert f"{TARGET}: {NAME} ($LATEST) answered" in answered.text
    (place.folder / "event.json").write_text('{"fail": 1}')
    failed = place.look("invoke", TARGET, "--payload", "event.json", LC_ALL="C", NO_COLOR="1")
    assert (failed.code, "($LATEST) failed" in failed.text) == (1, True), failed.text
    document = _document(place.look("invoke", TARGET, "-o", "json"))
    assert (document["format"], document["error"]) == ("lockstep.invocation/1", None)
    assert document["payload"] == {"version": "0.1.6", "password": "(secret)"}
    with at_terminal(["logs", TARGET, "--follow"], place.folder, place.env) as terminal:
        terminal.until("called with {} and (secret)")
        terminal.until("ValueError: it cannot: (secret)")
        assert place.look("invoke", TARGET).code == 0
        terminal.until("called with {} and (secret)")
        terminal.type(CTRL_C)
        followed = terminal.finish()
    assert followed.code == 130
    assert "Traceback" not in followed.text.rpartition("ValueError")[2]
    told = answered.text + failed.text + json.dumps(document) + followed.text
    assert not any(secret in told for secret in SECRETS)
    (place.folder / "event.json").unlink()


def test_top_shows_what_is_called_and_fails(place: Place) -> None:
    """From CloudWatch's figures; what has none was not called. No line is wider than the terminal."""
    cloudwatch = clouds.client(place.cloud, "cloudwatch")
    at = time.time() - 300
    for name, value in (("Invocations", 40.0), ("Errors", 3.0), ("Duration", 125.0)):
        cloudwatch.put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "FunctionName", "Value": "syrfAppUploadS3Notifier"}],
                    "Timestamp": at,
                    "Value": value,
                }
            ],
        )
    seen = place.look("top", "production", "preview")
    assert seen.code == 0, seen.text
    assert max(map(len, seen.lines)) <= 80
    rows = [line.split() for line in seen.lines]
    assert ["production/s3-notifier", "40", "3", "0", "125", "ms", "125", "ms"] in rows, seen.text
    assert any(line.startswith("Last 60 min: 40 calls, 3 errors (7.5%); ") for line in seen.lines)
    document = _document(place.look("top", "production", "-o", "json"))
    assert document["targets"][0]["averageMs"] == 125.0
