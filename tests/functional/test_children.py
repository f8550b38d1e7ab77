"""What child processes get of Lockstep's own environment."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.children import Child, credentials_of, environment_of, hint

SOURCE = Path(__file__).resolve().parents[2] / "src" / "lockstep"
OURS = {
    "GITHUB_TOKEN": "t1",
    "GH_TOKEN": "t2",
    "LOCKSTEP_GITHUB_APP_KEY": "t3",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t4",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "t5",
    "ACTIONS_RUNTIME_TOKEN": "t6",
    "GITHUB_ENV": "/t7",
    "GITHUB_PATH": "/t8",
    "GITHUB_OUTPUT": "/t9",
    "GITHUB_STEP_SUMMARY": "/t10",
}
"""What a CI system gives to Lockstep, and to nobody that it starts."""
TOOLS = {
    Child.GIT: "SSH_AUTH_SOCK GIT_SSH_COMMAND GIT_SSL_CAINFO GIT_ASKPASS GIT_CONFIG_COUNT GNUPGHOME",
    Child.BUILD: "PIP_INDEX_URL PIP_CERT UV_INDEX_URL NPM_TOKEN NPM_CONFIG_USERCONFIG npm_config_registry "
    "NODE_AUTH_TOKEN NODE_OPTIONS GOFLAGS GOPRIVATE GOPROXY GOMODCACHE JAVA_HOME JAVA_TOOL_OPTIONS "
    "MAVEN_OPTS GRADLE_USER_HOME DOTNET_ROOT NUGET_PACKAGES NuGetPackageSourceCredentials_x CARGO_HOME "
    "RUSTFLAGS BUNDLE_PATH SSH_AUTH_SOCK GIT_CONFIG_GLOBAL DOCKER_HOST CC VIRTUAL_ENV",
    Child.KUBECTL: "KUBECONFIG AWS_PROFILE AWS_SECRET_ACCESS_KEY",
    Child.LOGIN: "DOCKER_CONFIG AWS_SECRET_ACCESS_KEY AWS_PROFILE GOOGLE_APPLICATION_CREDENTIALS",
    Child.TERRAFORM: "AWS_PROFILE AWS_REGION AWS_CA_BUNDLE AWS_WEB_IDENTITY_TOKEN_FILE AWS_ENDPOINT_URL "
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI TF_CLI_CONFIG_FILE TF_PLUGIN_CACHE_DIR TF_HTTP_PASSWORD "
    "TF_TOKEN_app_terraform_io ARM_CLIENT_ID GOOGLE_CREDENTIALS SSH_AUTH_SOCK GIT_SSH_COMMAND",
}
"""What the tools themselves read, by their documentation."""
EVERYWHERE = (
    "HOME LANG LC_ALL LC_CTYPE TZ TMPDIR XDG_CACHE_HOME XDG_CONFIG_HOME HTTPS_PROXY https_proxy NO_PROXY "
    "no_proxy SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS"
)
PROGRAMS = {"subprocess", "pty", "multiprocessing", "pexpect"}
LAUNCHER = "local/launcher.py"
"""A program of its own on the standard library alone, which hands on what ``server.py`` gave it."""
WHOLE = {
    "children.py": "the one place that takes variables from it",
    "artifacts/builders/process.py": "to mask its secrets in what tools say",
    "git/commits.py": "names of author and committer",
    "delivery/places/actor.py": "who runs this",
    "local/ministack.py": "tests hand everything on",
    "settings.py": "settings",
    "cli/serving.py": "keys of lockstep-serve.yaml, whose names follow from the file",
}


@pytest.mark.parametrize("child", [*Child])
def test_nothing_that_lockstep_is_given_goes_on(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, keys and files of the CI system; a program's path and the proxy do go on."""
    for name, value in OURS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "t11")
    found = environment_of(child, {"MORE": "1"})
    assert not OURS.keys() & found.keys()
    assert ("AWS_SECRET_ACCESS_KEY" in found) is (child in (Child.TERRAFORM, Child.LOGIN, Child.KUBECTL))
    assert found["PATH"] == os.environ["PATH"]
    assert found["MORE"] == "1"


@pytest.mark.parametrize("child", TOOLS)
def test_a_tool_gets_what_it_reads(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates, proxies, languages, and the settings and registries' credentials of that tool."""
    names = f"{EVERYWHERE} {TOOLS[child]}".split()
    for name in names:
        monkeypatch.setenv(name, "x")
    assert set(names) <= environment_of(child).keys()


@given(st.from_regex(r"[A-Z][A-Z_]{0,12}(TOKEN|KEY|SECRET|PASSWORD)", fullmatch=True))
def test_a_name_that_is_on_no_list_goes_nowhere(name: str) -> None:
    """Whatever somebody calls a secret, git and the demo do not see it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, "x")
        known = ("GIT_", "XDG_", "NIX_", "LC_", "PYENV_", "DYLD_", "GCM_", "KRB")
        assert (name in environment_of(Child.GIT)) <= name.startswith(known)
        assert name not in environment_of(Child.SERVER)


@pytest.mark.parametrize(
    ("passed", "names"),
    [
        ("", set()),
        ("MINE_A", {"MINE_A"}),
        ("MINE_*, GITHUB_TOKEN", {"MINE_A", "MINE_B", "GITHUB_TOKEN"}),
        ("*", {"MINE_A", "MINE_B"}),
        ("GITHUB_*", set()),
        ("[G]*,?ITHUB_ENV", set()),
        ("build:MINE_A", {"MINE_A"}),
        ("git:MINE_A, terraform:*", set()),
        ("bui*:MINE_A", set()),
    ],
)
def test_who_starts_lockstep_may_pass_more(
    passed: str, names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name or glob, for one kind of child or for all; a glob never means what is Lockstep's own."""
    given = ("MINE_A", "MINE_B", "GITHUB_TOKEN", "GITHUB_ENV")
    for name in given:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LOCKSTEP_PASS_ENV", passed)
    found = environment_of(Child.BUILD)
    assert {name for name in given if name in found} == names


def test_a_variable_that_a_tool_misses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one that is set and was kept from it, and never one of Lockstep's own."""
    for name in ("DD_API_KEY", "GITHUB_TOKEN", "AWS_REGION"):
        monkeypatch.setenv(name, "1")
    said = "set DD_API_KEY, DD_APP_KEY, GITHUB_TOKEN or AWS_REGION"
    assert hint(Child.TERRAFORM, said) == (
        "DD_API_KEY is set but not passed on; LOCKSTEP_PASS_ENV=terraform:DD_API_KEY does that"
    )
    monkeypatch.setenv("LOCKSTEP_PASS_ENV", "terraform:DD_API_KEY")
    assert hint(Child.TERRAFORM, said) == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc")
def test_a_child_cannot_read_what_its_parent_was_given() -> None:
    """The same user, and yet the parent's environment below /proc is closed to it.

    A stream like ``-o /dev/stdout`` stays open to this process itself.
    """
    script = (
        "import ctypes, os, subprocess\n"
        "from lockstep.children import Child, environment_of\n"
        "def sees():\n"
        "    words = ['/bin/cat', f'/proc/{os.getpid()}/environ']\n"
        "    return 'ghs_hidden' in subprocess.run(words, capture_output=True, text=True, env={}).stdout\n"
        "if os.geteuid() == 0:  # who reads everything\n"
        "    os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        "    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as a process is that began so\n"
        "before, _, after = sees(), environment_of(Child.BUILD), sees()\n"
        "open(f'/dev/fd/{os.pipe()[1]}', 'w').close()\n"
        "print(before, after)\n"
    )
    env = {**os.environ, "GITHUB_TOKEN": "ghs_hidden"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_credentials_are_values_by_name_and_shape(tmp_path: Path) -> None:
    """Not the folder that a name like PWD holds, and not an account's number as the id of a key."""
    key = "AKIA" + "A" * 16
    given = {
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_SESSION_TOKEN": "t0k3n",
        "X": key,
        "PWD": str(tmp_path),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "123456789012",
    }
    assert credentials_of(given) == {"s3cr3t", "t0k3n", key}


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(SOURCE.rglob("*.py")):
        yield file.relative_to(SOURCE).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls that start a process."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = ast.unparse(node.func.value), node.func.attr
            is_subprocess = owner == "subprocess" and (name[0].islower() or name == "Popen")
            is_system = owner == "os" and name.startswith(
                ("exec", "spawn", "posix_spawn", "system", "popen", "fork")
            )
            if is_subprocess or is_system or (owner == "asyncio" and "subprocess" in name):
                yield node


def test_no_process_is_started_without_an_environment() -> None:
    """Each call hands over one of its own making, and nobody reaches these modules by other names."""
    found = 0
    for name, tree in _modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in PROGRAMS, (name, ast.unparse(node))
            if isinstance(node, ast.Import):
                for one in node.names:
                    assert one.name not in PROGRAMS - {"subprocess"}, (name, one.name)
                    assert one.name != "subprocess" or one.asname is None, name
        for call in _calls(tree):
            found += 1
            env = [word for word in call.keywords if word.arg == "env"]
            assert env or name == LAUNCHER, (name, ast.unparse(call))
            assert "os.environ" not in ast.unparse(call), (name, ast.unparse(call))
    assert found > 7


def test_the_whole_environment_is_read_in_one_place() -> None:
    """What is not a single variable by name; each exception starts no process with it."""
    found = set()
    for name, tree in _modules():
        single = {
            id(node.value if isinstance(node, ast.Attribute) else node.slice)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr == "get"
        }
        single |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
        single |= {
            id(side) for node in ast.walk(tree) if isinstance(node, ast.Compare) for side in node.comparators
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.environb"):
                found |= {name} if id(node) not in single else set()
    assert found == WHOLE.keys()
