"""The files of each stage of a hand-over, from what is committed. Nobody is asked for them."""

from collections.abc import Iterable, Mapping

from lockstep.config.edit import Change, edit
from lockstep.delivery.sync.manifests import Files, marked_in, texts_of
from lockstep.delivery.sync.owners import doubles_in
from lockstep.errors import NotAllowed
from lockstep.model import Fleet, Project
from lockstep.model.engines import EngineTraits
from lockstep.planning.hand_over import HandOver
from lockstep.roads.base import Rendering
from lockstep.roads.letting import letting_go
from lockstep.roads.marks import as_file
from lockstep.roads.owners import environments_of

__all__ = ["in_order", "leaving", "left_behind", "let_go", "named"]


def leaving(
    there: Files, project: Project, fleet: Fleet, names: Iterable[str], way: HandOver
) -> dict[str, bool]:
    """Manifests that have to go, by which the leaver's cluster applies environments: whether each lets go.

    NotAllowed for one that was edited: what it would let go of is not known.
    """
    found: dict[str, bool] = {}
    if not way.lets_go:
        return found
    chosen = set(names)
    for path, mark in marked_in(there, project.name):
        if mark.road != way.leaver.road or chosen.isdisjoint(environments_of(mark.owner, project, fleet)):
            continue
        if mark.is_edited:
            raise NotAllowed(
                "it was edited by hand, so what it lets go of is not known",
                where=path,
                fix=f"lockstep render --as {way.leaver.road} --force, or take your change out again",
            )
        found[path] = mark.lets_go
    return found


def left_behind(
    there: Files, project: Project, fleet: Fleet, names: Iterable[str], heir: EngineTraits
) -> dict[str, str]:
    """Manifests that let go of environments which the heir has by now, each with its road.

    NotAllowed for one that does not let go: its cluster and the heir both own what it stands for.
    """
    chosen = set(names)
    for one in doubles_in(project, fleet, there):
        if one.environment.name in chosen and not one.mark.lets_go:
            raise NotAllowed(one.problem, fix=one.fix)
    found: dict[str, str] = {}
    for path, mark in marked_in(there, project.name):
        owners = environments_of(mark.owner, project, fleet)
        roads = {project.environment(name).traits.road for name in owners}
        if mark.lets_go and mark.road not in {heir.road, *roads} and not chosen.isdisjoint(owners):
            found[path] = mark.road
    return found


def let_go(
    there: Files, manifests: Mapping[str, bool], rendering: Rendering, project: str
) -> dict[str, bytes | None]:
    """Those that do not let go yet, as they will. NotAllowed for one that is not what is declared."""
    texts = texts_of(rendering, project)
    files: dict[str, bytes | None] = {}
    for path, lets_go in manifests.items():
        if lets_go:
            continue
        manifest, text = texts.get(path, (None, ""))
        if manifest is None or there.read(path) != text:
            raise NotAllowed(
                "it is not what is declared, so what its cluster made of AWS is not, either",
                where=path,
                fix="lockstep sync first, and let the cluster apply it",
            )
        files[path] = as_file(letting_go(rendering.road, manifest), rendering.road, project).encode()
    return files


def named(text: bytes, project: Project, names: Iterable[str], way: HandOver) -> bytes:
    """The project's file with the heir as the engine of the environments that the leaver still has."""
    changes: dict[tuple[str, ...], Change] = {
        ("environments", name, "engine"): way.heir.name
        for name in names
        if project.environment(name).engine == way.leaver.name
    }
    return edit(text, changes, file=project.file)


def in_order(files: Iterable[str], project_file: str) -> list[str]:
    """Files as they are to be written: the one that names the engine last. Until then a run begins anew."""
    return sorted(files, key=lambda path: (path == project_file, path))
