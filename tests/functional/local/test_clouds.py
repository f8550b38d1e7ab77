"""The local clouds start, work, forget and stop."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from lockstep.errors import LockstepError
from lockstep.local import ministack as module
from lockstep.local.ministack import LocalCloud
from tests.support.clouds import Cloud, allow_bucket, client, make_bucket, make_function, upload
from tests.support.waiting import until

WRITES = """
import json, urllib.parse
def handler(event, context):
    for record in event["Records"]:
        print("GOT " + urllib.parse.unquote_plus(record["s3"]["object"]["key"]))
"""


def lines(cloud: Cloud, function: str) -> str:
    """Everything that a function has logged."""
    logs = client(cloud, "logs")
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return ""
    return "".join(event["message"] for event in events)


def test_the_account_is_the_one_of_the_environment(cloud: Cloud) -> None:
    """A client that takes nothing but the environment sees the local account."""
    code = "import botocore.session as b; print(b.Session().create_client('sts').get_caller_identity())"
    run = subprocess.run(
        [sys.executable, "-c", code], env=cloud.environment(), capture_output=True, text=True, check=True
    )
    assert "123456789012" in run.stdout


def test_reset_forgets_everything(cloud: Cloud) -> None:
    """After a reset there are no buckets and no functions."""
    make_bucket(cloud, "some-bucket")
    make_function(cloud, "some-function")
    cloud.reset()
    assert client(cloud, "s3").list_buckets()["Buckets"] == []
    assert client(cloud, "lambda").list_functions()["Functions"] == []


def test_an_upload_runs_the_function_of_its_prefix(ministack: LocalCloud) -> None:
    """S3 events really run Python code, and only that of the entry which the key matches."""
    bucket = make_bucket(ministack, "uploads")
    entries = []
    for name, prefix in (("one", "staging/"), ("two", "Projects/")):
        arn = make_function(ministack, name, source=WRITES)["FunctionArn"]
        allow_bucket(ministack, name, bucket)
        entries.append(
            {
                "Id": name,
                "LambdaFunctionArn": arn,
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
            }
        )
    client(ministack, "s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": entries}
    )
    upload(ministack, bucket, "staging/my file+1.txt")
    until(lambda: "GOT staging/my file+1.txt" in lines(ministack, "one"))
    assert lines(ministack, "two") == ""


def test_the_function_does_not_see_the_users_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Functions inherit MiniStack's environment, so it holds nothing of the user's."""
    monkeypatch.setenv("MY_TOKEN", "hidden")
    source = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    with LocalCloud.start() as cloud:
        make_function(cloud, "env", source=source)
        answer = client(cloud, "lambda").invoke(FunctionName="env")["Payload"].read()
    assert "MY_TOKEN" not in json.loads(answer)


def test_it_listens_on_loopback_only(ministack: LocalCloud) -> None:
    """No socket of MiniStack is open to other machines."""
    leader = psutil.Process(ministack.pid)
    sockets = [
        connection
        for process in (leader, *leader.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert sockets
    assert {connection.laddr.ip for connection in sockets} == {"127.0.0.1"}


def test_stopping_leaves_no_process_and_no_folder() -> None:
    """A stopped cloud has ended all its processes and removed its files."""
    with LocalCloud.start() as cloud:
        make_function(cloud, "f")
        client(cloud, "lambda").invoke(FunctionName="f")
        leader = psutil.Process(cloud.pid)
        processes = [leader, *leader.children(recursive=True)]
        assert len(processes) >= 3  # launcher, MiniStack, the function
    assert psutil.wait_procs(processes, timeout=10)[1] == []
    assert not cloud.folder.exists()


def test_it_ends_when_its_parent_is_killed() -> None:
    """kill -9 of the process that started the cloud ends the cloud and removes its folder."""
    code = (
        "import sys, time; from lockstep.local.ministack import LocalCloud\n"
        "cloud = LocalCloud.start(); print(cloud.endpoint, cloud.folder, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        endpoint, folder = parent.stdout.readline().split()
        parent.kill()

    def is_gone() -> bool:
        try:
            urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5).close()
        except OSError:
            return True
        return False

    until(is_gone)
    until(lambda: not Path(folder).exists())


def test_a_port_that_is_taken_meanwhile_is_not_a_failure(
    ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When somebody else gets the free port first, another one is tried."""
    ports = iter([int(ministack.endpoint.rpartition(":")[2])])
    real = module.Server.start.__globals__["free_port"]
    monkeypatch.setitem(module.Server.start.__globals__, "free_port", lambda: next(ports, None) or real())
    with LocalCloud.start() as other:
        assert other.endpoint != ministack.endpoint


def test_without_ministack_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """No MiniStack anywhere: the error names the extra to install."""
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LockstepError, match=r"pip install 'lockstep-gitops\[demo\]'"):
        LocalCloud.start()


def test_a_program_that_fails_leaves_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """When the program ends at once the error shows its last words and where its log is."""
    program = f"{tmp_path}/broken"
    with open(program, "w") as file:  # noqa: PTH123
        file.write("#!/bin/sh\necho no luck today\nexit 7\n")
    subprocess.run(["chmod", "+x", program], check=True)
    monkeypatch.setenv("LOCKSTEP_MINISTACK", program)
    with pytest.raises(LockstepError, match="exit code 7") as caught:
        LocalCloud.start()
    assert "no luck today" in str(caught.value)
    assert "log.txt" in str(caught.value)
