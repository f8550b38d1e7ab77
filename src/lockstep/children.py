"""The environment of child processes: what each kind of child gets, by name, and nothing else.

A child runs what others wrote: the build of a branch, a Terraform file, a hook of a tool. Whatever
Lockstep itself is given (tokens of forges, the App's key, the request token of OpenID Connect, files of
the CI system) stays here, because no list below names it. The repository cannot add to these lists; who
starts Lockstep can, with LOCKSTEP_PASS_ENV: names or globs for every kind of child, or ``git:NAME`` for one.

Every ``subprocess`` call of this package takes its environment from here; a test holds that.
"""

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path

from lockstep.model import looks_secret

__all__ = ["Child", "credentials_of", "environment_of", "hint"]


class Child(StrEnum):
    """What a child is for."""

    GIT = "git"  # reads and writes repositories; runs nothing of them
    BUILD = "build"  # tools that run what a repository says
    LOGIN = "login"  # helpers that know the logins of registries, some by credentials of a cloud
    KUBECTL = "kubectl"  # asks a cluster, by the credentials of a kubeconfig or of a cloud
    TERRAFORM = "terraform"  # runs what the files say, with the credentials of its providers
    DEMO = "demo"  # commands of the demo
    SERVER = "server"  # the demo's local AWS, whose functions inherit it


_MACHINE = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "TERM", "CI"),
    *("LANG", "LANGUAGE", "LC_*", "TZ", "NO_COLOR", "FORCE_COLOR", "XDG_*"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "NSS_WRAPPER_*", "DYLD_*", "NIX_*", "SYSTEMROOT", "PYENV_*"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("OPENSSL_CONF", "OPENSSL_MODULES"),
)
"""Where a program finds its files, the network and a language."""
_SSH = ("SSH_AUTH_SOCK", "SSH_AGENT_PID", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_*")
_GIT_FILES = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_LISTS: Mapping[Child, tuple[str, ...]] = {
    Child.GIT: (
        *_MACHINE,
        *_SSH,
        "GIT_*",
        *("EMAIL", "GNUPGHOME", "GPG_TTY", "KRB5*", "SSH_ASKPASS*", "GCM_*"),
        *("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"),  # keyrings of desktops
    ),
    Child.BUILD: (
        *_MACHINE,
        *_SSH,
        *_GIT_FILES,
        *("PIP_*", "UV_*", "PIPX_*", "POETRY_*", "VIRTUAL_ENV", "CONDA_*"),
        *("NPM_*", "npm_config_*", "NODE_*", "NVM_*", "VOLTA_*", "FNM_*", "YARN_*", "PNPM_*", "COREPACK_*"),
        *("BUN_*", "DENO_*", "DOTNET_*", "NUGET_*", "NuGet*", "VSS_NUGET_*", "MSBUILD*"),
        *("JAVA_*", "JDK_*", "MAVEN_*", "GRADLE_*", "SBT_*", "GOPATH", "GOROOT", "GOBIN", "GOENV", "GOFLAGS"),
        *("GOCACHE", "GOMODCACHE", "GOTMPDIR", "GOTOOLCHAIN", "GOAUTH", "GOINSECURE", "GOVCS", "CGO_*"),
        *("GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "RBENV_*", "GEM_*", "BUNDLE_*"),
        *("CARGO_*", "RUSTUP_*", "RUSTFLAGS", "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "MAKEFLAGS"),
        *("CPATH", "LIBRARY_PATH", "PKG_CONFIG_*", "SDKROOT", "DEVELOPER_DIR", "MACOSX_DEPLOYMENT_TARGET"),
        *("ASDF_*", "MISE_*", "HOMEBREW_*"),
        *("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_TLS_*", "DOCKER_CERT_PATH"),
        *("DOCKER_API_VERSION", "DOCKER_DEFAULT_PLATFORM", "DOCKER_BUILDKIT", "DOCKER_CLI_*", "BUILDX_*"),
        *("BUILDKIT_*", "CONTAINER_HOST", "CONTAINERS_*", "REGISTRY_AUTH_FILE", "KO_*", "PACK_HOME"),
    ),
    Child.LOGIN: (
        *_MACHINE,
        *("DOCKER_*", "AWS_*", "GOOGLE_*", "CLOUDSDK_*", "AZURE_*"),
        *("GNUPGHOME", "GPG_TTY", "PASSWORD_STORE_*"),
        *("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"),
    ),
    Child.KUBECTL: (*_MACHINE, "KUBECONFIG", "AWS_*", "GOOGLE_*", "CLOUDSDK_*", "AZURE_*", "ARM_*", "AAD_*"),
    Child.TERRAFORM: (
        *_MACHINE,
        *_SSH,
        *_GIT_FILES,  # modules
        *("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "TF_TOKEN_*", "TF_HTTP_*", "TF_REGISTRY_*"),
        "TF_REATTACH_PROVIDERS",  # whoever debugs a provider
        *("AWS_*", "ARM_*", "GOOGLE_*"),
    ),
    Child.DEMO: _MACHINE,
    Child.SERVER: ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "PYENV_ROOT", "PYENV_VERSION"),
}
"""Names that a kind of child gets, as globs."""
_DESKTOPS = ("XDG_", "DBUS_", "DESKTOP_SESSION")  # a session there is no secret, and its kind a common word
_OURS = ("GITHUB_*", "GH_*", "LOCKSTEP_*", "ACTIONS_*")
"""What a glob of LOCKSTEP_PASS_ENV never means; named in full it is passed."""


def environment_of(child: Child, *extra: Mapping[str, str]) -> dict[str, str]:
    """What a child of this kind gets: the variables on its list, and ``extra`` on top of them.

    Before the first of them this process keeps its own memory and environment from its children, who
    are the same user and could otherwise read them below ``/proc``.
    """
    _close()
    kept = {name: value for name, value in os.environ.items() if _is_passed(name, child)}
    for more in extra:
        kept |= more
    return kept


def hint(child: Child, said: str) -> str:
    """Which of the variables that a child's words name are set and were kept from it; "" for none."""
    names = {
        name for name in re.findall(r"\b[A-Z][A-Z0-9]{0,31}_[A-Z0-9_]{1,63}\b", said) if name in os.environ
    }
    kept = sorted(one for one in names if not _is_passed(one, child) and not _matches(one, _OURS))
    if not kept:
        return ""
    is_or_are = "is" if len(kept) == 1 else "are"
    passed = ",".join(f"{child}:{one}" for one in kept)
    return f"{', '.join(kept)} {is_or_are} set but not passed on; LOCKSTEP_PASS_ENV={passed} does that"


def credentials_of(environment: Mapping[str, str]) -> frozenset[str]:
    """The values in an environment that nobody may see, whatever the child says."""
    return frozenset(
        value
        for name, value in environment.items()
        # The id of a key is part of many names, on local clouds the account's; AWS's own have a shape.
        if value
        and not name.startswith(_DESKTOPS)
        and looks_secret("" if name == "AWS_ACCESS_KEY_ID" else name, value)
        # PWD, and files with something secret
        and not (value.startswith("/") and Path(value).exists())
    )


def _is_passed(name: str, child: Child) -> bool:
    return _is_listed(name, child, os.environ.get("LOCKSTEP_PASS_ENV", ""))


@lru_cache(maxsize=4096)  # each start of a program asks this for every variable, and there are many starts
def _is_listed(name: str, child: Child, asked: str) -> bool:
    """Whether a list, or what whoever started us ``asked``, names a variable."""
    if _matches(name, _LISTS[child]):
        return True
    for entry in re.split(r"[\s,]+", asked):
        kind, colon, glob = entry.rpartition(":")
        if colon and kind != child:
            continue
        if name == glob or (_matches(name, (glob,)) and not _matches(name, _OURS)):
            return True
    return False


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    # What reads as a name is no pattern: to make one of it takes longer than all the rest.
    return any(name == glob or (not glob.isidentifier() and fnmatchcase(name, glob)) for glob in globs)


@cache
def _close() -> None:
    """Make ``/proc/PID/environ`` and ``/proc/PID/mem`` of this process root's; the same holds for debuggers.

    Source: Linux manual, PR_SET_DUMPABLE in prctl(2), proc_pid_environ(5). A program that a child runs
    is not concerned. Elsewhere than on Linux nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    set_dumpable = 4
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_dumpable, 0, 0, 0, 0)
