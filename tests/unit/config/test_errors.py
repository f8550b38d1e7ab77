"""Bad declarations: each error names file and line, says what is wrong and how to mend it."""

import re
from collections.abc import Callable

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput, BadInputs
from tests.unit.config.conftest import (
    PREVIEW_FILE,
    PRODUCTION,
    PROJECT,
    SERVICE_FILE,
    SERVICE_VALUES,
    STAGING,
    STAGING_FILE,
    MemoryTree,
    sample,
    staging,
)

LINE = f"{STAGING_FILE}:4"  # the first line that ``staging`` adds
Case = tuple[Callable[[], MemoryTree], str, str, str]


def errors_of(tree: MemoryTree) -> list[BadInput]:
    """Every error of a tree."""
    with pytest.raises(BadInput) as caught:
        load(tree)
    assert caught.value.exit_code == 3
    return list(caught.value.errors) if isinstance(caught.value, BadInputs) else [caught.value]


def added(block: str, problem: str, fix: str) -> Case:
    """A line in staging's lambda block."""
    return (lambda: staging(block), LINE, problem, fix)


def project(old: str, new: str, where: str, problem: str, fix: str) -> Case:
    """A change of lockstep.yaml."""
    assert old in PROJECT
    return (lambda: sample({"lockstep.yaml": PROJECT.replace(old, new)}), where, problem, fix)


def file(path: str, text: str, where: str, problem: str, fix: str) -> Case:
    """Another file."""
    return (lambda: sample({path: text}), where, problem, fix)


NO_VERSION = STAGING.replace('  version: "0.1.6"\n', "  timeout: 9\n")
NAME = '  functionName: "syrfAppUploadS3Notifier-staging"\n'


def version(text: str, problem: str, fix: str) -> Case:
    """Staging's version written differently."""
    return file(STAGING_FILE, STAGING.replace('"0.1.6"', text), f"{STAGING_FILE}:4", problem, fix)


def named(name: str, problem: str, fix: str) -> Case:
    """Staging's function name written differently."""
    text = STAGING.replace("syrfAppUploadS3Notifier-staging", name)
    return file(STAGING_FILE, text, f"{STAGING_FILE}:5", problem, fix)


def triggered(prefix: str, problem: str, fix: str) -> Case:
    """Staging's trigger prefix written differently."""
    text = STAGING.replace('"staging/"', f"'{prefix}'")
    return file(STAGING_FILE, text, f"{STAGING_FILE}:6", problem, fix)


IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/b:c"
LAMBDA_KEYS = {
    "unknown key": added("  memorysize: 5", "unknown key 'memorysize'", "did you mean memorySize?"),
    "misspelt key": added("  runtim: x", "unknown key 'runtim' under lambda", "did you mean runtime?"),
    "leaf without its group": added("  subnetIds: []", "unknown key", "did you mean vpc.subnetIds?"),
    "unlike any key": added("  qqqq: 1", "unknown key 'qqqq'", "known keys: accelerator, adopt,"),
    "unknown nested key": added("  vpc: {subnets: []}", "under lambda.vpc", "did you mean subnetIds?"),
    "unknown key of a trigger": added("  triggers: [{prefx: a}]", "lambda.triggers[0]", "mean prefix?"),
    "key that is a number": added("  1: x", "the key 1 is not a string", 'write "1":'),
    "number for a string": added("  handler: 12", "12 without quotes is a number", 'handler: "12"'),
    "boolean for a string": added("  handler: true", "is a boolean", 'handler: "true"'),
    "YAML 1.1 boolean": added("  handler: on", "on without quotes is no string for every", 'handler: "on"'),
    "sexagesimal": added("  handler: 1:30", "1:30 without quotes", 'handler: "1:30"'),
    "list for a string": added("  handler: [a]", "takes a string, not a list", "write handler: text"),
    "quoted number": added('  timeout: "30"', "the quoted '30' is a string", "write timeout: 30"),
    "text for a number": added("  timeout: 30s", "'30s' is not a whole number", "write timeout: 30"),
    "fraction": added("  timeout: 1.5", "1.5 is not a whole number", "write timeout"),
    "boolean for a number": added("  timeout: true", "is not a whole number", "write timeout"),
    "too small": added("  memorySize: 64", "64 is out of range", "at least 128 and at most 10240"),
    "too large": added("  timeout: 1801", "1801 is out of range", "at most 1800"),
    "negative": added("  reservedConcurrency: -1", "-1 is out of range", "at least 0"),
    "not in the list of numbers": added("  logRetentionDays: 8", "8 is not allowed", "nearest is 7"),
    "yes for a boolean": added("  adopt: yes", "'yes' is not a boolean in YAML 1.2", "write adopt: true"),
    "quoted boolean": added("  adopt: 'false'", "is not a boolean", "write adopt: false"),
    "not in the list": added("  tracing: Activ", "'Activ' is not allowed for tracing", "mean Active?"),
    "wrong pattern": added("  layers: [one]", "lambda.layers[0]: 'one' is no valid", "example arn:"),
    "scalar for a list": added("  layers: x", "takes a list, not a string", "layers: [...]"),
    "too many items": added(f"  layers: [{', '.join(['arn:aws:x'] * 6)}]", "6 items; AWS allows 5", "remove"),
    "empty item": added("  layers: [~]", "lambda.layers[0] is empty", "write a value"),
    "scalar for a map": added("  vpc: x", "lambda.vpc takes a map, not a string", "subnetIds"),
    "member missing": added("  fileSystems: [{arn: x}]", "has no localMountPath", "add localMountPath:"),
    "two spellings": added(
        "  vpc: {subnetIds: [subnet-1]}\n  vpc.subnetIds: [subnet-2]", "is written twice", "keep one"
    )[:1]
    + (f"{STAGING_FILE}:5", "lambda.vpc.subnetIds is written twice", "keep one"),
    "subnets alone": added("  vpc: {subnetIds: [subnet-1]}", "without securityGroupIds", "add vpc.security"),
    "durable without time-out": added(
        "  durable: {retentionDays: 7}", "exists only with durable.executionTimeout", "add durable."
    ),
    "level without JSON": added("  logging: {systemLevel: WARN}", "exists only with logging.format", "JSON"),
    "ignored field that is none": added("  ignore: [reservedConcurency]", "no field", "reservedConcurrency"),
    "ignored glob without field": added("  ignore: ['x*']", "'x*' matches no field", "known keys"),
    "not a commit": added("  commitSha: main", "'main' is no commit", "7 to 64 hex digits"),
    "commit that is a number": added(
        "  commitSha: 12345678", "12345678 without quotes is a number", "quotes"
    )[:3]
    + ('commitSha: "12345678"',),
    "commit that is a float": added(
        "  commitSha: 1234e567", "without quotes is a number and reads as inf", '"1234e567"'
    ),
    "base64 pin": added("  sha256: n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", "is no SHA-256", "64 hex"),
    "lambda that is a text": file(
        STAGING_FILE, "lambda: x\n", f"{STAGING_FILE}:1", "lambda takes a map, not a string", "its keys below"
    ),
    "image without a tag": added("  image: a.example/b", "neither tag nor digest", "add ':{version}'"),
    "image and package": added(f"  image: {IMAGE}\n  s3Key: x.zip", "is about a package", "remove one")[:1]
    + (f"{STAGING_FILE}:5", "lambda.s3Key is about a package", "remove one"),
}

VERSIONS_AND_NAMES = {
    "version that is a float": version(
        "0.10", "0.10 without quotes is a number and reads as 0.1", 'write version: "0.10"'
    ),
    "version that is an integer": version(
        "0777", "0777 without quotes is a number and reads as 777", '"0777"'
    ),
    "version with a slash": version('"v/1"', "'v/1' is no version", "letters, digits"),
    "version that is a template": version('"{env}"', "a version cannot be a template", "the version itself"),
    "empty version": version('""', "'' is no version", "1 to 128"),
    "no version": file(
        STAGING_FILE, NO_VERSION, f"{STAGING_FILE}:3", "no version is declared", "lambda.version"
    ),
    "no functionName": file(
        STAGING_FILE,
        STAGING.replace(NAME, ""),
        f"{STAGING_FILE}:3",
        "no functionName",
        "add lambda.functionName",
    ),
    "function name with a dot": named("a.b", "'a.b' is no function name", "write a-b"),
    "function name too long": named("a" * 65, "has 65 characters; Lambda allows 64", "shorten"),
    "function name too long when filled in": named(
        "x" * 60 + "-{env}", "filled in: the function name has 68", "shorten"
    ),
    "serviceName contradicts": file(
        STAGING_FILE,
        STAGING.replace("serviceName: s3-notifier", "serviceName: api"),
        f"{STAGING_FILE}:1",
        "serviceName is 'api' in the folder of 's3-notifier'",
        "write serviceName: s3-notifier",
    ),
    "envName contradicts": file(
        STAGING_FILE,
        STAGING.replace("envName: staging", "envName: production"),
        f"{STAGING_FILE}:2",
        "envName is 'production' in the folder of 'staging'",
        "write envName: staging",
    ),
    "misspelt deploymentType": file(
        "syrf/services/s3-notifier/config.yaml",
        "deploymentType: lamda\n",
        "syrf/services/s3-notifier/config.yaml:1",
        "the deploymentType 'lamda' is not known",
        "write lambda",
    ),
    "enabled: no": file(
        STAGING_FILE, STAGING + "enabled: no\n", f"{STAGING_FILE}:9", "enabled: 'no'", "false"
    ),
    "no role": file(
        SERVICE_FILE,
        SERVICE_VALUES.replace("  role: syrf-s3-notifier\n", ""),
        f"{STAGING_FILE}:3",
        "no role is declared",
        "add lambda.role",
    ),
    "image fields on a zip": added(
        "  imageConfig: {command: [a]}", "does not go with a zip package", "remove"
    )[:1]
    + (LINE, "lambda.imageConfig.command does not go with a zip package", "remove it"),
    "zip fields on an image": (
        lambda: staging(f"  image: {IMAGE}\n  handler: null"),
        f"{SERVICE_FILE}:2",
        "lambda.runtime does not go with a container image",
        "write runtime: null",
    ),
}

TEMPLATES = {
    "unknown name": added("  description: '{envv}'", "{envv} is not known", "write {{envv}}"),
    "pr outside a preview": added("  description: '{pr}'", "this is no preview", "use {env}"),
    "sha256 in a value": added(
        "  description: '{sha256}'", "known only where packages are staged", "packages.key"
    ),
    "single brace": added("  environment: {JSON: '{\"a\": 1}'}", "a single {", "write {{"),
    "closing brace": added("  description: 'a}'", "a single }", "write }}"),
    "empty braces": added("  description: '{}'", "the braces {} are empty", "write {{}}"),
    "in lockstep.yaml": project(
        "{service}-v{version}", "{name}", "lockstep.yaml:13", "{name} is not known", "write {{name}}"
    ),
    "pr in lockstep.yaml": project(
        "{service}-v{version}", "v{pr}", "lockstep.yaml:13", "this is no preview", "use {env}"
    ),
    "sha256 in artifacts": project(
        "{service}-v{version}",
        "{sha256}",
        "lockstep.yaml:13",
        "known only where packages are staged",
        "packages.key",
    ),
    "unknown in packages.key": project(
        "{service}/{sha256}.zip", "{sha}.zip", "lockstep.yaml:9", "{sha} is not known", "write {{sha}}"
    ),
    "packages outside their prefix": project(
        "{service}/{sha256}.zip",
        "../../{sha256}.zip",
        "lockstep.yaml:9",
        "has an empty part, or . or ..",
        "alone",
    ),
    "packages among the leases": project(
        "lockstep/packages/{service",
        "lockstep/{service}/x.json",
        "lockstep.yaml:9",
        "where Lockstep keeps its own objects",
        "another prefix",
    ),
}

ENVIRONMENT = {
    "reserved name": added("  environment: {AWS_REGION: x}", "AWS_REGION is set by Lambda itself", "remove"),
    "task root": added("  environment: {LAMBDA_TASK_ROOT: x}", "is set by Lambda itself", "remove it"),
    "name with a dash": added(
        "  environment: {A-B: x}", "'A-B' is no name of an environment", "at least two"
    ),
    "name with a digit first": added("  environment: {1A: x}", "'1A' is no name", "the first a letter"),
    "name of one letter": added("  environment: {A: x}", "'A' is no name", "at least two"),
    "list": added("  environment: {AB: [1]}", "is a list; a variable is one text", "{ssm: name}"),
    "other map": added("  environment: {AB: {vault: x}}", "only references are maps", "{ssm: /name"),
    "two references": added("  environment: {AB: {ssm: x, secret: y}}", "only references are maps", "{ssm:"),
    "reference without name": added("  environment: {AB: {ssm: ''}}", "needs one name", "{ssm: /name"),
    "reference that is a number": added("  environment: {AB: {ssm: 1}}", "needs one name", "{ssm: /name"),
    "not a map": added("  environment: [A=B]", "takes a map, not a list", "write NAME: value"),
    "over 4 KB": added(
        f"  environment: {{AB: {'é' * 2045}}}", "4,123 bytes in all; Lambda allows 4,096", "{ssm:"
    ),
}

TAGS = {
    "AWS's prefix": added("  tags: {'aws:x': y}", "tags that start with aws: are AWS's own", "another key"),
    "our prefix": added("  tags: {'lockstep:x': y}", "lockstep: are Lockstep's own", "another key"),
    "long key": added(f"  tags: {{{'k' * 129}: y}}", "129 characters; AWS allows 1 to 128", "shorten"),
    "long value": added(f"  tags: {{k: {'v' * 257}}}", "257 characters; AWS allows 256", "shorten"),
    "bad character": added("  tags: {k: 'a#b'}", "'a#b' is no tag value", "use letters"),
    "number": added("  tags: {k: 12}", "12 without quotes is a number", 'write k: "12"'),
    "too many": added(
        "  tags: {" + ", ".join(f"k{i}: v" for i in range(51)) + "}",
        "51 tags are declared; AWS allows 50, and 4 of them are Lockstep's own",
        "remove 5",
    ),
}

TRIGGERS = {
    "wildcard": triggered("staging/*", "has a wildcard", "write 'staging/'"),
    "wildcard inside": triggered("a/*/b", "has a wildcard", "beginning or the end"),
    "space": triggered("my files/", "compares percent-encoded", "write 'my+files/'"),
    "special characters": triggered("a=1&b/", "compares percent-encoded", "write 'a%3D1%26b/'"),
    "letters beyond ASCII": triggered("é/", "compares percent-encoded", "write '%C3%A9/'"),
    "half an escape": triggered("a%2/", "compares percent-encoded", "write 'a%252/'"),
    "too long": triggered("x" * 1025, "has 1025 characters", "shorten"),
    "unknown event": added(
        "  triggers: [{prefix: x/, events: ['s3:ObjectCreate:*']}]",
        "is no S3 event",
        "mean s3:ObjectCreated:*?",
    ),
    "bucket with a scheme": added("  triggers: [{bucket: 's3://b'}]", "is no bucket name", "without s3://"),
    "no bucket": project(
        "triggers: {bucket: syrfapp-uploads}",
        "triggers: {}",
        f"{STAGING_FILE}:6",
        "the trigger names no bucket",
        "triggers: {bucket: name}",
    ),
}


def overlap() -> MemoryTree:
    """Production on a prefix that contains staging's."""
    path = "syrf/environments/production/s3-notifier/config.yaml"
    return sample(
        {path: STAGING.replace("staging/", "stag").replace("-staging", "").replace("envName: staging\n", "")}
    )


PRODUCTION_FILE = "syrf/environments/production/s3-notifier/config.yaml"


def shared(production: str, staging: str, **more: str) -> MemoryTree:
    """One function for both environments, by these aliases; ``more`` lines in staging's block."""
    lines = "".join(f"  {name}: {value}\n" for name, value in more.items())
    blocks = {PRODUCTION_FILE: (production, "", PRODUCTION), STAGING_FILE: (staging, lines, STAGING)}
    files: dict[str, str | bytes | None] = {
        path: re.sub('functionName: ".*"', f"functionName: shop\n  alias: {alias}", text).replace(
            "  s3TriggerPrefix", f"{own}  s3TriggerPrefix"
        )
        for path, (alias, own, text) in blocks.items()
    }
    return sample(files)


def warm(version: str) -> MemoryTree:
    """One function for both environments, whose aliases both want environments that are ready."""
    tree = shared("production\n  provisionedConcurrency: 2", "staging", provisionedConcurrency="3")
    tree.files[STAGING_FILE] = tree.files[STAGING_FILE].replace(b'"0.1.6"', version.encode())
    return tree


TOGETHER = {
    "one function name for two targets": (
        lambda: sample(
            {PREVIEW_FILE: 'lambda: {version: "1", functionName: syrfAppUploadS3Notifier-staging}\n'}
        ),
        f"{STAGING_FILE}:4",
        f"also declared by preview/pr-123/s3-notifier ({PREVIEW_FILE}:1) in the same account and Region",
        "{env} in it",
    ),
    "one alias of two targets": (
        lambda: shared("live", "live"),
        f"{STAGING_FILE}:4",
        "the function shop of staging/s3-notifier is also declared by production/s3-notifier "
        f"({PRODUCTION_FILE}:4) in the same account and Region, by the same alias live",
        "a lambda.alias of its own",
    ),
    "one function, and one of its targets without an alias": (
        lambda: shared("live", "null"),
        f"{STAGING_FILE}:4",
        "in the same account and Region",
        "a lambda.alias of its own",
    ),
    "two roles of one function": (
        lambda: shared("production", "staging", role="other"),
        f"{STAGING_FILE}:7",
        "role of staging/s3-notifier is another than that of production/s3-notifier "
        f"({SERVICE_FILE}:4); both have the function shop, and it has one role for all its aliases",
        "declare the same role for both",
    ),
    "two concurrencies of one function": (
        lambda: shared("production", "staging", reservedConcurrency="5"),
        f"{STAGING_FILE}:7",
        "reservedConcurrency of staging/s3-notifier is another than that of production/s3-notifier",
        "give each target its own functionName",
    ),
    "two aliases of one version with provisioned concurrency": (
        lambda: warm('"0.1.5"'),
        f"{STAGING_FILE}:7",
        f"staging/s3-notifier and production/s3-notifier ({PRODUCTION_FILE}:7) have one function, and their "
        "aliases call the same version of it (0.1.5), which has provisioned concurrency once",
        "declare provisionedConcurrency for one of them",
    ),
    "two ways of one function with loops": (
        lambda: shared("production", "staging", recursion="Allow"),
        f"{STAGING_FILE}:7",
        "recursion of staging/s3-notifier is another than that of production/s3-notifier",
        "declare the same recursion for both",
    ),
    "overlapping triggers": (
        overlap,
        f"{STAGING_FILE}:6",
        "of production/s3-notifier (syrf/environments/production/s3-notifier/config.yaml:5) on stag*;",
        "prefixes or suffixes",
    ),
    "two retentions of one log group": (
        lambda: sample(
            {
                SERVICE_FILE: SERVICE_VALUES + "  logging: {group: /shop}\n",
                STAGING_FILE: STAGING.replace("lambda:\n", "lambda:\n  logRetentionDays: 7\n"),
            }
        ),
        f"{STAGING_FILE}:4",
        "staging/s3-notifier keeps the logs of /shop for 7 days, and preview/pr-123/s3-notifier "
        f"({PREVIEW_FILE}:3) for ever; a group has one retention",
        "ignore: [logRetentionDays]",
    ),
    "one package key for two releases": project(
        "lockstep/packages/{service}/{sha256}.zip",
        "fixed.zip",
        f"{STAGING_FILE}:4",
        "is staged as fixed.zip, like that of production/s3-notifier",
        "add {service} and {env}, or {sha256}",
    ),
}

ARTIFACTS = {
    "no source at all": (
        lambda: sample(
            {"lockstep.yaml": PROJECT[: PROJECT.index("artifacts:")] + "triggers: {bucket: abc}\n"}
        ),
        "syrf/environments/production/s3-notifier/config.yaml:3",
        "nothing says where the package comes from",
        "add artifacts: to lockstep.yaml",
    ),
    "option missing": added(
        "  artifact: {source: https}", "the source https needs the option url", "add url:"
    ),
    "option of another source": added(
        "  artifact: {url: 'https://a/b'}", "github-release has no option url", "asset"
    ),
    "path out of the repository": added(
        "  artifact: {source: directory, path: ../x.zip}", "'../x.zip' leaves the repository", "inside it"
    ),
    "absolute path": added(
        "  artifact: {source: directory, path: /x.zip}", "leaves the repository", "inside"
    ),
    "plain HTTP": added("  artifact: {source: https, url: 'http://a/b'}", "is not encrypted", "use https://"),
    "password in a URL": added(
        "  artifact: {source: https, url: 'https://u:p@a/b'}", "credentials", "remove"
    ),
    "s3Key with a scheme": added("  s3Key: s3://b/k", "'s3://b/k' is no key of a package", "the key alone"),
    "s3Key without a bucket": (
        lambda: sample(
            {"lockstep.yaml": "\n".join(row for row in PROJECT.split("\n") if not row.startswith("packages"))}
        ),
        f"{PREVIEW_FILE}:3",
        "s3Key is declared, and no bucket that holds it",
        "packages: {bucket: name}",
    ),
}

PROJECT_FILE = {
    "empty": file("lockstep.yaml", "", "lockstep.yaml:1", "the project file is empty", "lockstep init"),
    "a list": file("lockstep.yaml", "- a\n", "lockstep.yaml:1", "holds one map", "key: value"),
    "unknown key": project(
        "region:", "regin:", "lockstep.yaml:3", "unknown key 'regin'", "did you mean region?"
    ),
    "unknown key of an environment": project(
        "staging: {}", "staging: {prun: true}", "lockstep.yaml:7", "under environments.staging", "mean prune?"
    ),
    "account without quotes": project(
        '"123456789012"',
        "123456789012",
        "lockstep.yaml:4",
        "is a number; account takes",
        'account: "123456789012"',
    ),
    "account with a leading zero": project(
        '"123456789012"', "012345678901", "lockstep.yaml:4", "reads as 12345678901", 'account: "012345678901"'
    ),
    "short account": project(
        '"123456789012"', '"123"', "lockstep.yaml:4", "'123' is no valid", "12 digits in quotes"
    ),
    "no Region": project(
        "eu-west-1", "europe", "lockstep.yaml:3", "'europe' is no valid region", "eu-west-1"
    ),
    "folder above": project(
        "folder: syrf", "folder: ../x", "lockstep.yaml:2", "outside the repository", "below"
    ),
    "absolute folder": project(
        "folder: syrf", "folder: /x", "lockstep.yaml:2", "outside the repository", "below"
    ),
    "folder that is not there": project(
        "folder: syrf", "folder: serf", "lockstep.yaml", "the folder 'serf' does not exist", "set folder:"
    ),
    "folder without environments": project(
        "folder: syrf",
        "folder: syrf/services",
        "lockstep.yaml",
        "no syrf/services/environments/",
        "never removes",
    ),
    "root without a name": project(
        "project: syrf\nfolder: syrf",
        "folder: .",
        "lockstep.yaml:1",
        "the project has no name",
        "add project:",
    ),
    "bad name": project("project: syrf", "project: SyRF", "lockstep.yaml:1", "no valid project", "lowercase"),
    "prune: yes": project(
        "staging: {}", "staging: {prune: yes}", "lockstep.yaml:7", "not a boolean", "prune: true"
    ),
    "unknown engine": project(
        "staging: {}", "staging: {engine: cdk}", "lockstep.yaml:7", "not allowed", "aws"
    ),
    "role by name": project(
        "region:", "role: deploy\nregion:", "lockstep.yaml:3", "no valid role", "arn:aws:iam"
    ),
    "no source": project(
        "source: github-release", "asset: x", "lockstep.yaml:14", "written twice", "keep one"
    ),
    "unknown source": project(
        "github-release", "gitlab", "lockstep.yaml:11", "'gitlab' is not allowed", "one of:"
    ),
    "repository without owner": project(
        "camaradesuk/syrf", "syrf", "lockstep.yaml:12", "no valid repo", "owner/name"
    ),
    "option of another source": project(
        "asset:", "key:", "lockstep.yaml:14", "no option key", "its options are"
    ),
    "unlisted environment": project(
        "  staging: {}\n", "", "lockstep.yaml:5", "the environment staging is not listed", "add 'staging: {}'"
    ),
    "error in functionDefaults": project(
        "region:",
        "functionDefaults: {timeout: 0}\nregion:",
        "lockstep.yaml:3",
        "0 is out of range",
        "at least 1",
    ),
    "number as a key": project(
        "region:", "1: x\nregion:", "lockstep.yaml:3", "the key 1 is not a string", '"1":'
    ),
}

TREES = {
    "empty repository": (lambda: MemoryTree({}), "lockstep.yaml", "the repository has no files", "commit"),
    "no project file": (
        lambda: sample({"lockstep.yaml": None}),
        "lockstep.yaml",
        "there is no lockstep.yaml",
        "lockstep init",
    ),
    "project file that is a link": (
        lambda: sample({"lockstep.yaml": None}, **{"lockstep.yaml": "other.yaml"}),
        "lockstep.yaml",
        "the project file is a symbolic link to 'other.yaml'",
        "replace the link",
    ),
    "linked declaration": (
        lambda: sample({STAGING_FILE: None}, **{STAGING_FILE: "../../production/s3-notifier/config.yaml"}),
        STAGING_FILE,
        "stands where a declaration is expected",
        "replace the link",
    ),
    "link out of the repository": (
        lambda: sample(None, **{"syrf/environments/staging/web": "../../../../etc"}),
        "syrf/environments/staging/web",
        "outside the repository, stands where",
        "replace the link",
    ),
    "absolute link": (
        lambda: sample(None, **{"syrf/environments/qa": "/etc"}),
        "syrf/environments/qa",
        "outside the repository",
        "replace the link",
    ),
    "linked folder above": (
        lambda: sample(None, syrf="elsewhere"),
        "syrf",
        "a symbolic link to 'elsewhere' stands",
        "replace the link",
    ),
    "service that cannot be a name": file(
        "syrf/environments/staging/a b/config.yaml",
        "version: 1\n",
        "syrf/environments/staging/a b",
        "'a b' cannot name a service",
        "letters, digits",
    ),
    "values that are a list": file(
        "syrf/global.values.yaml", "- a\n", "syrf/global.values.yaml:1", "holds one map", "key: value"
    ),
    "broken YAML of a shared layer": file(
        "syrf/global.values.yaml", "a: [\n", "syrf/global.values.yaml:1", "not valid YAML", "close every ["
    ),
    "number as a top-level key": file(
        "syrf/global.values.yaml", "1: x\n", "syrf/global.values.yaml:1", "is not a string", 'write "1":'
    ),
}

CASES = {
    f"{group}: {name}": case
    for group, cases in (
        ("lambda", LAMBDA_KEYS),
        ("name", VERSIONS_AND_NAMES),
        ("template", TEMPLATES),
        ("environment", ENVIRONMENT),
        ("tags", TAGS),
        ("trigger", TRIGGERS),
        ("together", TOGETHER),
        ("artifact", ARTIFACTS),
        ("project", PROJECT_FILE),
        ("tree", TREES),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_error_says_where_what_and_how(case: Case) -> None:
    """Among the errors is the one expected, at its file and line, with its remedy."""
    make, where, problem, fix = case
    errors = errors_of(make())
    assert any(
        error.where == where and problem in error.problem and fix in (error.fix or "") for error in errors
    ), "\n".join(map(str, errors))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_error_has_a_place(case: Case) -> None:
    """And no error repeats another."""
    errors = errors_of(case[0]())
    assert all(error.where for error in errors)
    assert len({(error.where, error.problem) for error in errors}) == len(errors)


def test_errors_are_reported_together() -> None:
    """One run names everything that has to be mended."""
    tree = staging("  timeout: 0\n  memorysize: 1\n  environment: {AWS_REGION: x}")
    tree.files["syrf/environments/staging/api/config.yaml"] = b"a: b: c\n"
    assert [error.where for error in errors_of(tree)] == [
        "syrf/environments/staging/api/config.yaml:1",
        f"{STAGING_FILE}:4",
        f"{STAGING_FILE}:5",
        f"{STAGING_FILE}:6",
    ]


def test_an_error_of_a_shared_layer_is_reported_once() -> None:
    """However many targets use it; the first is named."""
    errors = errors_of(sample({SERVICE_FILE: SERVICE_VALUES.replace("timeout: 30", "timeout: 0")}))
    assert [error.where for error in errors] == [f"{SERVICE_FILE}:6"]


def test_no_error_shows_the_value_of_a_variable() -> None:
    """It may be a secret."""
    for block in (
        "{PASSWORD: [hunter2]}",
        "{PASSWORD: 'hunter2{'}",
        "{1PASSWORD: hunter2}",
        "{AB: {x: hunter2}}",
    ):
        errors = errors_of(staging(f"  environment: {block}"))
        assert "hunter2" not in "\n".join(map(str, errors))


def test_a_wrong_value_has_no_errors_in_its_train() -> None:
    """A version of the wrong type is not a missing one as well."""
    errors = errors_of(sample({STAGING_FILE: STAGING.replace('"0.1.6"', "0.10")}))
    assert [error.where for error in errors] == [f"{STAGING_FILE}:4"]
