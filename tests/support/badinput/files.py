"""What may be wrong in the files of a repository."""

import os
from collections.abc import Callable

from tests.support.badinput.desk import NOTIFIER, PREVIEW, PRODUCTION, PROJECT, SECRETS, STAGING, Desk, Row

__all__ = ["FILES"]

_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


def put(path: str, content: str | bytes) -> Callable[[Desk], object]:
    """Write a file."""
    return lambda desk: desk.write(path, content)


def change(path: str, old: str, new: str) -> Callable[[Desk], object]:
    """Replace a text in a file."""
    return lambda desk: desk.change(path, old, new)


def block(line: str) -> Callable[[Desk], object]:
    """Add a line to the function's values, as line 9."""
    return lambda desk: desk.write(NOTIFIER, (desk.folder / NOTIFIER).read_text() + f"  {line}\n")


def without(path: str) -> Callable[[Desk], object]:
    """Remove a file."""
    return lambda desk: (desk.folder / path).unlink()


def linked(path: str, to: str) -> Callable[[Desk], object]:
    """Put a symbolic link in place of a file."""

    def spoil(desk: Desk) -> None:
        (desk.folder / path).unlink(missing_ok=True)
        (desk.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / path).symlink_to(to)

    return spoil


def project_folder(desk: Desk) -> None:
    """Make lockstep.yaml a folder."""
    (desk.folder / PROJECT).unlink()
    (desk.folder / PROJECT / "x").mkdir(parents=True)
    desk.write(f"{PROJECT}/x/y", "a: 1\n")


def unreadable_names(desk: Desk) -> None:
    """A file whose name is not UTF-8."""
    name = os.fsdecode(b"caf\xe9")
    desk.write(f"syrf/environments/staging/{name}/config.yaml", "lambda: {version: '1'}\n")


FILES: dict[str, Row] = {
    # YAML
    "yaml: broken": Row(spoil=put(STAGING, "lambda: {version: 1\n"), says=(f"{STAGING}:",)),
    "yaml: a tab": Row(spoil=put(STAGING, "lambda:\n\tversion: '1'\n"), says=(f"{STAGING}:2", "tab")),
    "yaml: duplicate key": Row(
        spoil=change(STAGING, "  s3Trigger", '  version: "0.1.7"\n  s3Trigger'),
        says=(f"{STAGING}:6", "version"),
    ),
    "yaml: version as a float": Row(
        spoil=change(STAGING, '"0.1.6"', "0.10"), says=(f"{STAGING}:4", '"0.10"')
    ),
    "yaml: version as an exponent": Row(
        spoil=change(STAGING, '"0.1.6"', "1e3"), says=(f"{STAGING}:4", '"1e3"')
    ),
    "yaml: version as an octal": Row(spoil=change(STAGING, '"0.1.6"', "0o17"), says=(f"{STAGING}:4",)),
    "yaml: version as a sexagesimal": Row(
        spoil=change(STAGING, '"0.1.6"', "12:30:45"), says=(f"{STAGING}:4",)
    ),
    "yaml: version as a date": Row(spoil=change(STAGING, '"0.1.6"', "2026-11-23"), says=(f"{STAGING}:4",)),
    "yaml: version as a boolean": Row(spoil=change(STAGING, '"0.1.6"', "yes"), says=(f"{STAGING}:4",)),
    "yaml: yes for a boolean": Row(spoil=block("adopt: yes"), says=(f"{NOTIFIER}:9", "true")),
    "yaml: octal memory": Row(
        spoil=change(NOTIFIER, "memorySize: 512", "memorySize: 0777"), says=(f"{NOTIFIER}:5", "777", "511")
    ),
    "yaml: alias bomb": Row(spoil=put("syrf/global.values.yaml", _BOMB), says=("syrf/global.values.yaml:",)),
    "yaml: alias to itself": Row(spoil=put(STAGING, "lambda: &a\n  tags: *a\n"), says=(f"{STAGING}:",)),
    "yaml: unknown alias": Row(spoil=put(STAGING, "lambda: *nobody\n"), says=(f"{STAGING}:1",)),
    "yaml: merge key": Row(
        spoil=put(STAGING, "base: &b '1'\nlambda:\n  <<: *b\n"), says=(f"{STAGING}:3", "<<")
    ),
    "yaml: custom tag": Row(spoil=put(STAGING, "lambda: !Ref x\n"), says=(f"{STAGING}:1", "!Ref")),
    "yaml: Python tag": Row(
        spoil=put(STAGING, "lambda: !!python/object/apply:os.system ['touch /tmp/owned']\n"),
        says=(f"{STAGING}:1",),
    ),
    "yaml: two documents": Row(spoil=put(STAGING, "lambda: {}\n---\nlambda: {}\n"), says=(f"{STAGING}:2",)),
    "yaml: UTF-16": Row(spoil=put(STAGING, "lambda: {}\n".encode("utf-16")), says=(f"{STAGING}:1",)),
    "yaml: Latin-1": Row(
        spoil=put(STAGING, "# caf\xe9\nlambda: {}\n".encode("latin-1")), says=(f"{STAGING}:1",)
    ),
    "yaml: control characters": Row(
        spoil=put(STAGING, "lambda: {version: '1\x07'}\n"), says=(f"{STAGING}:1",)
    ),
    "yaml: deep nesting": Row(spoil=put(STAGING, "a: " + "[" * 5000 + "]" * 5000), says=(f"{STAGING}:",)),
    "yaml: conflict markers": Row(
        spoil=change(
            STAGING,
            '  version: "0.1.6"',
            '<<<<<<< HEAD\n  version: "0.1.6"\n=======\n  version: "2"\n>>>>>>> x',
        ),
        says=(f"{STAGING}:4", "merge conflict"),
    ),
    # lockstep.yaml
    "project: missing": Row(spoil=without(PROJECT), says=(PROJECT, "lockstep init")),
    "project: empty": Row(spoil=put(PROJECT, ""), says=(f"{PROJECT}:1", "lockstep init")),
    "project: a folder": Row(spoil=project_folder, says=(PROJECT,)),
    "project: binary": Row(spoil=put(PROJECT, bytes(range(256)) * 4), says=(f"{PROJECT}:2", "UTF-8")),
    "project: five megabytes": Row(spoil=put(PROJECT, "# x\n" * 1_300_000), says=(PROJECT,)),
    "project: UTF-16": Row(spoil=put(PROJECT, "project: syrf\n".encode("utf-16")), says=(f"{PROJECT}:1",)),
    "project: a symbolic link": Row(spoil=linked(PROJECT, "other.yaml"), says=(PROJECT, "symbolic link")),
    "project: link out of the repository": Row(
        spoil=linked(PROJECT, "/etc/passwd"), says=(PROJECT, "symbolic link")
    ),
    "project: unknown key": Row(
        spoil=change(PROJECT, "artifacts:", "artefacts:"), says=(f"{PROJECT}:11", "mean artifacts")
    ),
    "project: account as a number": Row(
        spoil=change(PROJECT, '"123456789012"', "123456789012"), says=(f"{PROJECT}:4",)
    ),
    "project: bad Region": Row(
        spoil=change(PROJECT, "eu-west-1", "ireland"), says=(f"{PROJECT}:3", "eu-west-1")
    ),
    "project: folder above": Row(
        spoil=change(PROJECT, "folder: syrf", "folder: ../x"), says=(f"{PROJECT}:2",)
    ),
    "project: folder that is not there": Row(
        spoil=change(PROJECT, "folder: syrf", "folder: serf"), says=(PROJECT, "serf")
    ),
    "project: an engine that is not there": Row(
        spoil=change(PROJECT, "staging: {}", "staging: {engine: terraform}"), says=(PROJECT, "engine")
    ),
    "project: an environment is not listed": Row(
        spoil=change(PROJECT, "  staging: {}\n", ""), says=(f"{PROJECT}:5", "staging")
    ),
    "project: no package bucket": Row(
        spoil=change(PROJECT, "packages:\n  bucket: camarades-packages\n", ""),
        code=1,
        says=(f"{STAGING}:4", PROJECT, "packages"),
    ),
    "project: no trigger bucket": Row(
        spoil=change(PROJECT, "triggers:\n  bucket: syrfapp-uploads\n", ""), says=(f"{STAGING}:6", "triggers")
    ),
    "project: no artifacts": Row(
        spoil=change(
            PROJECT, 'artifacts:\n  source: directory\n  path: "packages/{service}-{version}.zip"\n', ""
        ),
        says=("artifacts",),
    ),
    "project: a source that is a template": Row(
        spoil=change(PROJECT, "source: directory", 'source: "dir{service}"'),
        says=(f"{PROJECT}:12", "write one of", "directory"),
    ),
    "project: a password in a URL": Row(
        spoil=change(
            PROJECT,
            'source: directory\n  path: "packages/{service}-{version}.zip"',
            f"source: https\n  url: https://ci:{SECRETS[4]}@example.com/x.zip",
        ),
        says=(f"{PROJECT}:13", "credentials"),
    ),
    # the tree
    "tree: link out of the repository": Row(
        spoil=linked("syrf/environments/staging/web", "../../../../etc"),
        says=("syrf/environments/staging/web", "link"),
    ),
    "tree: linked declaration": Row(
        spoil=linked(STAGING, "../../production/s3-notifier/config.yaml"), says=(STAGING, "link")
    ),
    "tree: no environments": Row(
        spoil=change(PROJECT, "folder: syrf", "folder: syrf/services"), says=("environments",)
    ),
    "tree: a name that is not UTF-8": Row(spoil=unreadable_names, says=("syrf/environments/staging",)),
    "tree: a name that cannot be": Row(
        spoil=put("syrf/environments/staging/a b/config.yaml", "lambda: {version: '1'}\n"), says=("a b",)
    ),
    # types
    "type: a list for a map": Row(spoil=put(NOTIFIER, "- a\n"), says=(f"{NOTIFIER}:1",)),
    "type: lambda is a string": Row(spoil=put(NOTIFIER, "lambda: python\n"), says=(f"{NOTIFIER}:1",)),
    "type: text for a number": Row(
        spoil=change(NOTIFIER, "timeout: 30", "timeout: 30s"), says=(f"{NOTIFIER}:6",)
    ),
    "type: a number for text": Row(
        spoil=change(NOTIFIER, "role: lambda-role", "role: 12"), says=(f"{NOTIFIER}:4",)
    ),
    "type: a map for text": Row(spoil=block("description: {a: b}"), says=(f"{NOTIFIER}:9",)),
    "type: text for a list": Row(spoil=block("layers: x"), says=(f"{NOTIFIER}:9",)),
    "type: text for a map": Row(spoil=block("tags: x"), says=(f"{NOTIFIER}:9",)),
    "type: text for a boolean": Row(spoil=block("vpc: {ipv6: 'true'}"), says=(f"{NOTIFIER}:9",)),
    "type: a list for a variable": Row(
        spoil=change(NOTIFIER, f": {SECRETS[0]}", f": [{SECRETS[0]}]"), says=(f"{NOTIFIER}:8",)
    ),
    "type: fraction for an integer": Row(
        spoil=change(NOTIFIER, "timeout: 30", "timeout: 2.5"), says=(f"{NOTIFIER}:6",)
    ),
    "type: infinite": Row(spoil=change(NOTIFIER, "timeout: 30", "timeout: .inf"), says=(f"{NOTIFIER}:6",)),
    # values
    "value: unknown key": Row(spoil=block("memorysize: 128"), says=(f"{NOTIFIER}:9", "memorySize")),
    "value: memory too small": Row(spoil=change(NOTIFIER, "512", "64"), says=(f"{NOTIFIER}:5", "128")),
    "value: memory huge": Row(spoil=change(NOTIFIER, "512", "9" * 400), says=(f"{NOTIFIER}:5",)),
    "value: timeout": Row(
        spoil=change(NOTIFIER, "timeout: 30", "timeout: 1801"), says=(f"{NOTIFIER}:6", "1800")
    ),
    "value: role": Row(spoil=change(NOTIFIER, "lambda-role", "'my role'"), says=(f"{NOTIFIER}:4",)),
    "value: role of another service": Row(
        spoil=change(NOTIFIER, "lambda-role", "arn:aws:iam::1:user/x"), says=(f"{NOTIFIER}:4",)
    ),
    "value: layer": Row(spoil=block("layers: [my-layer]"), says=(f"{NOTIFIER}:9", "arn")),
    "value: six layers": Row(
        spoil=block(f"layers: [{', '.join(['arn:aws:lambda:eu-west-1:123456789012:layer:x:1'] * 6)}]"),
        says=(f"{NOTIFIER}:9", "5"),
    ),
    "value: runtime": Row(spoil=change(NOTIFIER, "python3.12", "'Python 3'"), says=(f"{NOTIFIER}:2",)),
    "value: no runtime": Row(spoil=change(NOTIFIER, "  runtime: python3.12\n", ""), says=("runtime",)),
    "value: no role": Row(spoil=change(NOTIFIER, "  role: lambda-role\n", ""), says=("role",)),
    "value: subnet": Row(
        spoil=block("vpc: {subnetIds: [sbn-1], securityGroupIds: [sg-1]}"), says=(f"{NOTIFIER}:9",)
    ),
    "value: architecture": Row(
        spoil=block("architectures: [amd64]"), says=(f"{NOTIFIER}:9", "one of: x86_64, arm64")
    ),
    "value: event": Row(spoil=block("triggers: [{events: ['s3:ObjectCreate:*']}]"), says=(f"{NOTIFIER}:9",)),
    "value: wildcard in a prefix": Row(
        spoil=change(STAGING, '"staging/"', '"staging/*"'), says=(f"{STAGING}:6",)
    ),
    "value: retention": Row(spoil=block("logRetentionDays: 31"), says=(f"{NOTIFIER}:9",)),
    "value: reserved variable": Row(
        spoil=change(NOTIFIER, "    RABBIT", "    AWS_REGION: x\n    RABBIT"),
        says=(f"{NOTIFIER}:8", "AWS_REGION"),
    ),
    "value: name of a variable": Row(
        spoil=change(NOTIFIER, "    RABBIT", "    MY-VAR: x\n    RABBIT"), says=(f"{NOTIFIER}:8", "MY-VAR")
    ),
    "value: environment over 4 KB": Row(
        spoil=change(NOTIFIER, SECRETS[0], SECRETS[0] * 200), says=(f"{NOTIFIER}:", "4")
    ),
    "value: reference to two stores": Row(
        spoil=change(NOTIFIER, SECRETS[0], "{ssm: a, secret: b}"), says=(f"{NOTIFIER}:8",)
    ),
    "value: tag of AWS": Row(spoil=block("tags: {'aws:x': y}"), says=(f"{NOTIFIER}:9", "aws:")),
    "value: template {pr} outside a preview": Row(
        spoil=change(STAGING, "Notifier-staging", "Notifier-{pr}"), says=(f"{STAGING}:5", "{pr}")
    ),
    "value: unknown template": Row(
        spoil=change(STAGING, "Notifier-staging", "Notifier-{branch}"), says=(f"{STAGING}:5", "{branch}")
    ),
    "value: bad version": Row(spoil=change(STAGING, "0.1.6", "../0.1.6"), says=(f"{STAGING}:4",)),
    "value: no version": Row(spoil=change(STAGING, '  version: "0.1.6"\n', ""), says=(STAGING, "version")),
    "value: pin that is no digest": Row(
        spoil=change(STAGING, '"0.1.6"', '"0.1.6"\n  sha256: abc'), says=(f"{STAGING}:5", "sha256sum")
    ),
    "value: path out of the repository": Row(
        spoil=block("artifact: {path: ../../etc/passwd}"), says=(f"{NOTIFIER}:9", "leaves the repository")
    ),
    # several targets together
    "together: overlap": Row(
        spoil=change(STAGING, '"staging/"', '"Projects/staging/"'),
        says=(f"{STAGING}:6", f"{PRODUCTION}:6", "overlap"),
    ),
    "together: one name twice": Row(
        spoil=change(STAGING, "Notifier-staging", "Notifier"), says=(STAGING, PRODUCTION, "functionName")
    ),
    "together: one package key for two releases": Row(
        spoil=change(PROJECT, "camarades-packages", "camarades-packages\n  key: production.zip"),
        says=("production.zip", "{sha256}"),
    ),
    "together: several errors at once": Row(
        spoil=lambda desk: [
            change(NOTIFIER, "512", "64")(desk),
            change(STAGING, '"0.1.6"', "0.10")(desk),
            change(PREVIEW, '"0.1.5"', "1.0")(desk),
        ],
        says=(f"{NOTIFIER}:5", f"{STAGING}:4", f"{PREVIEW}:2"),
    ),
}
