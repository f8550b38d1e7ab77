"""``kubernetes:`` of ``lockstep.yaml``: its keys, and what they come to."""

import re
from collections.abc import Mapping
from typing import Any

from lockstep.config import rules, templates
from lockstep.config.rows import group, text, texts
from lockstep.config.shapes import Key, Shape
from lockstep.config.source_paths import Report
from lockstep.config.yaml_reader import Document
from lockstep.model.kubernetes import ArgoCd, Flux, Job, Kubernetes

__all__ = ["KUBERNETES", "read_kubernetes"]

_NAMES = {"service": "s", "env": "e", "pr": "1"}
_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_LABEL_SAYS = "use at most 63 lowercase letters, digits and hyphens"
_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
_NAME_SAYS = "use lowercase letters, digits, hyphens and dots"
_IMAGE = r"^[A-Za-z0-9][A-Za-z0-9./_-]*(:[0-9]+/[a-z0-9./_-]+)?(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
_URL = r"^(https://[^\s@:/]+|ssh://([\w.-]+@)?[^\s@:/]+|http://(localhost|127\.0\.0\.1))(:\d+)?/[^\s@]+$"


def _namespace(name: str, about: str) -> Key:
    return text(name, about, pattern=_LABEL, says=_LABEL_SAYS)


def _object(name: str, about: str) -> Key:
    return text(name, about, pattern=_NAME, says=_NAME_SAYS)


KUBERNETES = group(
    "kubernetes",
    "What `lockstep render` writes into manifests besides the targets: how a cluster "
    "reaches this repository and where its objects go.",
    text(
        "namespace",
        "Namespace of a target's objects; {service}, {env} and {pr} are filled in.",
        example='"syrf-{env}"',
    ),
    _namespace("sharedNamespace", "ack: namespace of the objects of buckets, which several targets share."),
    texts(
        "ownBuckets",
        "ack: buckets of which every notification is declared here. Only they get an object, since it holds "
        "the whole of a bucket's notifications and removes those of others.",
        text("bucket", "", rule=rules.bucket),
    ),
    Key(
        name="versions",
        shape=Shape.OPEN,
        about="ack: targets with an alias of which each release is published as a version, each with the "
        "number at which the alias stands: ACK gives it, and it is written here afterwards.",
        item=text(
            "number",
            "",
            pattern=r"^(\$LATEST|[1-9][0-9]*)$",
            says='write the number of a published version in quotes, or "$LATEST" before there is one',
            example='"43"',
        ),
    ),
    text(
        "repository",
        "URL of this repository, as the cluster reaches it; without a password.",
        pattern=_URL,
        says="write an https:// or ssh:// URL without a password",
        example="https://github.com/acme/cluster-gitops",
    ),
    text("revision", "Branch that declarations are deployed from; main when absent.", rule=rules.branch),
    text(
        "branch",
        "Branch that manifests are written to, made when there is none and holding nothing else; beside the "
        "declarations when absent.",
        rule=rules.branch,
    ),
    Key(
        name="wave",
        shape=Shape.INTEGER,
        about="Sync wave of Argo CD in which functions are deployed; 5 when absent.",
        minimum=-1000,
        maximum=1000,
    ),
    group(
        "job",
        "argocd-job: the container that deploys.",
        text(
            "image",
            "Image with Lockstep in it, by version or digest.",
            pattern=_IMAGE,
            says="write for example registry.example.com/lockstep:1",
        ),
        _object("serviceAccount", "Service account with the role that deploys."),
        _object("secret", "Secret whose entries are the container's variables, such as GITHUB_TOKEN."),
    ),
    group(
        "flux",
        "flux: the objects of the source and of Terraform.",
        _namespace("namespace", "Their namespace; flux-system when absent."),
        text(
            "interval",
            "How often the source and drift are looked at; 10m when absent.",
            pattern=r"^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
            says="write for example 10m or 1h",
            example="10m",
        ),
        _object("serviceAccount", "Service account of the runner; tf-runner when absent."),
        _object("secret", "Secret that the repository is fetched with, where it is private."),
    ),
    group(
        "argocd",
        "argocd: where Argo CD is.",
        _namespace("namespace", "Its namespace; argocd when absent."),
        _object("project", "AppProject of the Applications; default when absent."),
        text("server", "Cluster that the manifests are for; the one that Argo CD is in when absent."),
    ),
)
"""``kubernetes``."""


def read_kubernetes(document: Document, given: Mapping[str, Any], wrong: Report) -> Kubernetes:
    """What a checked project file says of manifests."""
    said = {key: value for key, value in given.items() if value is not None}
    usual = Kubernetes()
    namespace = said.get("namespace")
    if namespace is not None:
        _check_namespace(namespace, wrong)
    job, flux, argocd = (
        {key: value for key, value in (said.get(name) or {}).items() if value is not None}
        for name in ("job", "flux", "argocd")
    )
    return Kubernetes(
        namespace=namespace,
        shared_namespace=said.get("sharedNamespace"),
        own_buckets=tuple(sorted(set(said.get("ownBuckets") or ()))),
        versions=said.get("versions") or {},
        repository=said.get("repository"),
        revision=said.get("revision", usual.revision),
        branch=said.get("branch"),
        wave=said.get("wave", usual.wave),
        job=Job(image=job.get("image"), service_account=job.get("serviceAccount"), secret=job.get("secret")),
        flux=Flux(
            namespace=flux.get("namespace", usual.flux.namespace),
            interval=flux.get("interval") or usual.flux.interval,
            service_account=flux.get("serviceAccount", usual.flux.service_account),
            secret=flux.get("secret"),
        ),
        argocd=ArgoCd(**{**_fields(usual.argocd), **argocd}),
        place=f"{document.file}:{document.line(('kubernetes',))}",
    )


def _check_namespace(template: str, wrong: Report) -> None:
    at = ("kubernetes", "namespace")
    try:
        filled = templates.fill(template, _NAMES)
    except templates.TemplateError as error:
        wrong(at, error.problem, error.fix)
        return
    if not re.fullmatch(_LABEL, filled):
        wrong(at, f"{template!r} is no namespace of Kubernetes", _LABEL_SAYS)


def _fields(argocd: ArgoCd) -> dict[str, str]:
    return {"namespace": argocd.namespace, "project": argocd.project, "server": argocd.server}
