"""Terraform's diagnostics, in words that say where and what to do."""

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from lockstep.errors import BadInput, CloudError, LockstepError, bounded
from lockstep.values import dataclass

__all__ = ["Diagnostic", "StalePlan", "error_of", "plain_text", "read_diagnostic"]


class StalePlan(CloudError):
    """The state changed after the plan was made; planning again mends it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostic:
    """One error or warning of Terraform's."""

    severity: str
    summary: str
    detail: str = ""
    address: str | None = None  # of the resource that it is about
    file: str | None = None  # as Terraform names it, relative to the folder
    line: int = 0
    code: str = ""  # of the place, as the file writes it

    @property
    def says(self) -> str:
        """Summary and detail as one text, for looking into it."""
        return f"{self.summary}\n{self.detail}"


def read_diagnostic(raw: Mapping[str, Any]) -> Diagnostic:
    """A diagnostic of a machine-readable stream."""
    place = raw.get("range") or {}
    snippet = raw.get("snippet") or {}
    file = place.get("filename")
    return Diagnostic(
        severity=str(raw.get("severity", "error")),
        summary=str(raw.get("summary", "")),
        detail=str(raw.get("detail", "")),
        address=raw.get("address") or None,
        file=file,
        line=int((place.get("start") or {}).get("line", 0)),
        # A snippet of the file with the variables would show what is in them.
        code="" if not file or posixpath.isabs(file) else str(snippet.get("code", "")).strip(),
    )


def error_of(diagnostic: Diagnostic, *, folder: str, doing: str, place: str) -> LockstepError:
    """The error to raise. ``folder`` is the run's in its repository, ``place`` its block in the project."""
    problem = diagnostic.summary.strip().rstrip(".")
    detail = _tidy(diagnostic.detail)
    if detail:
        problem = f"{problem}: {detail}"
    if diagnostic.code:
        problem = f"{problem}\n    {diagnostic.code}"
    kind, fix = _mended(diagnostic, place)
    return kind(problem, where=_where(diagnostic, folder) or place, doing=doing, fix=fix)


def plain_text(output: str) -> Diagnostic:
    """The first error of what a command prints for people, without the frame around it."""
    lines = [re.sub(r"^[│╷╵]\s?", "", line).rstrip() for line in output.splitlines()]
    text = "\n".join(lines).strip()
    _, found, rest = text.partition("Error: ")
    body = rest.split("\nError: ")[0] if found else text
    summary, _, detail = body.partition("\n")
    place = re.search(r"^[ \t]*on (\S+) line (\d+)", detail, re.MULTILINE)
    kept = [line for line in detail.splitlines() if not re.match(r"[ \t]*(on \S+ line \d+|\d+:)", line)]
    return Diagnostic(
        severity="error",
        summary=summary.strip() or "it said nothing",
        detail="\n".join(kept),
        file=place[1] if place else None,
        line=int(place[2]) if place else 0,
    )


def _where(diagnostic: Diagnostic, folder: str) -> str | None:
    file = diagnostic.file
    if not file or posixpath.isabs(file):
        return None
    path = posixpath.normpath(posixpath.join(folder, file))
    return f"{path}:{diagnostic.line}" if diagnostic.line else path


def _tidy(detail: str) -> str:
    """The detail in one paragraph, without the advice that is only right when one runs it oneself."""
    return bounded(" ".join(detail.split()), 1_000)


def _mended(diagnostic: Diagnostic, place: str) -> tuple[type[LockstepError], str | None]:
    """The kind of error that a diagnostic is, and how to mend it."""
    says = diagnostic.says
    for words, kind, fix in _FIXES:
        if words in says:
            return kind, fix.format(place=place or "terraform: in lockstep.yaml")
    return CloudError, None


_CREDENTIALS = "give Terraform credentials in the way that its provider and backend look for them"
_FIXES: tuple[tuple[str, type[LockstepError], str], ...] = (
    (
        "No value for required variable",
        BadInput,
        "give the variable a default, or pass it with `variables:` ({place})",
    ),
    (
        "Invalid value for input variable",
        BadInput,
        "let the folder's variable take what Lockstep passes, or map it another way ({place})",
    ),
    (
        "Invalid value for variable",
        BadInput,
        "mend the declaration that the message is about; the folder's own validation refuses it",
    ),
    (
        "precondition failed",
        BadInput,
        "mend the declaration that the message is about; the folder's own checks refuse it",
    ),
    (
        "Unsupported Terraform Core version",
        BadInput,
        "install the version that the folder asks for, or change its required_version",
    ),
    (
        "Unsupported OpenTofu Core version",
        BadInput,
        "install the version that the folder asks for, or change its required_version",
    ),
    (
        "Failed to query available provider packages",
        BadInput,
        "let Terraform reach the registry, or name a mirror of the provider in its CLI configuration",
    ),
    (
        "Failed to install provider",
        BadInput,
        "let Terraform reach the registry, or name a mirror of the provider in its CLI configuration",
    ),
    (
        "Failed to download module",
        BadInput,
        "correct the module's source or revision, or give this machine access to it",
    ),
    (
        "Could not download module",
        BadInput,
        "correct the module's source or revision, or give this machine access to it",
    ),
    (
        "Unreadable module directory",
        BadInput,
        "correct the module's source; a local module has to lie in the same repository",
    ),
    ("Unsupported backend type", BadInput, "use a backend that this version knows"),
    ("Invalid backend configuration", BadInput, "correct `backend:` ({place})"),
    ("Saved plan is stale", StalePlan, "plan again"),
    (
        "Function already exist",
        CloudError,
        "the function exists and this state does not manage it: import it, or look whether `backend:` "
        "or `workspace:` name the right state ({place})",
    ),
    ("NoCredentialProviders", CloudError, _CREDENTIALS),
    ("No valid credential sources found", CloudError, _CREDENTIALS),
    (
        "Error refreshing state",
        CloudError,
        "look at the state where the backend keeps it; restore an older version of it if it is damaged",
    ),
    (
        "Failed to load state",
        CloudError,
        "look at the state where the backend keeps it; restore an older version of it if it is damaged",
    ),
)
