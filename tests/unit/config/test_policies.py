"""``promotion``, ``services`` and ``forge`` in ``lockstep.yaml``."""

import pytest

from lockstep.config.project_file import read_project
from lockstep.errors import BadInput, BadInputs
from lockstep.model import Builder, Merge, Project

HEAD = "project: p\n"


def _project(text: str) -> Project:
    return read_project((HEAD + text).encode(), "lockstep.yaml").project


def _errors(text: str) -> list[str]:
    try:
        _project(text)
    except BadInputs as error:
        return [str(one) for one in error.errors]
    except BadInput as error:
        return [str(error)]
    return []


def test_a_promotion_policy_is_read_with_its_place() -> None:
    """Merge, source, soak in seconds, weekly and single freezes, and the line it is on."""
    project = _project(
        "environments:\n"
        "  staging: {promotion: {merge: auto}}\n"
        "  production:\n"
        "    promotion:\n"
        "      merge: review\n"
        "      from: staging\n"
        "      soak: 24h\n"
        "      freeze:\n"
        '        - {days: [sun, fri], from: "16:00", to: "08:00", timezone: Europe/London, reason: rest}\n'
        '        - {from: "2026-12-20", to: "2027-01-03"}\n'
    )
    assert project.environments["staging"].promotion.merge is Merge.AUTO
    policy = project.environments["production"].promotion
    assert (policy.merge, policy.source, policy.soak) == (Merge.REVIEW, "staging", 86400)
    weekly, once = policy.freezes
    assert (weekly.days, weekly.start, weekly.end, weekly.timezone, weekly.reason) == (
        (4, 6),
        "16:00",
        "08:00",
        "Europe/London",
        "rest",
    )
    assert (once.days, once.start, once.end, once.timezone) == ((), "2026-12-20", "2027-01-03", "UTC")
    assert policy.place == "lockstep.yaml:5"
    assert once.place == "lockstep.yaml:11"


def test_an_environment_without_a_policy_is_reviewed() -> None:
    """What nobody declared is the careful way."""
    assert (
        _project("environments: {production: {}}").environment("production").promotion.merge is Merge.REVIEW
    )
    assert _project("").environment("other").promotion.merge is Merge.REVIEW


def test_services_say_where_they_are_built_from() -> None:
    """Paths, tag with the service's name in it, builder, and the version's key."""
    sources = _project(
        "services:\n"
        "  s3-notifier:\n"
        "    source: {paths: [src/notifier/, 'libs/*.py']}\n"
        "    build: {builder: python, runtime: python3.13, architecture: arm64}\n"
        "  api: {tag: 'api/{version}', versionKey: image.tag}\n"
    ).sources
    notifier = sources.services["s3-notifier"]
    assert notifier.paths == ("src/notifier", "libs/*.py")
    assert notifier.tag_of("1.2.3") == "s3-notifier-v1.2.3"
    assert notifier.build is not None
    assert (notifier.build.builder, notifier.build.path, notifier.build.architecture) == (
        Builder.PYTHON,
        "src/notifier",
        "arm64",
    )
    assert sources.services["api"].tag_of("1.0.0") == "api/1.0.0"
    assert sources.services["api"].version_key == ("image", "tag")


@pytest.mark.parametrize(
    ("service", "folder"),
    [
        ("{source: {paths: ['src/api/**']}, build: {builder: node}}", "src/api"),
        ("{source: {paths: ['./src/api/**/*.js']}, build: {builder: node}}", "src/api"),
        ("{source: {paths: ['app/[id]']}, build: {builder: node}}", "app/[id]"),
        ("{source: {paths: ['src/a/**', 'src/b/**']}, build: {builder: node, path: src/a}}", "src/a"),
        ("{source: {paths: ['**']}, build: {builder: node, path: .}}", "."),
        ("{build: {builder: prebuilt, output: dist}}", "."),
        ("{source: {paths: ['src/api/**']}, build: {builder: prebuilt, output: dist}}", "src/api"),
    ],
)
def test_the_folder_of_a_build_is_the_one_that_the_paths_name(service: str, folder: str) -> None:
    """A glob never means the whole repository, with all the secrets that may lie in it."""
    build = _project(f"services: {{api: {service}}}").sources.services["api"].build
    assert build is not None
    assert build.path == folder


def test_the_forge_is_read() -> None:
    """Kind, repository, API and branch."""
    forge = _project("forge: {kind: github, repository: o/r, branch: main}").sources.forge
    assert (forge.kind, forge.repository, forge.branch, forge.api) == ("github", "o/r", "main", None)


_IMAGE = "services: {{a: {{image: {{exists: required, repository: ghcr.io/x, {}}}}}}}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("environments: {a: {promotion: {merge: now}}}", "'now' is not allowed for merge"),
        ("environments: {a: {promotion: {from: b}}}", "'b' is no environment to promote from"),
        ("environments: {a: {promotion: {from: a}}}", "'a' is no environment to promote from"),
        ("environments: {a: {promotion: {soak: 1h}}}", "soak without from"),
        ("environments: {a: {promotion: {auto: true}}}", "auto without from"),
        ("environments: {a: {}, b: {promotion: {from: a, soak: 1 hour}}}", "no valid soak"),
        ("environments: {a: {promotion: {freeze: [{days: [fri], from: '2026-01-01'}]}}}", "times of day"),
        ("environments: {a: {promotion: {freeze: [{from: '16:00', to: '18:00'}]}}}", "has days, or a date"),
        ("environments: {a: {promotion: {freeze: [{from: '2026-01-02'}]}}}", "has days, or a date"),
        ("environments: {a: {promotion: {freeze: [{from: '2026-01-02', to: '2026-01-01'}]}}}", "before it"),
        ("environments: {a: {promotion: {freeze: [{from: '2026-02-30', to: '2026-03-01'}]}}}", "before it"),
        ("environments: {a: {promotion: {freeze: [{days: [friday]}]}}}", "'friday' is not allowed"),
        (
            "environments: {a: {promotion: {freeze: [{days: [fri], timezone: Europe/Londn}]}}}",
            "Europe/London",
        ),
        ("services: {a: {tag: latest}}", "holds no {version}"),
        ("services: {a: {tag: '{env}-{version}'}}", "{env}"),
        ("services: {a: {source: {paths: [../x]}}}", "leaves the repository"),
        ("services: {a: {build: {builder: python}}}", "needs the function's runtime"),
        ("services: {a: {build: {builder: node}}}", "nothing says which folder is packed"),
        (
            "services: {a: {source: {paths: ['**/*.js']}, build: {builder: node}}}",
            "nothing says which folder",
        ),
        ("services: {a: {source: {paths: [.]}, build: {builder: dotnet}}}", "nothing says which folder"),
        (
            "services: {a: {source: {paths: ['src/a/**', 'libs/**']}, build: {builder: node}}}",
            "source.paths names several folders, and build.path not which is built: src/a, libs",
        ),
        ("services: {a: {build: {builder: command, output: dist}}}", "has no command"),
        ("services: {a: {build: {builder: prebuilt}}}", "has no output"),
        ("services: {a: {build: {builder: prebuilt, output: /x}}}", "leaves the repository"),
        ("services: {a: {build: {builder: node, project: x}}}", "takes no project"),
        ("services: {a: {build: {}}}", "has no builder"),
        ("services: {a: {biuld: {}}}", "unknown key 'biuld'"),
        (_IMAGE.format("build: {builder: docker}"), "nothing says which folder is packed"),
        (_IMAGE.format("build: {builder: kaniko}"), "'kaniko' is not allowed for builder"),
        (_IMAGE.format("build: {builder: ko, path: src, file: Dockerfile}"), "the builder ko takes no file"),
        (_IMAGE.format("build: {builder: command}"), "has no command"),
        (_IMAGE.format("build: {builder: docker, path: ../x}"), "leaves the repository"),
        (_IMAGE.format("build: {builder: docker, path: x, file: ../y}"), "leaves the repository"),
        (_IMAGE.format("build: {builder: buildx, path: x, platforms: [arm64]}"), "write linux/amd64"),
        (_IMAGE.format("pin: digest"), "write tag, none, or the key of the chart's values"),
        ("forge: {kind: gitlab}", "'gitlab' is not allowed"),
        ("forge: {branch: 'a b'}", "is no name of a branch"),
        ("forge: {api: 'http://ghe.example.com'}", "not encrypted"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, says: str) -> None:
    """Each mistake gives one error that names file, line and what to write."""
    errors = _errors(text)
    assert errors
    assert any(says in error for error in errors), errors
    assert all(error.startswith("lockstep.yaml:2: ") for error in errors)
    assert all("fix: " in error for error in errors)
