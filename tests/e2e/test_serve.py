"""The controller as a process: it follows a repository, shows what it sees, is killed, and goes on."""

import hashlib
import hmac
import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.forge.local import LocalForge
from tests.e2e.conftest import User
from tests.support.badinput.desk import git
from tests.support.clouds import ACCOUNT, REGION
from tests.support.receivers import HttpReceiver, http_receiver
from tests.support.serving import DIRECT, Serving, shown
from tests.support.waiting import until

ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:lockstep-events"
STAGING = "environments/staging/hello/config.yaml"


@pytest.fixture
def config(project: User, tmp_path: Path) -> Path:
    """A file that follows the user's repository."""
    path = tmp_path / "serve" / "lockstep-serve.yaml"
    path.parent.mkdir()
    path.write_text(
        f"listen: 127.0.0.1:0\npoll: 1h\ndrift: 1h\nprojects:\n  hello:\n    repository: {project.folder}\n"
        "    environments:\n      staging: {sync: true, selfHeal: true}\n      production: {sync: true}\n"
    )
    return path


def texts(chat: HttpReceiver) -> list[str]:
    """All lines that stand in the channel."""
    return [line for one in list(chat.channel.values()) for line in one["text"].splitlines()]


def push(url: str, repository: Path) -> None:
    """Announce a push, as GitHub does."""
    body = json.dumps({"repository": {"clone_url": repository.as_uri()}}).encode()
    digest = hmac.new(b"a secret", body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}hooks/github", data=body, headers=headers)
    with DIRECT.open(request, timeout=30) as answer:
        assert answer.read() == b"1 asked\n"


@pytest.fixture
def chat() -> Iterator[HttpReceiver]:
    """A Slack."""
    with http_receiver() as server:
        yield server


def test_a_push_is_live_and_a_kill_loses_nothing(project: User, config: Path, chat: HttpReceiver) -> None:
    """What is declared comes, what was changed by hand is healed where it may be, and else only seen, as soon
    as an event tells of it.

    Of each thing of it there is one message.
    """
    project.env["LOCKSTEP_GITHUB_HOOK_SECRET"] = "a secret"
    project.env["LOCKSTEP_MESSAGE_SECRET__ON_CALL"] = "xoxb-secret"
    sqs = project.client("sqs")
    queue = sqs.create_queue(QueueName="lockstep-events")["QueueUrl"]
    config.write_text(f"{config.read_text()}    events: ['{ARN}']\n")
    to = f"messages:\n  on-call: {{slack: C1, api: '{chat.url}/api'}}\n"
    config.write_text(f"{config.read_text()}{to}")
    serving = Serving("--config", str(config), env=project.env)
    serving.until(r"staging/hello: create function")
    assert serving.end(signal.SIGKILL) == -signal.SIGKILL

    serving = Serving("--config", str(config), env=project.env)
    said = serving.until(r"Status: 2 synced, 0 out of sync")
    (url,) = re.findall(r"http://127\.0\.0\.1:\d+/", said)
    assert [project.invoke(name) for name in ("hello", "hello-staging")] == ["0.1.0", "0.1.0"]
    project.change(STAGING, '"0.1.0"', '"0.2.0"')
    project.commit("staging: hello 0.2.0")
    push(url, project.folder)
    serving.until(r"staging/hello: update code", r"Sync: \d+ done")
    assert project.invoke("hello-staging") == "0.2.0"
    shown(url, "0.2.0 ● Synced/Healthy")

    for name in ("hello", "hello-staging"):
        project.client("lambda").update_function_configuration(FunctionName=name, MemorySize=1024)
        detail = {"requestParameters": {"functionName": name}}
        told = {"source": "aws.lambda", "detail-type": "AWS API Call via CloudTrail", "detail": detail}
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(told))
    sqs.send_message(QueueUrl=queue, MessageBody="no event")
    serving.until(
        r"staging/hello: update configuration",
        "production/hello: differs from Git",
        "no event of EventBridge",
    )
    project.run("serve", "--config", str(config), code=3)
    assert "another lockstep serve works in this folder" in project.err
    until(lambda: {"AWS was changed"} <= {line.partition(": ")[0] for line in texts(chat)})
    assert serving.end(signal.SIGTERM) == 0
    assert "stopped" in serving.text
    keys = [one["metadata"]["event_payload"]["key"] for one in chat.channel.values()]
    assert len(keys) == len(set(keys)) >= 3
    assert "xoxb" not in serving.text
    lives = project.client("lambda").get_function_configuration
    assert [lives(FunctionName=name)["MemorySize"] for name in ("hello", "hello-staging")] == [1024, 256]
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert {left[f"ApproximateNumberOfMessages{rest}"] for rest in ("", "NotVisible")} == {"0"}


KILLS = """\
#!/bin/sh
# Kills the controller once for each kind of thing that it writes, at the moment at which it is written.
while read -r old new ref; do
  case $ref in refs/heads/main|refs/heads/lockstep/*|refs/lockstep/pulls) ;; *) continue ;; esac
  mkdir "KILLED/$(echo "$ref" | tr / -)" 2>/dev/null && kill -9 "$(cat KILLED/pid)"
done
exit 0
"""


def test_killed_at_each_thing_that_it_writes_a_promotion_is_made_once(
    project: User, config: Path, tmp_path: Path
) -> None:
    """The branch, the pull request and its merge: each is found again, none is made twice, and it is live."""
    killed, bare = tmp_path / "killed", tmp_path / "served" / "gitops.git"
    killed.mkdir()
    policy = "  production:\n    promotion: {from: staging, merge: auto, auto: true}\n"
    project.change("lockstep.yaml", "  production:\n", policy)
    project.change(STAGING, '"0.1.0"', '"0.2.0"')
    project.commit("staging: hello 0.2.0")
    project.run("sync")
    git(project.folder, "clone", "-q", "--bare", str(project.folder), str(bare))
    hook = bare / "hooks" / "post-receive"
    hook.write_text(KILLS.replace("KILLED", str(killed)))
    hook.chmod(0o755)
    config.write_text(config.read_text().replace(str(project.folder), str(bare)))

    def started() -> Serving:
        serving = Serving("--config", str(config), env=project.env)
        (killed / "pid").write_text(str(serving.process.pid))
        return serving

    for _ in range(3):
        assert started().ended() == -signal.SIGKILL
    serving = started()
    serving.until(r"production/hello: update code", "Status: 2 synced, 0 out of sync")
    assert project.invoke("hello") == "0.2.0"
    assert serving.end(signal.SIGTERM) == 0
    assert {one.name for one in killed.iterdir()} == {
        *("pid", "refs-heads-main", "refs-lockstep-pulls", "refs-heads-lockstep-promote-production-hello"),
    }
    assert git(bare, "log", "--format=%s", "-2", "main").splitlines()[1] == "staging: hello 0.2.0"
    forge = LocalForge(bare.as_uri(), tmp_path / "cache")
    assert [one.number for one in forge.pulls(is_open=False)] == [1]
