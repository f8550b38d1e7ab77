"""``invoke``, ``logs`` and ``top`` on a terminal, with a function that really runs."""

import json
import time
from typing import Any

from tests.functional.terminal.conftest import Place
from tests.support import clouds
from tests.support.badinput.desk import SECRETS, git
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


def test_two_sides_of_a_target_are_shown_with_their_files(place: Place) -> None:
    """Live against Git, two versions, two environments; lines of texts, places of values, nothing secret."""
    assert place.look("sync", "staging", "-y").code == 0
    same = place.look("diff", TARGET)
    assert (same.code, "Nothing differs." in same.text) == (0, True), same.text
    versions = place.look("diff", TARGET, "0.1.5", "0.1.6", "--exit-code", LC_ALL="C", NO_COLOR="1")
    assert versions.code == 2, versions.text
    for line in (
        f"{TARGET}: 0.1.5 -> 0.1.6",
        "  version: 0.1.5 -> 0.1.6",
        '      -    return {"version": "0.1.5", "password": os.environ["RABBIT_PASSWORD"]}',
        '      +    return {"version": "0.1.6", "password": os.environ["RABBIT_PASSWORD"]}',
        "1 value differs; files: 0 added, 0 removed, 1 changed, 0 alike.",
    ):
        assert line in versions.lines, versions.text
    environments = place.look("diff", TARGET, "staging", "production")
    assert '  lambda.s3TriggerPrefix: "staging/" -> "Projects/"' in environments.lines, environments.text
    assert "syrf/environments/production/s3-notifier/config.yaml:6" in environments.text
    for side, says in (
        ("nowhere", "neither git, live, an environment nor a version"),
        ("9.9.9", "there is no"),
    ):
        wrong = " ".join(place.look("diff", TARGET, side).text.split())
        assert says in wrong
    told = same.text + versions.text + environments.text
    assert not any(secret in told for secret in SECRETS)


def test_a_live_function_is_adopted_as_it_is(place: Place) -> None:
    """Its settings, its trigger and its package become declared ones; the plan and the sync only mark it."""
    aws, s3 = clouds.client(place.cloud, "lambda"), clouds.client(place.cloud, "s3")
    arn = aws.create_function(
        FunctionName="mailer-staging",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::123456789012:role/lambda-role",
        Code={"ZipFile": clouds.make_zip()},
        MemorySize=256,
        Environment={"Variables": {"LEVEL": "info", "DB_PASSWORD": SECRETS[0]}},
        Tags={"team": "mail"},
    )["FunctionArn"]
    clouds.make_bucket(place.cloud, "mail-uploads")
    clouds.allow_bucket(place.cloud, "mailer-staging", "mail-uploads")
    rule = {"Name": "prefix", "Value": "mail/"}
    entry = {"Id": "theirs", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="mail-uploads",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{**entry, "Filter": {"Key": {"FilterRules": [rule]}}}]
        },
    )
    missing = place.look("adopt", "staging", "--function", "nothing-*")
    assert (missing.code, "no live function is nothing-*" in missing.text) == (3, True)
    adopted = place.look("adopt", "staging", "--function", "mailer-*", "--tag", "team=mail", NO_COLOR="1")
    assert adopted.code == 0, adopted.text
    assert "Plan: 0 to create, 0 to update, 0 to delete, 1 to adopt, 0 unchanged." in adopted.lines
    declared = (place.folder / "syrf/environments/staging/mailer/config.yaml").read_text()
    for line in ("  memorySize: 256", "  - bucket: mail-uploads", "    prefix: mail/", "    LEVEL: info"):
        assert line in declared.splitlines()
    assert "s3Key: lockstep/adopted/mailer/" in declared
    place.commit("Adopt mailer")
    synced = place.look("sync", "staging/mailer", "-y")
    assert synced.code == 0, synced.text
    assert "update" not in synced.text.replace("0 to update", "")
    empty = place.look("plan", "staging/mailer")
    assert "Nothing to do: everything is in sync" in empty.text, empty.text
    assert not any(secret in adopted.text + declared + synced.text for secret in SECRETS)
    git(place.folder, "reset", "-q", "--hard", "HEAD~1")
    aws.delete_function(FunctionName="mailer-staging")
