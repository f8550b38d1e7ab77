"""Events of pull requests: the fields of GitHub's payload that ``preview event`` reads."""

from collections.abc import Iterable
from typing import Any

__all__ = ["payload"]

_HERE = "acme/shop"


def payload(
    *,
    action: str,
    number: int,
    sha: str,
    labels: Iterable[str] = ("preview",),
    label: str | None = None,
    is_open: bool = True,
    source: str | None = _HERE,
) -> dict[str, Any]:
    """What GitHub sends; ``source`` is the repository of the head, None when that is gone."""
    head = {"ref": "feature", "sha": sha, "repo": {"full_name": source} if source else None}
    document: dict[str, Any] = {
        "action": action,
        "number": number,
        "pull_request": {
            "number": number,
            "state": "open" if is_open else "closed",
            "title": "A change; $(reboot) \x1b[2J",
            "labels": [{"name": name, "color": "ededed"} for name in labels],
            "head": head,
            "base": {"ref": "main", "sha": "0" * 40, "repo": {"full_name": _HERE}},
        },
        "repository": {"full_name": _HERE},
    }
    if label is not None:
        document["label"] = {"name": label, "color": "ededed"}
    return document
