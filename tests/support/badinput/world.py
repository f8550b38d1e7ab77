"""What may be wrong in the world: packages, AWS, credentials, networks."""

import socket
import struct
import zipfile
from collections.abc import Callable

from tests.strict import Fault
from tests.support import clouds
from tests.support.badinput.desk import (
    NOTIFIER,
    PREVIEW,
    PROJECT,
    SECRETS,
    STAGING,
    Desk,
    Row,
    git,
    zip_of,
)
from tests.support.git_http import git_server
from tests.support.github_releases import github_releases

__all__ = ["AWS", "PACKAGES"]

PACKAGE = "packages/s3-notifier-0.1.6.zip"
DIRECTORY = 'source: directory\n  path: "packages/{service}-{version}.zip"'
RELEASE = (
    'source: github-release\n  repository: camaradesuk/syrf\n  tag: "{service}-v{version}"\n  asset: "*.zip"'
)


def package(content: bytes) -> Callable[[Desk], object]:
    """Put other bytes in place of staging's package."""
    return lambda desk: desk.write(PACKAGE, content)


def github(
    *,
    is_private: bool = False,
    token: str | None = SECRETS[1],
    failing: int | None = None,
    **releases: dict[str, bytes],
) -> Callable[[Desk], object]:
    """Packages come from GitHub, which has these releases (by tag, with _ for - and .)."""

    def spoil(desk: Desk) -> None:
        server = desk.closing.enter_context(github_releases())
        server.token = SECRETS[1]
        server.add_repository("camaradesuk/syrf", is_private=is_private)
        for version, assets in releases.items():
            server.add_release("camaradesuk/syrf", f"s3-notifier-v{version[1:].replace('_', '.')}", assets)
        if failing:
            limit = (
                {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1900000000"} if failing == 403 else {}
            )
            server.failing = [(failing, limit)] * 50
        desk.env["GITHUB_API_URL"] = server.api
        if token is None:
            desk.env.pop("GITHUB_TOKEN")
        else:
            desk.env["GITHUB_TOKEN"] = token
        desk.change(PROJECT, DIRECTORY, RELEASE)

    return spoil


def source(text: str) -> Callable[[Desk], object]:
    """Packages come from somewhere else."""
    return lambda desk: desk.change(PROJECT, DIRECTORY, text)


def pinned(desk: Desk) -> None:
    """A pin that the package does not meet."""
    desk.change(STAGING, '"0.1.6"', f'"0.1.6"\n  sha256: {"ab" * 32}')


def declared_size(name: str, size: int) -> bytes:
    """A zip whose directory says that a small entry unpacks to ``size`` bytes."""
    data = bytearray(zip_of({name: b"x" * 100}))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(data)


def linked_package(desk: Desk) -> None:
    """A package that is a symbolic link out of the repository."""
    (desk.folder / PACKAGE).unlink()
    (desk.folder / PACKAGE).symlink_to("/etc/passwd")


def link_in_zip() -> bytes:
    """A zip with a symbolic link in it."""
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        entry = zipfile.ZipInfo("app.py")
        entry.external_attr = 0o120777 << 16
        file.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


ZIP = clouds.make_zip()

ONE = ("sync", "staging")  # the others would be synced

PACKAGES: dict[str, Row] = {
    "package: missing": Row(
        words=ONE,
        spoil=lambda desk: (desk.folder / PACKAGE).unlink(),
        code=1,
        says=(f"{STAGING}:4", PACKAGE, "artifacts.path"),
    ),
    "package: a folder": Row(
        words=ONE,
        spoil=lambda desk: [(desk.folder / PACKAGE).unlink(), (desk.folder / PACKAGE).mkdir()],
        code=1,
        says=(f"{STAGING}:4", PACKAGE),
    ),
    "package: a link out of the repository": Row(
        words=ONE, spoil=linked_package, code=1, says=(f"{STAGING}:4", "symbolic link")
    ),
    "package: empty": Row(words=ONE, spoil=package(b""), code=1, says=(f"{STAGING}:4", "not a zip")),
    "package: not a zip": Row(
        words=ONE, spoil=package(b"<html>Not found</html>"), code=1, says=(f"{STAGING}:4", "zip")
    ),
    "package: cut off": Row(words=ONE, spoil=package(ZIP[:-30]), code=1, says=(f"{STAGING}:4", "zip")),
    "package: damaged": Row(
        words=ONE, spoil=package(ZIP.replace(b"handler", b"handles", 1)), code=1, says=(f"{STAGING}:4",)
    ),
    "package: without files": Row(words=ONE, spoil=package(zip_of({})), code=1, says=(f"{STAGING}:4",)),
    "package: traversal": Row(
        words=ONE, spoil=package(zip_of({"../../etc/cron.d/x": b"x"})), code=1, says=(f"{STAGING}:4", "..")
    ),
    "package: absolute path": Row(
        words=ONE, spoil=package(zip_of({"/etc/passwd": b"x"})), code=1, says=(f"{STAGING}:4", "/etc")
    ),
    "package: symbolic link inside": Row(
        words=ONE, spoil=package(link_in_zip()), code=1, says=(f"{STAGING}:4", "link")
    ),
    "package: bomb": Row(
        words=ONE, spoil=package(declared_size("app.py", 0xFFFFFF00)), code=1, says=(f"{STAGING}:4",)
    ),
    "package: unpacks to 300 MB": Row(
        words=ONE,
        # made when it is wanted: packing it takes a second
        spoil=lambda desk: desk.write(PACKAGE, zip_of({f"{n}": bytes(60_000_000) for n in range(5)})),
        code=1,
        says=(f"{STAGING}:4", "250"),
    ),
    "package: wrong pin": Row(words=ONE, spoil=pinned, code=1, says=(f"{STAGING}:", "abab", "sha256")),
    "release: missing, with a token": Row(
        words=ONE, spoil=github(_0_1_5={"a.zip": ZIP}), code=1, says=(f"{STAGING}:4", "s3-notifier-v0.1.6")
    ),
    "release: missing, without a token": Row(
        words=ONE,
        spoil=github(is_private=True, token=None, _0_1_5={"a.zip": ZIP}),
        code=1,
        says=(f"{STAGING}:4", "GITHUB_TOKEN"),
    ),
    "release: token that is not accepted": Row(
        words=ONE, spoil=github(token="ghp_expired", _0_1_5={"a.zip": ZIP}), code=1, says=("GITHUB_TOKEN",)
    ),
    "release: two assets match": Row(
        words=ONE,
        spoil=github(_0_1_5={"a.zip": ZIP}, _0_1_6={"a.zip": ZIP, "b.zip": ZIP}),
        code=1,
        says=(f"{STAGING}:4", "a.zip", "b.zip"),
    ),
    "release: no asset matches": Row(
        words=ONE,
        spoil=github(_0_1_5={"a.zip": ZIP}, _0_1_6={"a.tar": ZIP}),
        code=1,
        says=(f"{STAGING}:4", "*.zip", "a.tar"),
    ),
    "release: the asset is not a zip": Row(
        spoil=github(_0_1_5={"a.zip": ZIP}, _0_1_6={"a.zip": b"no"}),
        words=ONE,
        code=1,
        says=(f"{STAGING}:4", "not a zip"),
    ),
    "release: GitHub is down": Row(words=ONE, spoil=github(failing=503), code=1, says=("503",)),
    "release: GitHub's rate limit": Row(words=ONE, spoil=github(failing=403), code=1, says=("rate limit",)),
    "release: nobody listens": Row(words=ONE, spoil=source(RELEASE), code=1, says=("127.0.0.1:9",)),
    "https: nobody listens": Row(
        words=ONE,
        spoil=source("source: https\n  url: http://127.0.0.1:9/{service}-{version}.zip"),
        code=1,
        says=("127.0.0.1:9",),
    ),
    "s3: no such bucket": Row(
        words=ONE,
        spoil=source('source: s3\n  bucket: nobodys-bucket\n  key: "{version}.zip"'),
        code=1,
        says=("nobodys-bucket",),
    ),
    "s3: no such key": Row(
        words=ONE,
        spoil=source('source: s3\n  bucket: camarades-packages\n  key: "{service}/{version}.zip"'),
        code=1,
        says=("s3-notifier/0.1.6.zip",),
    ),
}


# AWS


def setting(**variables: str | None) -> Callable[[Desk], object]:
    """Set variables of the process; None takes one away."""

    def spoil(desk: Desk) -> None:
        for name, value in variables.items():
            if value is None:
                desk.env.pop(name, None)
            else:
                desk.env[name] = value

    return spoil


def no_credentials(desk: Desk) -> None:
    """A process without any."""
    setting(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)(desk)


def profile(text: str, name: str = "work") -> Callable[[Desk], object]:
    """An AWS configuration file, and the project's profile in it."""

    def spoil(desk: Desk) -> None:
        no_credentials(desk)
        config = desk.folder.parent / "aws-config"
        config.write_text(text)
        desk.env["AWS_CONFIG_FILE"] = str(config)
        desk.change(PROJECT, "region: eu-west-1", f"region: eu-west-1\nprofile: {name}")

    return spoil


def refused(operation: str, code: str = "access_denied") -> Callable[[Desk], object]:
    """AWS refuses an operation."""
    return lambda desk: desk.faults.add(Fault(mode=code, operation=operation))


def role(desk: Desk) -> None:
    """A role that may not be assumed."""
    desk.change(PROJECT, "region:", "role: arn:aws:iam::123456789012:role/deploy\nregion:")
    refused("sts.AssumeRole")(desk)


def invalid(desk: Desk) -> None:
    """Keys that AWS does not know."""
    from tests.support.engine import Refuse

    rule = Refuse(
        "sts.GetCallerIdentity", "InvalidClientTokenId", "The security token included is invalid.", status=403
    )
    desk.faults_first(rule)


def hanging(desk: Desk) -> None:
    """A host that takes connections and never answers."""
    listener = desk.closing.enter_context(socket.create_server(("127.0.0.1", 0)))
    desk.env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}"


def tls(desk: Desk) -> None:
    """HTTPS is asked of a host that speaks HTTP."""
    server = desk.closing.enter_context(git_server(desk.folder.parent))
    desk.env["AWS_ENDPOINT_URL"] = server.url("").replace("http:", "https:")


def variable(text: str) -> Callable[[Desk], object]:
    """A variable that refers to another store."""
    return lambda desk: desk.change(NOTIFIER, f"RABBIT_PASSWORD: {SECRETS[0]}", f"RABBIT_PASSWORD: {text}")


def binary_secret(desk: Desk) -> None:
    """A secret that is no text."""
    clouds.client(desk.aws.behind, "secretsmanager").create_secret(Name="rabbit", SecretBinary=b"\xff\x00")
    desk.is_dirty = True
    variable("{secret: rabbit}")(desk)


def live(**fields: str) -> Callable[[Desk], object]:
    """A function of production's name is there already, with these tags (``_`` stands for ``:``)."""

    def spoil(desk: Desk) -> None:
        tags = {name.replace("_", ":"): value for name, value in fields.items()}
        clouds.make_function(desk.aws.behind, "syrfAppUploadS3Notifier", Tags=tags)
        desk.is_dirty = True

    return spoil


def foreign_entry(desk: Desk) -> None:
    """Somebody's function is already called for all objects of the bucket."""
    made = clouds.make_function(desk.aws.behind, "somebodys")
    clouds.allow_bucket(desk.aws.behind, "somebodys", "syrfapp-uploads")
    clouds.client(desk.aws.behind, "s3").put_bucket_notification_configuration(
        Bucket="syrfapp-uploads",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"Id": "theirs", "LambdaFunctionArn": made["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    desk.is_dirty = True


def stale_plan(desk: Desk) -> None:
    """A plan that was applied already."""
    desk.run("plan", "-o", "plan.json")
    assert desk.run("sync").code == 0
    desk.is_dirty = True


def commit_since_plan(desk: Desk) -> None:
    """A plan of an older commit."""
    desk.run("plan", "-o", "plan.json")
    desk.change(STAGING, "0.1.6", "0.1.5")
    git(desk.folder, "commit", "-qam", "Back")


def many_deletes(desk: Desk) -> None:
    """Six previews are live and gone from the repository."""
    for number in range(200, 206):
        desk.write(f"syrf/environments/preview/pr-{number}/pr.yaml", f"prNumber: {number}\n")
        desk.write(PREVIEW.replace("123", str(number)), (desk.folder / PREVIEW).read_text())
    assert desk.run("sync").code == 0
    desk.is_dirty = True
    for number in range(200, 206):
        (desk.folder / f"syrf/environments/preview/pr-{number}/pr.yaml").unlink()
        (desk.folder / PREVIEW.replace("123", str(number))).unlink()


def other_account(desk: Desk) -> None:
    """Credentials of another account."""
    desk.env["AWS_ACCESS_KEY_ID"] = "999999999999"


AWS: dict[str, Row] = {
    "credentials: none": Row(spoil=no_credentials, code=1, says=("sts:GetCallerIdentity", "AWS_PROFILE")),
    "credentials: half": Row(
        spoil=setting(AWS_SECRET_ACCESS_KEY=None), code=1, says=("AWS_SECRET_ACCESS_KEY",)
    ),
    "credentials: expired": Row(
        spoil=refused("sts.GetCallerIdentity", "expired_token"),
        code=1,
        says=("sts:GetCallerIdentity", "expired", "sign in"),
    ),
    "credentials: expired meanwhile": Row(
        spoil=refused("tagging.GetResources", "expired_token"),
        code=1,
        says=("GetResources", "expired", "sign in"),
    ),
    "credentials: not valid": Row(spoil=invalid, code=1, says=("sts:GetCallerIdentity", "AWS_PROFILE")),
    "credentials: another account": Row(
        spoil=other_account, code=1, says=("999999999999", "123456789012", "profile")
    ),
    "credentials: no such profile": Row(spoil=profile("[profile home]\n"), says=("work", "profile")),
    "credentials: a broken profile": Row(
        spoil=profile("[profile work\n"), says=("aws-config", "AWS_CONFIG_FILE")
    ),
    "credentials: a process that fails": Row(
        spoil=profile("[profile work]\ncredential_process = false\n"), code=1, says=("profile",)
    ),
    "credentials: a role that cannot be assumed": Row(
        spoil=role, code=1, says=("sts:AssumeRole", "role/deploy")
    ),
    "region: none": Row(
        spoil=lambda desk: [
            setting(AWS_REGION=None, AWS_DEFAULT_REGION=None)(desk),
            desk.change(PROJECT, "region: eu-west-1\n", ""),
        ],
        says=("lockstep.yaml", "region: eu-west-1"),
    ),
    "region: nonsense in the environment": Row(
        spoil=lambda desk: [
            setting(AWS_REGION="not a region", AWS_DEFAULT_REGION="not a region")(desk),
            desk.change(PROJECT, "region: eu-west-1\n", ""),
        ],
        says=("not a region", "region: eu-west-1"),
    ),
    "endpoint: nonsense": Row(spoil=setting(AWS_ENDPOINT_URL="not a url"), says=("AWS_ENDPOINT_URL",)),
    "network: nobody listens": Row(
        spoil=setting(AWS_ENDPOINT_URL="http://127.0.0.1:9"),
        code=1,
        says=("sts:GetCallerIdentity", "network"),
    ),
    "network: never an answer": Row(
        spoil=hanging, code=1, says=("sts:GetCallerIdentity", "AWS did not answer")
    ),
    "network: a proxy that is not there": Row(
        spoil=setting(HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="", no_proxy=""), code=1, says=("proxy",)
    ),
    "network: no TLS": Row(
        spoil=tls, code=1, says=("sts:GetCallerIdentity", "name the port that speaks https")
    ),
    "bucket: no package bucket": Row(
        spoil=lambda desk: desk.change(PROJECT, "camarades-packages", "nobodys-bucket"),
        code=1,
        says=("nobodys-bucket",),
    ),
    "bucket: no trigger bucket": Row(
        spoil=lambda desk: desk.change(PROJECT, "syrfapp-uploads", "nobodys-bucket"),
        code=1,
        says=("nobodys-bucket", "create"),
        has_fix=False,
    ),
    "bucket: an entry of somebody else overlaps": Row(
        spoil=foreign_entry, code=1, says=("entry theirs", "choose another prefix"), has_fix=False
    ),
    "reference: no such parameter": Row(
        spoil=variable("{ssm: /rabbit}"), code=1, says=(f"{NOTIFIER}:8", "/rabbit", "Parameter Store")
    ),
    "reference: no such secret": Row(
        spoil=variable("{secret: rabbit}"), code=1, says=(f"{NOTIFIER}:8", "rabbit", "Secrets Manager")
    ),
    "reference: a binary secret": Row(
        spoil=binary_secret, code=1, says=(f"{NOTIFIER}:8", "rabbit", "binary")
    ),
    "owner: nobody": Row(
        spoil=live(),
        words=("sync", "production"),
        code=1,
        says=("syrfAppUploadS3Notifier", "--adopt"),
        has_fix=False,
    ),
    "owner: another project": Row(
        spoil=live(lockstep_project="other", lockstep_target="production/x"),
        words=("sync", "production", "--adopt"),
        code=1,
        says=("other", "production/x", "declare another"),
        has_fix=False,
    ),
    "guard: too many deletes": Row(
        spoil=many_deletes,
        words=("sync", "--allow-deletes", "0"),
        code=1,
        says=("--allow-deletes 6",),
        has_fix=False,
    ),
    "guard: more deletes than usual": Row(
        spoil=many_deletes, code=1, says=("--allow-deletes 6",), has_fix=False
    ),
    "plan: stale": Row(spoil=stale_plan, words=("sync", "plan.json"), code=1, says=("stale", "plan again")),
    "plan: of another commit": Row(
        spoil=commit_since_plan, words=("sync", "plan.json"), code=1, says=("commit", "--rev")
    ),
}
