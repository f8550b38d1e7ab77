"""Canaries through the commands themselves: each in every format, on every way out, and in files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.spelling import readings
from tests.strict import Faults, Proxy
from tests.support import clouds
from tests.support.badinput.desk import NOTIFIER, SECRETS, Desk, Told
from tests.support.clouds import Cloud, client

PARAMETER, STORED, LIVE = "c4n4ry-of-a-parameter", "c4n4ry-of-a-secret", "c4n4ry-behind-our-back"
CANARIES = (*SECRETS, PARAMETER, STORED, LIVE)
FORMATS = ("table", "json", "markdown")
STAGING = "staging/s3-notifier"
COMMANDS: tuple[tuple[str, ...], ...] = (
    *(("plan", "-o", form) for form in FORMATS),
    *(("plan", "--full", "-o", form) for form in FORMATS),
    *(("status", "-o", form) for form in FORMATS),
    *(("drift", "-o", form) for form in FORMATS),
    *(("explain", STAGING, "-o", form) for form in FORMATS),
    ("explain", STAGING, "lambda.environment.RABBIT_PASSWORD"),
    *(("history", STAGING, "-o", form) for form in FORMATS),
    ("doctor",),
    ("validate",),
    ("iam-policy", "plan"),
    ("iam-policy", "sync"),
    ("preview", "list"),
    ("promote", "s3-notifier@0.1.6", "--to", "production", "--dry-run"),
    ("pulls",),
    ("plan", "--repo", f"https://user:{SECRETS[4]}@127.0.0.1:9/x.git"),
    ("sync", "--adopt", "nothing/there"),
)


@pytest.fixture
def desk(ministack: Cloud, tmp_path: Path) -> Iterator[Desk]:
    """A project whose functions get secrets from every store, and where somebody set another by hand."""
    clouds.make_role(ministack)
    for bucket in ("camarades-packages", "syrfapp-uploads"):
        clouds.make_bucket(ministack, bucket)
    client(ministack, "ssm").put_parameter(Name="/shop/p", Value=PARAMETER, Type="SecureString")
    client(ministack, "secretsmanager").create_secret(Name="shop/s", SecretString=STORED)
    with Proxy(ministack) as proxy, Desk.laid(tmp_path, proxy, Faults()) as desk:
        told = "    RABBIT_PASSWORD: hunter2-in-the-repository\n"
        stores = "    FROM_PARAMETER: {ssm: /shop/p}\n    FROM_STORE: {secret: shop/s}\n"
        desk.change(NOTIFIER, told, told + stores)
        yield desk


def assert_silent(told: Told, *words: str) -> None:
    """No canary is to be read."""
    for text in readings(told.all):
        assert not [one for one in CANARIES if one in text], (words, told.all)


def test_no_command_shows_the_canary(desk: Desk, tmp_path: Path) -> None:
    """Before the first sync, after it, and with what somebody else changed; the log tells all it can."""
    first = desk.process("sync", "-vv")
    assert first.code == 0, first.all
    assert_silent(first, "sync")
    functions = client(desk.aws.behind, "lambda")
    name = "syrfAppUploadS3Notifier-staging"
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert {PARAMETER, STORED, SECRETS[0]} <= {*variables.values()}  # the canaries sing where they should
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "DB_TOKEN": LIVE, "PLAIN": LIVE}}
    )
    codes = {words: desk.run("-vv", *words) for words in COMMANDS}
    for words, told in codes.items():
        assert_silent(told, *words)
        assert "Traceback" not in told.all, words
    assert "DB_TOKEN" in codes["plan", "-o", "table"].out
    file = tmp_path / "plan.json"
    saved = desk.process("plan", "-o", str(file))
    assert_silent(saved, "plan -o FILE")
    assert not [one for one in CANARIES if one in file.read_text()]
    assert_silent(desk.process("sync", "-vv", str(file)), "sync FILE")
    for kept in (tmp_path / "cache").rglob("*"):  # the package holds no value, and no cache does but ours
        if kept.is_file() and "fleet-" not in kept.name:
            assert not [one for one in CANARIES if one.encode() in kept.read_bytes()], kept
