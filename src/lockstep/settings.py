"""Settings of the process, from the environment. What a project wants is in ``lockstep.yaml`` instead.

LOCKSTEP_CACHE         folder of the cache; default $XDG_CACHE_HOME/lockstep or ~/.cache/lockstep
LOCKSTEP_CACHE_GB      bytes of packages that it keeps, in GB; default 2
LOCKSTEP_LOG           level of the log on stderr: debug, info, warning (default), error
LOCKSTEP_REQUEST_TIMEOUT  seconds that one request and its answer may take; see lockstep.waiting
LOCKSTEP_SERVER        URL of a running ``lockstep serve``, which is asked for what it can do
LOCKSTEP_TOKEN         token that it is asked with, where people log in
LOCKSTEP_PASS_ENV      more variables for the programs that are started; see lockstep.children
GITHUB_TOKEN           token for releases of private repositories; GH_TOKEN is read too
LOCKSTEP_GITHUB_APP_KEY  private key (PEM) of the GitHub App that lockstep.yaml names
GITHUB_STEP_SUMMARY    file that a GitHub job's summary is written to
GITHUB_OUTPUT          file that later steps and jobs of GitHub read values from
NO_COLOR, FORCE_COLOR  switch colour off or on; TERM=dumb switches it off
CI                     set by CI systems: plain lines, no live rows
"""

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from lockstep.errors import BadInput
from lockstep.values import dataclass

__all__ = ["LOG_LEVELS", "Settings", "read_settings"]

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the environment says. ``colour`` is None where it does not say."""

    cache: Path
    cache_limit: float = 2e9  # bytes of packages
    log_level: str = "warning"
    server: str | None = None
    token: str | None = field(default=None, repr=False)
    github_token: str | None = field(default=None, repr=False)
    github_app_key: str | None = field(default=None, repr=False)
    job_summary: Path | None = None
    job_output: Path | None = None
    colour: bool | None = None
    is_ci: bool = False


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from an environment, by default the process's own; BadInput for a value that means nothing."""
    env = os.environ if environ is None else environ
    level = env.get("LOCKSTEP_LOG", "").lower() or "warning"
    if level not in LOG_LEVELS:
        raise BadInput(
            f"{level!r} is not a log level",
            where="LOCKSTEP_LOG",
            fix=f"set it to one of {', '.join(LOG_LEVELS)}, or unset it",
        )
    summary, output = env.get("GITHUB_STEP_SUMMARY"), env.get("GITHUB_OUTPUT")
    return Settings(
        cache=_cache(env),
        cache_limit=_number(env, "LOCKSTEP_CACHE_GB", 2) * 1e9,
        log_level=level,
        server=env.get("LOCKSTEP_SERVER") or None,
        token=env.get("LOCKSTEP_TOKEN") or None,
        github_token=env.get("GITHUB_TOKEN") or env.get("GH_TOKEN") or None,
        github_app_key=env.get("LOCKSTEP_GITHUB_APP_KEY") or None,
        job_summary=Path(summary) if summary else None,
        job_output=Path(output) if output else None,
        colour=_colour(env),
        is_ci=env.get("CI", "").lower() not in ("", "0", "false"),
    )


def _cache(env: Mapping[str, str]) -> Path:
    own = env.get("LOCKSTEP_CACHE")
    if own:
        return Path(own).expanduser()
    base = env.get("XDG_CACHE_HOME")
    folder = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return folder / "lockstep"


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    """The number of a variable; BadInput where it is none, or below 0."""
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < float("inf"):
        raise BadInput(
            f"{text!r} is no number of at least 0", where=name, fix=f"set it to {default:g}, or unset it"
        )
    return number


def _colour(env: Mapping[str, str]) -> bool | None:
    """See no-color.org; FORCE_COLOR is what GitHub Actions and npm use to ask for it."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR", "0") != "0":
        return True
    return False if env.get("TERM") == "dumb" else None
