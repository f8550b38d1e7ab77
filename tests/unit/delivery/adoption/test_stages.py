"""From any engine to any other: at most one writes at any moment, whatever is stopped and whoever syncs."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.delivery.adoption.stages import in_order, leaving, left_behind, let_go, named
from lockstep.delivery.sync.handed import Share
from lockstep.delivery.sync.manifests import Fate
from lockstep.delivery.sync.owners import doubles_in
from lockstep.errors import NotAllowed
from lockstep.model import Fleet, Project, Terraform
from lockstep.model.engines import ENGINES
from lockstep.planning.hand_over import HandOver, Stage, companions
from lockstep.roads.base import Rendering
from lockstep.roads.marks import mark_of
from lockstep.roads.table import ROADS
from tests.support.roads import ground, project, target

PAIRS = list(itertools.permutations(ENGINES, 2))
NAMES = ("staging", "preview")
FILE = "lockstep.yaml"
TARGETS = [
    target("staging/api", prefix="staging/", alias="live"),
    target("preview/pr-7/api", prefix="preview/pr-7/", alias="live"),
]
FLEET = Fleet(project="shop", targets={one.key: one for one in TARGETS})
STATE = Terraform(folder="terraform", backend={"bucket": "states", "key": "shop"})


@cache
def _rendering(road: str) -> Rendering:
    state = {"name": "preview+staging", "settings": STATE}
    return ROADS[road].render(ground(*TARGETS, state=state))


@dataclass(frozen=True)
class Tree:
    """Files of a commit, in memory."""

    files: Mapping[str, str]

    def read(self, path: str) -> str | None:
        """The text of a file."""
        return self.files.get(path)

    def named(self, names: Iterable[str]) -> Iterator[str]:
        """Paths of files with these names."""
        wanted = frozenset(names)
        yield from (path for path in sorted(self.files) if path.rpartition("/")[2] in wanted)


@dataclass
class World:
    """A repository, and a cluster that applies what the repository held when it last looked.

    Where manifests are ``apart`` they have a branch of their own, and come there in whole commits.
    """

    way: HandOver
    apart: bool = False
    git: dict[str, str] = field(default_factory=dict)
    cluster: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        environments = "".join(f"  {name}: {{engine: {self.way.leaver.name}}}\n" for name in NAMES)
        self.git[FILE] = f"# the shop\nproject: shop\nenvironments:\n{environments}"
        self.sync()
        self.apply()

    @property
    def project(self) -> Project:
        """As the repository declares it."""
        said = yaml.safe_load(self.git[FILE])["environments"]
        usual = project()
        environments = {
            name: replace(usual.environments[name], engine=said[name]["engine"], terraform=STATE)
            for name in NAMES
        }
        return replace(usual, environments={**usual.environments, **environments})

    @property
    def engine(self) -> str:
        """The one that the repository names."""
        return self.project.environment("staging").engine

    @property
    def manifests(self) -> dict[str, str]:
        """What the cluster would apply of the repository."""
        return {path: text for path, text in self.git.items() if path != FILE}

    def sync(self) -> None:
        """What a sync of the newest commit writes into Git, by the engine's own code."""
        traits = ENGINES[self.engine]
        if traits.road is None:
            return
        rendering, there = _rendering(traits.road), Tree(self.git)
        share = Share(project=self.project, traits=traits, road=ROADS[traits.road], fleet=FLEET)
        problems = share.problems(rendering, there, (), is_apart=False)
        changes, _ = share.changes(rendering, there, problems)
        for one in changes:
            if one.fate is Fate.WRITTEN:
                self.git[one.path] = one.text
            elif one.fate is Fate.REMOVED:
                del self.git[one.path]

    def apply(self) -> None:
        """The cluster applies the newest commit; what lost its manifest has to have let go of AWS."""
        for path in self.cluster.keys() - self.manifests.keys():
            assert not set(_deleting(self.cluster[path])), f"{path} took functions with it"
        self.cluster = self.manifests

    def run(self, writes: int | None = None) -> Stage:
        """Write a stage and commit what came of it: all, or what was written before the run was killed."""
        there = Tree(self.git)
        stage, files = self._next(there)
        order = in_order(files, FILE)
        is_commit = self.apart and stage in (Stage.LEAVE, Stage.DROP)  # all of it is there, or nothing
        for path in order[: len(order) if is_commit and writes else writes]:
            data = files[path]
            if data is None:
                self.git.pop(path, None)
            else:
                self.git[path] = data.decode()
        return stage

    def _next(self, there: Tree) -> tuple[Stage, dict[str, bytes | None]]:
        """The stage that a run finds, and the files that it writes."""
        if self.engine == self.way.heir.name:
            left = left_behind(there, self.project, FLEET, NAMES, self.way.heir)
            return (Stage.DROP, dict.fromkeys(left)) if left else (Stage.DONE, {})
        manifests = leaving(there, self.project, FLEET, NAMES, self.way)
        stage = self.way.stage(manifests.values(), is_applied=self.cluster == self.manifests)
        if stage is Stage.LEAVE:
            road = str(self.way.leaver.road)
            return stage, let_go(there, manifests, _rendering(road), "shop")
        if stage is Stage.AWAIT:
            return stage, {}
        gone: dict[str, bytes | None] = {} if self.apart else dict.fromkeys(manifests)
        return stage, {**gone, FILE: named(self.git[FILE].encode(), self.project, NAMES, self.way)}

    def check(self) -> None:
        """At most one writes, and nobody would own what another one owns.

        Apart from the declarations, manifests that let go stand beside the new engine until they are dropped.
        """
        writers = {self.engine} if ENGINES[self.engine].road is None else set()
        for path, text in self.cluster.items():
            mark = mark_of(text)
            assert mark is not None, path
            if set(_writing(text)):
                writers.add(mark.road)
        assert len(writers) <= 1, writers
        doubles = list(doubles_in(self.project, FLEET, Tree(self.git)))
        assert not [one for one in doubles if not (self.apart and one.mark.lets_go)]


@cache
def _objects(text: str) -> list[dict[str, Any]]:
    return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _writing(text: str) -> Iterator[str]:
    """The objects of a manifest by which something writes to AWS."""
    for one in _objects(text):
        is_quiet = _note(one, "services.k8s.aws/read-only") == "true" or one.get("spec", {}).get("suspend")
        if one["kind"] in ("Job", "Terraform") or ".services.k8s.aws/" in one["apiVersion"]:
            yield from () if is_quiet else (one["kind"],)


def _deleting(text: str) -> Iterator[str]:
    """Those that take functions with them when they are deleted."""
    for one in _objects(text):
        is_hook = _note(one, "argocd.argoproj.io/hook") == "PreDelete"
        is_kept = _note(one, "services.k8s.aws/deletion-policy") in (None, "retain")
        if is_hook or not is_kept or one.get("spec", {}).get("destroyResourcesOnDeletion"):
            yield one["kind"]


def _note(one: Mapping[str, Any], name: str) -> str | None:
    found: str | None = one["metadata"].get("annotations", {}).get(name)
    return found


_ACTIONS = st.lists(st.one_of(st.just("sync"), st.just("apply"), st.integers(0, 4)), max_size=8)


@pytest.mark.parametrize(("leaver", "heir"), PAIRS)
@settings(max_examples=8)
@given(actions=_ACTIONS, apart=st.booleans())
def test_whatever_happens_on_the_way_one_writes_and_a_run_goes_on(
    leaver: str, heir: str, actions: list[str | int], apart: bool
) -> None:
    """Killed runs, syncs and a cluster that is late, in any order; then it comes to its end.

    Wherever manifests lie: among the declarations, or on a branch of their own.
    """
    world = World(way=HandOver(leaver=ENGINES[leaver], heir=ENGINES[heir]), apart=apart)
    world.check()
    for action in actions:
        match action:
            case "sync":
                world.sync()
            case "apply":
                world.apply()
            case int():
                world.run(action)
        world.check()
    stages = []
    while (stage := world.run()) is not Stage.DONE:
        stages.append(stage)
        assert len(stages) < 6, stages
        world.check()
        world.apply()
        world.check()
    world.sync()
    world.check()
    world.apply()
    world.check()
    assert world.engine == heir
    assert {mark.road for text in world.cluster.values() if (mark := mark_of(text))} == (
        {ENGINES[heir].road} - {None}
    )
    assert not any(mark.lets_go for text in world.cluster.values() if (mark := mark_of(text)))
    assert world.git[FILE].startswith("# the shop\n")


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("leaver", "heir"), PAIRS)
def test_without_a_stop_it_takes_as_many_commits_as_the_leaver_needs(
    leaver: str, heir: str, apart: bool
) -> None:
    """A cluster has to be told to let go, and what is no cluster's is handed over in one commit.

    Manifests on a branch of their own leave in one more.
    """
    world = World(way=HandOver(leaver=ENGINES[leaver], heir=ENGINES[heir]), apart=apart)
    stages = [world.run()]
    if world.way.lets_go:
        stages.append(world.run())
        world.apply()
        stages.append(world.run())
        if apart:
            stages.append(world.run())
    wanted = [Stage.LEAVE, Stage.AWAIT, Stage.CHANGE] if world.way.lets_go else [Stage.CHANGE]
    if world.way.lets_go and apart:
        wanted.append(Stage.DROP)
    assert stages == wanted
    assert world.run() is Stage.DONE


@pytest.mark.parametrize(("leaver", "heir"), PAIRS)
def test_a_state_learns_or_forgets_where_one_engine_has_one_and_the_other_has_not(
    leaver: str, heir: str
) -> None:
    """Flux and a Job run Terraform's folder on Terraform's state: between them nothing is imported."""
    way = HandOver(leaver=ENGINES[leaver], heir=ENGINES[heir])
    stateful = {"terraform", "flux", "argocd-job-terraform"}
    assert way.imports == (heir in stateful and leaver not in stateful)
    assert way.forgets == (leaver in stateful and heir not in stateful)
    assert all(way.moment(stage, "staging") for stage in Stage)


@pytest.mark.parametrize(("leaver", "heir"), PAIRS)
def test_what_shares_a_state_or_a_bucket_goes_at_once(leaver: str, heir: str) -> None:
    """One engine alone can write what is a whole; two that write entries of their own may differ."""
    way = HandOver(leaver=ENGINES[leaver], heir=ENGINES[heir])
    world = World(way=way)
    found = dict(companions(world.project, FLEET, ["staging"], way))
    is_whole = bool({leaver, heir} - {"aws", "argocd-job"})
    assert found.keys() == ({"preview"} if is_whole else set())
    assert not list(companions(world.project, FLEET, NAMES, way))


@pytest.mark.parametrize("road", ["ack", "flux", "argocd-job"])
def test_a_manifest_that_was_edited_or_is_behind_is_not_let_go_of(road: str) -> None:
    """What its cluster made of AWS is not what is declared."""
    world = World(way=HandOver(leaver=ENGINES[road], heir=ENGINES["aws"]))
    manifests = leaving(Tree(world.git), world.project, FLEET, NAMES, world.way)
    with pytest.raises(NotAllowed, match="not what is declared"):
        let_go(Tree(world.git), manifests, Rendering(road=road), "shop")
    path = next(iter(world.manifests))
    world.git[path] += "# more\n"
    with pytest.raises(NotAllowed, match="edited by hand"):
        world.run()
