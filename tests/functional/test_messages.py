"""Telling people, for real: deployments on a forge, and a process that is killed when it was heard."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from lockstep.forge.base import DeploymentState
from lockstep.forge.local import LocalForge
from lockstep.serve.messages.destinations import Deployments
from lockstep.serve.messages.message import Message, Subject
from lockstep.serve.messages.tellers import teller_of
from tests.support.badinput.desk import git
from tests.support.receivers import http_receiver

_SCRIPT = """\
import sys, threading
from pathlib import Path
from lockstep.serve.messages.destinations import Slack
from lockstep.serve.messages.message import Rule
from lockstep.serve.messages.messenger import Messenger
from lockstep.serve.messages.slack import SlackBot
from lockstep.serve.recording import Recorder, open_history

way = Slack(channel="C1", token="xoxb-1", api=sys.argv[2])
history = open_history(Path(sys.argv[1]), print)
messenger = Messenger(
    "on-call", SlackBot(way, ""), (Rule(),), history, tell=print, stop=threading.Event()
)
messenger.begin()
if sys.argv[3:]:
    recorder = Recorder(history, keep=9e9)
    run = recorder.run("shop", why="a push", actor="Ada", commit="c", targets=["staging/api"])
    run.finish("1 updated")
messenger.step()
history.close()
"""


def test_a_deployment_is_recorded_of_what_a_run_brought(tmp_path: Path) -> None:
    """In each of its environments, once however often it is told; what brought no commit is none."""
    bare = tmp_path / "gitops.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    forge = LocalForge(bare.as_uri(), tmp_path / "cache")
    message = Message(
        key="run/1",
        project="shop",
        environments=frozenset({"production", "staging"}),
        subjects=frozenset({Subject.RUN}),
        state="done",
        title="shop: done",
        lines=(),
        at="",
        link="runs/1",
        commit="c" * 40,
        deployment=DeploymentState.SUCCESS,
    )
    deployer = teller_of(Deployments(), "https://lockstep.example.org/", lambda project: forge)
    for one in (message, message, replace(message, commit=None)):
        deployer.tell(one, remote="", is_unsure=True)
    for environment in message.environments:
        (record,) = forge.deployments(environment)
        assert (record["sha"], record["state"]) == ("c" * 40, "success")
        assert record["url"] == "https://lockstep.example.org/runs/1"


def test_killed_while_it_waits_for_the_answer_it_tells_nothing_twice(tmp_path: Path) -> None:
    """SIGKILL when Slack has the message: the next process finds it there, and changes it at the most."""
    with http_receiver() as web:

        def start(*words: str) -> int:
            process = subprocess.Popen(
                [sys.executable, "-c", _SCRIPT, str(tmp_path), f"{web.url}/api", *words]
            )
            web.before_answer = (lambda: os.kill(process.pid, signal.SIGKILL)) if words else lambda: None
            return process.wait(timeout=60)

        assert start("kill") == -signal.SIGKILL
        assert len(web.channel) == 1
        assert start() == 0
        assert len(web.channel) == 1
        assert [path.partition("?")[0] for path, _, _ in web.requests] == [
            "/api/chat.postMessage",
            "/api/conversations.history",
            "/api/chat.update",
        ]
