"""``preview:`` of ``lockstep.yaml``: its keys, and the policy that they come to."""

import posixpath
from collections.abc import Mapping
from typing import Any

from lockstep.config import rules, templates
from lockstep.config.durations import DURATION, duration
from lockstep.config.rows import group, text, texts
from lockstep.config.source_paths import Report
from lockstep.config.yaml_reader import Document
from lockstep.model import Environment
from lockstep.model.preview import FOLDER, PreviewMode, PreviewPolicy, WaitFor

__all__ = ["PREVIEW", "read_preview_policy"]

_SAYS = "write a number and s, m, h or d: 30m, 24h, 14d"
# GitHub's labels have at most 50 characters: 40 digits, a colon, and these.
_FORK_LABEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$"
_LABEL = r"^[^\s,:](?:[^,:\r\n\t]{0,47}[^\s,:])?$"

_NEEDS_FOLDER = {
    "branch": "a branch is for those",
    "ttl": "only that says when a preview was changed last",
    "warn": "only that says when a preview was changed last",
    "waitFor": "other tools deploy what stands there",
}
"""Keys that mean nothing where previews are not declared, and why."""

PREVIEW = group(
    "preview",
    "Previews of pull requests.",
    text(
        "mode",
        "What comes first: gitops (the default): Git declares a preview, and a sync makes it; record: "
        "`preview up` deploys it and then writes its folder, for people to see; none: nothing is written.",
        enum=tuple(PreviewMode),
    ),
    text(
        "branch",
        "Branch that holds the folders of previews, so that the history of the other one stays clean.",
        rule=rules.branch,
        example="previews",
    ),
    text(
        "services",
        "Which services are in every preview: listed (those with environments/preview/services/NAME/"
        "config.yaml, the default) or all (those with services/NAME/config.yaml too).",
        enum=("listed", "all"),
    ),
    text("from", "Environment whose versions services take that a pull request does not change; staging."),
    text(
        "ttl",
        "How long a preview lives after its last change; until its pull request is closed when absent.",
        pattern=DURATION,
        says=_SAYS,
        example="14d",
    ),
    text(
        "warn",
        "How long before its end the pull request is told; 24h.",
        pattern=DURATION,
        says=_SAYS,
        example="24h",
    ),
    text(
        "templates",
        "Folder of files that every preview gets, filled in; environments/preview/templates.",
        example=f"{FOLDER}/templates",
    ),
    text(
        "label",
        "Label that a pull request needs for a preview; any pull request may have one when absent.",
        pattern=_LABEL,
        says="write a label without commas and colons",
        example="preview",
    ),
    text(
        "forkLabel",
        "With a fork's commit behind it, the label that lets that commit have a preview: preview:SHA.",
        pattern=_FORK_LABEL,
        says="at most 9 letters, digits, dots and hyphens, so that a commit has room behind it",
        example="preview",
    ),
    group(
        "waitFor",
        "What tells that a service which another tool deploys is up in a preview; its functions are written "
        "after that. Texts may hold {service}, {version}, {pr} and {env}. When absent all come at once.",
        text(
            "url",
            "URL that answers with a status below 300 when the service is up.",
            rule=rules.url,
            example='"https://{service}-{env}.preview.example.com/healthz"',
        ),
        text("contains", "Text that the URL's answer has to hold.", example='"{version}"'),
        text(
            "check",
            "Commit status or check that the tool sets on the GitOps commit, in place of url.",
            example='"continuous-delivery/{env}-{service}"',
        ),
        texts("services", "Services that are waited for; all when absent.", text("service", "")),
        text(
            "timeout",
            "How long; 10m.",
            pattern=DURATION,
            says=_SAYS,
            example="10m",
        ),
    ),
)


def read_preview_policy(
    document: Document,
    given: Mapping[str, Any],
    listed: Mapping[str, Environment],
    wrong: Report,
) -> PreviewPolicy:
    """The policy of a checked project file; ``listed`` are the environments that it has (none: any)."""
    said = {key: value for key, value in given.items() if value is not None}
    usual = PreviewPolicy()
    environments = frozenset(listed)
    mode = PreviewMode(said.get("mode", usual.mode))
    _check_mode(mode, said, listed.get("preview") or Environment(name="preview"), wrong)
    source = said.get("from", usual.source)
    if source == "preview" or ("from" in said and environments and source not in environments):
        others = ", ".join(sorted(environments - {"preview"})) or "the folders below environments/"
        wrong(
            ("preview", "from"), f"{source!r} is no environment to take versions from", f"there are: {others}"
        )
    folder = posixpath.normpath(said.get("templates") or usual.templates)
    if folder.startswith(("/", "..")) or "\\" in folder:
        wrong(
            ("preview", "templates"),
            f"the folder {folder!r} leaves the project's folder",
            f"write a folder below it, such as {usual.templates}",
        )
    ttl, warn = duration(said.get("ttl")), duration(said.get("warn"))
    if ttl == 0:
        wrong(("preview", "ttl"), "a preview that lives for no time is none", "write for example 14d")
    return PreviewPolicy(
        mode=mode,
        branch=said.get("branch"),
        has_all=said.get("services") == "all",
        source=source,
        ttl=ttl,
        warn=usual.warn if warn is None else warn,
        templates=folder,
        label=said.get("label"),
        fork_label=said.get("forkLabel", usual.fork_label),
        wait_for=_wait_for(document, said["waitFor"], wrong) if said.get("waitFor") else None,
        place=f"{document.file}:{document.line(('preview',))}",
    )


def _check_mode(mode: PreviewMode, said: Mapping[str, Any], preview: Environment, wrong: Report) -> None:
    """What does not go with a mode in which previews are live before Git says so, or without it."""
    if mode is not PreviewMode.GITOPS and not preview.traits.is_direct:
        wrong(
            ("preview", "mode"),
            f"mode: {mode} deploys one preview before Git declares it, and {preview.engine} takes what Git "
            "declares for the whole",
            "give environments.preview the engine aws, or leave out the mode",
        )
    if mode is PreviewMode.NONE:
        for key, why in _NEEDS_FOLDER.items():
            if key in said:
                wrong(
                    ("preview", key),
                    f"mode: none writes no folder, and {why}",
                    f"remove {key}, or write mode: record",
                )


def _wait_for(document: Document, given: Mapping[str, Any], wrong: Report) -> WaitFor:
    path = ("preview", "waitFor")
    said = {key: value for key, value in given.items() if value is not None}
    if ("url" in said) == ("check" in said):
        wrong(path, "waitFor takes either url or check", "say by which of them a service is seen to be up")
    if "contains" in said and "url" not in said:
        wrong((*path, "contains"), "contains without url: nothing is read", "add url:, or remove it")
    names = dict.fromkeys(("service", "version", "pr", "env"), "x")
    for key in ("url", "contains", "check"):
        try:
            templates.fill(said.get(key) or "", names)
        except templates.TemplateError as error:
            wrong((*path, key), error.problem, error.fix)
    seconds = duration(said.get("timeout"))
    return WaitFor(
        url=said.get("url"),
        contains=said.get("contains"),
        check=said.get("check"),
        services=tuple(said.get("services") or ()),
        seconds=WaitFor().seconds if seconds is None else seconds,
        place=f"{document.file}:{document.line(path)}",
    )
