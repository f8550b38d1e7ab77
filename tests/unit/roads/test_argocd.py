"""Argo CD's ApplicationSets, run as its documentation says: they make our targets and no other."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.preview import PreviewPolicy
from lockstep.roads.argocd import ROAD
from lockstep.roads.base import Ground, Rendering
from tests.support.argocd import Params, git_files, matrix, merge
from tests.support.roads import SETTINGS, documents, ground, project, target

SERVICES = ("api", "mail", "web")


def _sets(rendering: Rendering) -> dict[str, dict[str, Any]]:
    found = documents(rendering.manifests[0], ROAD.name)
    return {one["metadata"]["name"]: one for one in found}


def _run(generator: Mapping[str, Any], tree: Mapping[str, str], outer: Params) -> list[Params]:
    """What one generator gives; ``outer`` are the parameters of a matrix's first child."""
    match generator:
        case {"git": {"files": [{"path": path}], **git}}:
            found = git_files(tree, _filled(path, outer))
            if prefix := git.get("pathParamPrefix"):
                found = [{**one, f"{prefix}.path.basename": one.pop("path.basename")} for one in found]
            return [{**one, "values": git["values"]} if "values" in git else one for one in found]
        case {"merge": {"mergeKeys": keys, "generators": children}}:
            found = merge(keys, *(_run(child, tree, outer) for child in children))
        case {"matrix": {"generators": [first, second]}}:
            found = []
            for one in _run(first, tree, outer):
                found += matrix([one], _run(second, tree, one))
        case _:
            raise AssertionError(generator)
    return [one for one in found if _is_selected(one, generator.get("selector"))]


def _is_selected(params: Params, selector: Mapping[str, Any] | None) -> bool:
    for rule in (selector or {}).get("matchExpressions", ()):
        is_in = params.get(rule["key"]) in rule["values"]
        if is_in != (rule["operator"] == "In"):
            return False
    return True


def _filled(text: str, params: Params) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("values."):
            return str(params["values"][name.removeprefix("values.")])
        return str(params[name])

    return re.sub(r"\{\{\.([\w.]+)\}\}", value, text)


def _applications(rendering: Rendering, tree: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names and paths of all Applications of the sets."""
    for one in _sets(rendering).values():
        if one["kind"] != "ApplicationSet":
            continue
        template = one["spec"]["template"]
        for generator in one["spec"]["generators"]:
            for params in _run(generator, tree, {}):
                yield (
                    _filled(template["metadata"]["name"], params),
                    _filled(template["spec"]["source"]["path"], params),
                )


@st.composite
def _trees(draw: st.DrawFn) -> tuple[dict[str, str], set[str], bool]:
    """A tree, the targets that it declares, and whether every service is in every preview."""
    kinds = {name: draw(st.sampled_from(["lambda", "lambda", "kubernetes"])) for name in SERVICES}
    tree = {
        f"syrf/services/{name}/config.yaml": f"serviceName: {name}\ndeploymentType: {kind}\n"
        for name, kind in kinds.items()
    }
    has_all = draw(st.booleans())
    keys: set[str] = set()
    for environment in ("production", "staging"):
        for name in draw(st.sets(st.sampled_from(SERVICES))):
            tree[f"syrf/environments/{environment}/{name}/config.yaml"] = f"serviceName: {name}\n"
            if draw(st.integers(0, 4)):  # else it is left out by `enabled: false`
                keys.add(f"{environment}/{name}")
    common = set(draw(st.sets(st.sampled_from(SERVICES))))
    for name in common:
        tree[f"syrf/environments/preview/services/{name}/config.yaml"] = f"serviceName: {name}\n"
    for number in range(1, draw(st.integers(1, 4))):
        folder = f"syrf/environments/preview/pr-{number}"
        tree[f"{folder}/pr.yaml"] = f"prNumber: {number}\n"
        own = draw(st.sets(st.sampled_from(SERVICES)))
        for name in own:
            said = f"serviceName: {name}\ndeploymentType: {kinds[name]}\n"
            tree[f"{folder}/services/{name}.values.yaml"] = said
        keys |= {
            f"preview/pr-{number}/{name}" for name in own | common | (set(SERVICES) if has_all else set())
        }
    return tree, {key for key in keys if kinds[key.rpartition("/")[2]] == "lambda"}, has_all


def _ground(tree: Mapping[str, str], keys: Sequence[str], *, has_all: bool) -> Ground:
    heads = {
        path: dict(re.findall(r"^(\w+): (\S+)$", text, re.MULTILINE))
        for path, text in tree.items()
        if not path.endswith("pr.yaml")
    }
    made = ground(
        *(target(key) for key in keys),
        project=project(preview=PreviewPolicy(has_all=has_all)),
        tree="syrf",
        folder="syrf",
        heads=heads,
    )
    return replace(made, states=())


@given(_trees())
def test_applications_are_our_targets_and_no_other(drawn: tuple[dict[str, str], set[str], bool]) -> None:
    """Whatever mixture of services there is, and each once: two of one name would stop all of them."""
    tree, keys, has_all = drawn
    made = _ground(tree, sorted(keys), has_all=has_all)
    found = list(_applications(ROAD.render(made), tree))
    wanted = {f"shop-{key.replace('preview/', '').replace('/', '-')}" for key in keys}
    assert sorted(name for name, _ in found) == sorted(wanted)
    several = len({key.rpartition("/")[2] for key in keys}) > 1
    for name, path in found:
        key = next(one for one in keys if f"shop-{one.replace('preview/', '').replace('/', '-')}" == name)
        environment, _, service = key.rpartition("/")
        below = f"lambda/{service}" if several else "lambda"
        assert path == f"syrf/environments/{environment}/{below if 'pr-' in key else service}"


def test_nothing_is_deleted_because_a_generator_found_nothing() -> None:
    """Outside previews; every Application tries a commit again that failed."""
    tree = {
        "services/api/config.yaml": "serviceName: api\ndeploymentType: lambda\n",
        "environments/staging/api/config.yaml": "serviceName: api\n",
        "environments/preview/pr-1/services/api.values.yaml": "serviceName: api\ndeploymentType: lambda\n",
    }
    made = replace(_ground(tree, ["staging/api", "preview/pr-1/api"], has_all=False), tree=".", folder=".")
    sets = _sets(ROAD.render(made))
    assert sets["shop-functions"]["spec"]["syncPolicy"] == {"preserveResourcesOnDeletion": True}
    assert "syncPolicy" not in sets["shop-previews"]["spec"]
    for one in sets.values():
        if one["kind"] == "ApplicationSet":
            assert one["spec"]["goTemplateOptions"] == ["missingkey=error"]
            assert one["spec"]["template"]["spec"]["syncPolicy"]["retry"]["limit"] == 5


def test_previews_are_looked_for_on_their_own_branch() -> None:
    """What is shared stays where everything else is."""
    tree = {
        "services/api/config.yaml": "serviceName: api\ndeploymentType: lambda\n",
        "environments/preview/services/api/config.yaml": "serviceName: api\n",
    }
    made = _ground(tree, ["preview/pr-1/api"], has_all=False)
    own = project(preview=PreviewPolicy(branch="previews"))
    rendering = ROAD.render(replace(made, tree=".", folder="manifests", project=own))
    one = _sets(rendering)["shop-previews"]["spec"]
    named, common = (generator["matrix"]["generators"] for generator in one["generators"])
    assert [child["git"]["revision"] for child in named] == ["previews", "previews"]
    assert common[0]["git"]["revision"] == "previews"
    assert {child["git"]["revision"] for child in common[1]["merge"]["generators"]} == {"main"}
    assert one["template"]["spec"]["source"]["targetRevision"] == "main"


def test_a_file_that_generators_cannot_match_is_refused_by_its_name() -> None:
    """And a project without an address."""
    tree = {"environments/staging/api/config.yaml": "envName: staging\n"}
    made = replace(_ground(tree, ["staging/api"], has_all=False), tree=".")
    assert "environments/staging/api/config.yaml" in ROAD.render(made).refused[0].problem
    nowhere = project(kubernetes=replace(SETTINGS, repository=None))
    rendering = ROAD.render(replace(made, project=nowhere))
    assert "repository" in {one.field for one in rendering.refused}
    assert rendering.manifests == ()


def test_an_application_that_kubernetes_would_refuse_is_refused() -> None:
    """Its name is made of the service's by a generator, so nobody else would look at it."""
    tree = {"environments/staging/Api/config.yaml": "serviceName: Api\ndeploymentType: lambda\n"}
    made = replace(_ground(tree, ["staging/Api"], has_all=False), tree=".")
    (refused,) = ROAD.render(made).refused
    assert (refused.target, refused.field) == ("staging/Api", "name")
    assert "'shop-staging-Api' is no name for Kubernetes" in refused.problem


class _Fields(dict[str, Any]):
    """A mapping whose members are read by a dot, as in Go's templates and in Argo CD's expressions."""

    def __getattr__(self, name: str) -> Any:
        value = self[name]
        return _Fields(value) if isinstance(value, dict) else value


def _application(phase: str | None) -> _Fields:
    """What Argo CD's definition of an Application has of one; nothing of a sync where none ever was."""
    status: dict[str, Any] = {"sync": {"status": "Synced", "revision": "0123abc"}, "operationState": None}
    if phase is not None:
        status["operationState"] = {
            "phase": phase,
            "message": "all is told",
            "operation": {},
            "startedAt": "x",
        }
    return _Fields(metadata={"name": "shop-staging-api"}, status=status)


def test_notifications_are_sent_when_and_as_argo_cd_documents_them() -> None:
    """Every trigger names a template that there is and decides for every Application; templates fill in.

    Its expressions and those of Python mean the same here: ``and``, ``in``, ``!=``, members, ``nil``.
    """
    (values,) = documents(ROAD.render(ground()).manifests[1], ROAD.name)
    templates, triggers = values["notifications"]["templates"], values["notifications"]["triggers"]
    sent: dict[str, set[str | None]] = {}
    for name, text in triggers.items():
        assert name.startswith("trigger.")
        for rule in yaml.safe_load(text):
            assert {"when", "send"} <= rule.keys() <= {"when", "send", "oncePer", "description"}
            assert {f"template.{one}" for one in rule["send"]} <= templates.keys()
            for phase in (None, "Running", "Terminating", "Succeeded", "Failed", "Error"):
                known = {"app": _application(phase), "nil": None}
                if eval(rule["when"], {"__builtins__": {}}, known):  # noqa: S307 - a text of ours
                    sent.setdefault(name, set()).add(phase)
                    if "oncePer" in rule:
                        once = eval(rule["oncePer"], {"__builtins__": {}}, known)  # noqa: S307 - likewise
                        assert once == "0123abc"
    assert sent == {
        "trigger.on-lockstep-deployed": {"Succeeded"},
        "trigger.on-lockstep-failed": {"Failed", "Error"},
    }
    known = {"app": _application("Failed")}
    for text in templates.values():
        body = yaml.safe_load(text)
        assert body.keys() == {"message"}
        filled = re.sub(r"\{\{\.([\w.]+)\}\}", lambda one: str(_at(known, one[1])), body["message"])
        assert "{{" not in filled
        assert filled.startswith("shop-staging-api: Failed")


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value[part]
    return value
