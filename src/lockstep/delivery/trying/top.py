"""``top``: how often each target's function was called, and how it did, from Lambda's free metrics."""

from collections.abc import Iterable

from lockstep.delivery.places.selection import check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import LockstepError
from lockstep.model import select
from lockstep.model.trying import Usage

__all__ = ["read_usage"]


def read_usage(
    workspace: Workspace, patterns: Iterable[str], *, minutes: int, now: float
) -> tuple[Usage, ...]:
    """Figures of the last so many minutes, in the project's order; a place that cannot be asked says why.

    One call for a hundred functions of an account and Region. Raises BadInput for patterns that select
    nothing, LockstepError when nothing at all could be read.
    """
    from lockstep.engines.aws.connection import Connection, Connections
    from lockstep.engines.aws.trying import usages

    wanted = tuple(patterns)
    check_patterns(workspace, wanted)
    connections = Connections()
    places: dict[int, tuple[Connection, list[tuple[str, str]]]] = {}
    keys = [key for key in select(workspace.fleet.targets, wanted) if workspace.fleet.targets[key].function]
    for key in keys:
        target = workspace.fleet.targets[key]
        connection = connections.get(workspace.project.environment(target.environment))
        function = target.function
        if function is not None:
            places.setdefault(id(connection), (connection, []))[1].append((key, function.name))
    end = int(now) // 60 * 60
    found: dict[str, Usage] = {}
    failure: LockstepError | None = None
    for connection, functions in places.values():
        try:
            with connections.reading(len(functions), fix="run again when it answers faster, or name targets"):
                for usage in usages(connection, functions, start=end - minutes * 60, end=end):
                    found[usage.target] = usage
        except LockstepError as error:
            failure = error
            for key, function_name in functions:
                found[key] = Usage(target=key, function=function_name, problem=error.problem)
    if failure is not None and all(one.problem is not None for one in found.values()):
        raise failure
    return tuple(found[key] for key in keys)
