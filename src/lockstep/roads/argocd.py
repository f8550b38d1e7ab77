"""Argo CD's part: ApplicationSets that make one Application for each of our targets, and no other.

The base of every merge is what declares the targets; a service's own file only says besides that it is a
Lambda function. Merging keys and names inside generators are free text for the published schema, so tests
run the generators as Argo CD documents them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lockstep.model import Target
from lockstep.roads.base import (
    Ground,
    Loss,
    Manifest,
    Need,
    Obedient,
    Object,
    Rendering,
    Weight,
    names_of,
    place_of,
)
from lockstep.roads.health import customizations
from lockstep.roads.losses import always, loss, placed
from lockstep.roads.names import label_problem, name_problem, namespace_problem, namespace_template
from lockstep.roads.writing import Said
from lockstep.values import dataclass

__all__ = ["ROAD", "ArgoCdRoad"]

_API = "argoproj.io/v1alpha1"
_DEPLOYED = "{function,deploy-job}.yaml"  # what roads leave in the folder of a target
_SHARED = "{buckets/*/bucket.yaml,states/*/terraform.yaml}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArgoCdRoad(Obedient):
    """ApplicationSets, and values for Argo CD's own chart."""

    name: str = "argocd"
    title: str = "Argo CD's Applications"
    files: tuple[str, ...] = ("applicationsets.yaml", "argocd-values.yaml")
    needs: frozenset[Need] = frozenset({Need.HEADS, Need.STATES})

    def kept(self, _gone: Iterable[Object]) -> Iterable[str]:
        """Nothing: Applications own no function."""
        return ()

    def render(self, ground: Ground) -> Rendering:
        """Two files for the project."""
        owner = ground.project.name
        losses: list[Loss] = [*always(self.name), *placed(ground, _problems(ground))]
        if any(one.weight is Weight.REFUSED for one in losses):
            return Rendering(road=self.name, losses=tuple(losses), held=frozenset({owner}))
        origins = (ground.project.file,)
        manifests = (
            Manifest(
                path=f"argocd/{self.files[0]}",
                owner=owner,
                objects=tuple(_sets(ground)),
                origins=origins,
                comment=("For server-side apply: kubectl apply --server-side -f this file.",),
            ),
            Manifest(
                path=f"argocd/{self.files[1]}",
                owner=owner,
                objects=(_values(),),
                origins=origins,
                comment=(
                    "Values of the chart argo-cd: helm upgrade --reuse-values -f this file. Or paste what "
                    "stands below configs.cm",
                    "into the ConfigMap argocd-cm, and below notifications into argocd-notifications-cm.",
                ),
            ),
        )
        return Rendering(road=self.name, manifests=manifests, losses=tuple(losses))


ROAD = ArgoCdRoad()


def _problems(ground: Ground) -> Iterator[Loss]:
    owner = ground.project.name
    if ground.settings.repository is None:
        yield loss(
            ROAD.name, "repository", owner, why="nothing says by which URL Argo CD reaches this repository"
        )
    namespace_template(ground)
    if (problem := label_problem(f"{owner}-functions")) is not None:
        yield loss(ROAD.name, "name", owner, why=problem)
    for key, target in ground.targets.items():
        if (problem := name_problem(f"{owner}-{names_of(target)['env']}-{target.service}")) is not None:
            yield loss(ROAD.name, "name", key, why=problem)
        if (problem := namespace_problem(ground, target)) is not None:
            yield loss(ROAD.name, "namespace (name)", key, ground.settings.place, why=problem)
    yield from _unmatched(ground)


def _unmatched(ground: Ground) -> Iterator[Loss]:
    """Targets that no generator can make, for what their files do not say."""
    for key, target in ground.targets.items():
        own = _own_file(ground, target)
        service = _tree(ground, f"services/{target.service}/config.yaml")
        if own not in ground.heads:
            own = _tree(ground, f"environments/preview/services/{target.service}/config.yaml")
            own = own if own in ground.heads else service
        place = f"{own}:1" if own in ground.heads else ""
        if "serviceName" not in ground.heads.get(own, {}):
            yield loss(ROAD.name, "serviceName", key, place, file=own, name="serviceName")
            continue
        kinds = [ground.heads.get(own, {}).get("deploymentType")]
        if own != _own_file(ground, target) or not target.is_preview:
            kinds.append(ground.heads.get(service, {}).get("deploymentType"))
        if "lambda" not in kinds:
            yield loss(ROAD.name, "serviceName", key, place, file=own, name="deploymentType: lambda")


def _own_file(ground: Ground, target: Target) -> str:
    """The file that declares a target of one environment, or of one preview."""
    folder = f"environments/{target.environment}"
    if target.is_preview:
        return _tree(ground, f"{folder}/services/{target.service}.values.yaml")
    return _tree(ground, f"{folder}/{target.service}/config.yaml")


def _sets(ground: Ground) -> Iterator[Object]:
    """One set for all environments that are not previews, one for previews, and what is shared."""
    targets = ground.targets.values()
    environments = sorted({one.environment for one in targets if not one.is_preview})
    project, namespace = ground.project.name, namespace_template(ground)
    if environments:
        yield _set(
            ground,
            f"{project}-functions",
            [_declared(ground, name) for name in environments],
            application=f"{project}-{{{{.values.environment}}}}-{{{{.serviceName}}}}",
            path="environments/{{.values.environment}}/{{.serviceName}}",
            namespace=_filled(ground, namespace, "{{.values.environment}}", ""),
            is_kept=True,
        )
    if any(one.is_preview for one in targets) or "preview" in ground.project.environments:
        folder = place_of(ground, _SAMPLE, "").rstrip("/")
        yield _set(
            ground,
            f"{project}-previews",
            _previews(ground),
            application=f"{project}-{{{{.preview.path.basename}}}}-{{{{.serviceName}}}}",
            path=folder.replace("PR", "{{.preview.path.basename}}").replace("SERVICE", "{{.serviceName}}"),
            namespace=_filled(ground, namespace, "{{.preview.path.basename}}", _NUMBER),
            is_kept=False,
        )
    if ground.settings.own_buckets or ground.states:
        yield _application(ground)


_SAMPLE = Target(environment="preview/PR", service="SERVICE")
_NUMBER = '{{trimPrefix "pr-" .preview.path.basename}}'


def _filled(ground: Ground, template: str, environment: str, number: str) -> str:
    """The template of a namespace in Argo CD's own templates."""
    names = {"env": environment, "service": "{{.serviceName}}"} | ({"pr": number} if number else {})
    return ground.fill(template, names)


def _tree(ground: Ground, path: str) -> str:
    folder = ground.tree
    return path if folder in ("", ".") else f"{folder}/{path}"


def _git(ground: Ground, path: str, **more: Any) -> dict[str, Any]:
    return {
        "git": {
            "repoURL": ground.settings.repository,
            "revision": ground.settings.revision,
            "files": [{"path": _tree(ground, path)}],
            **more,  # the last word
        }
    }


def _only(*more: Mapping[str, Any]) -> dict[str, Any]:
    """Functions alone, and of those what else is asked for."""
    functions = {"key": "deploymentType", "operator": "In", "values": ["lambda"]}
    return {"matchExpressions": [functions, *more]}


def _services(operator: str, names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"key": "serviceName", "operator": operator, "values": list(names)}] if names else []


def _declared(ground: Ground, environment: str) -> dict[str, Any]:
    """What an environment declares, with what its services say, and the environment's word last."""
    values = {"environment": environment}
    own = f"environments/{environment}/*/config.yaml"
    strays = [
        name for name in _functions_in(ground, environment) if f"{environment}/{name}" not in ground.targets
    ]
    return {
        "merge": {
            "mergeKeys": ["serviceName"],
            "generators": [
                _git(ground, own, values=values),
                _git(ground, "services/*/config.yaml", values=values),
                _git(ground, own, values=values),
            ],
        },
        "selector": _only(*_services("NotIn", strays)),
    }


def _functions_in(ground: Ground, environment: str) -> Iterator[str]:
    """Services that the generators would find in an environment and take for functions."""
    start, end = _tree(ground, f"environments/{environment}/"), "/config.yaml"
    for path, head in ground.heads.items():
        if path.startswith(start):
            name = path[len(start) : -len(end)]
            service = ground.heads.get(_tree(ground, f"services/{name}/config.yaml"), {})
            if (head.get("deploymentType") or service.get("deploymentType")) == "lambda":
                yield name


def _previews(ground: Ground) -> list[dict[str, Any]]:
    """Every preview with the services that it names itself, and those that are in every preview."""
    branch = ground.project.preview.branch or ground.settings.revision
    folder = "environments/preview/{{.preview.path.basename}}"
    pulls = _git(ground, "environments/preview/pr-*/pr.yaml", revision=branch, pathParamPrefix="preview")
    own = _git(ground, f"{folder}/services/*.values.yaml", revision=branch)
    common = sorted(
        {
            one.service
            for one in ground.targets.values()
            if one.is_preview and _own_file(ground, one) not in ground.heads
        }
    )
    found = [
        {
            "matrix": {"generators": [pulls, own]},
            "selector": _only(*_services("NotIn", common)),
        }
    ]
    if common:
        base = "environments/preview/services/*/config.yaml"
        files = (
            ["services/*/config.yaml", base]
            if ground.project.preview.has_all
            else [base, "services/*/config.yaml"]
        )
        merge = {"mergeKeys": ["serviceName"], "generators": [_git(ground, file) for file in files]}
        found.append(
            {
                "matrix": {"generators": [pulls, {"merge": merge}]},
                "selector": _only(*_services("In", common)),
            }
        )
    return found


def _set(
    ground: Ground,
    name: str,
    generators: Sequence[Any],
    *,
    path: str,
    namespace: str,
    application: str,
    is_kept: bool,
) -> Object:
    meta: dict[str, Any] = {"name": application}
    if not is_kept:
        meta["finalizers"] = ["resources-finalizer.argocd.argoproj.io/background"]
    spec: dict[str, Any] = {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": list(generators),
    }
    if is_kept:
        spec["syncPolicy"] = {
            "preserveResourcesOnDeletion": Said(
                True, "a generator that finds nothing for a moment deletes nothing"
            )
        }
    below = path if ground.folder in ("", ".") else f"{ground.folder}/{path}"
    spec["template"] = {
        "metadata": meta,
        "spec": _deploying(ground, below, namespace, {"include": _DEPLOYED}),
    }
    return {
        "apiVersion": _API,
        "kind": "ApplicationSet",
        "metadata": {"name": name, "namespace": ground.settings.argocd.namespace},
        "spec": spec,
    }


def _application(ground: Ground) -> Object:
    """What several targets share: buckets, and states of Terraform's. Its objects name their namespaces."""
    meta = {"name": f"{ground.project.name}-shared", "namespace": ground.settings.argocd.namespace}
    directory = {"recurse": True, "include": _SHARED}
    spec = _deploying(ground, ground.folder, ground.settings.argocd.namespace, directory)
    return {"apiVersion": _API, "kind": "Application", "metadata": meta, "spec": spec}


def _deploying(ground: Ground, path: str, namespace: str, directory: Mapping[str, Any]) -> dict[str, Any]:
    """What an Application deploys, from where, and how."""
    settings = ground.settings
    return {
        "project": settings.argocd.project,
        "source": {
            "repoURL": settings.repository,
            "targetRevision": ground.branch or settings.revision,
            "path": path,
            "directory": dict(directory),
        },
        "destination": {"server": settings.argocd.server, "namespace": namespace},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "retry": Said(
                {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}},
                "a commit that failed is tried no second time without it",
            ),
            "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"],
        },
    }


def _values() -> Object:
    """Health of the kinds that Argo CD knows nothing of, and what it tells of functions."""
    # A block: YAML reads a text that begins with braces as a mapping, before it is a template.
    words = "message: |\n  {{.app.metadata.name}}: {{.app.status.operationState.phase}}"
    return {
        "configs": {"cm": customizations()},
        "notifications": {
            "templates": {
                "template.lockstep-deployed": f"{words}, {{{{.app.status.sync.revision}}}}\n",
                "template.lockstep-failed": f"{words}: {{{{.app.status.operationState.message}}}}\n",
            },
            "triggers": {
                "trigger.on-lockstep-deployed": _trigger(["Succeeded"], "lockstep-deployed", _ONCE),
                "trigger.on-lockstep-failed": _trigger(["Error", "Failed"], "lockstep-failed"),
            },
        },
    }


_ONCE = "  oncePer: app.status.sync.revision\n"


def _trigger(phases: Sequence[str], template: str, once: str = "") -> str:
    """When an Application that was ever synced comes to one of the phases.

    Source: Argo CD's documentation of notifications, "Triggers", and its catalog.
    """
    words = ", ".join(f"'{one}'" for one in phases)
    when = f"app.status.operationState != nil and app.status.operationState.phase in [{words}]"
    return f"- when: {when}\n{once}  send: [{template}]\n"
