"""What a declaration only names, from AWS: roles' ARNs, values and layers elsewhere, images' digests."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.images import read_images
from lockstep.engines.aws.layers import Shelf, arn_of
from lockstep.engines.aws.references import Resolved, read_plain
from lockstep.errors import BadInput, Interrupted, LockstepError
from lockstep.model import Fleet, Function, Obstacle, Reference, Secret, Target, Value
from lockstep.model.fields import BUILT, BY_NAME, PARAMETER, parameters_of
from lockstep.model.function import MAX_ENVIRONMENT, environment_size
from lockstep.model.layer import BuiltLayer

__all__ = ["resolve_targets", "with_images"]


def with_images(desired: Fleet, connect: Callable[[str], Connection]) -> tuple[Fleet, tuple[str, ...]]:
    """Tags of images with what they name now, and notes on those of which nobody knows it."""
    wanted: dict[int, tuple[Connection, dict[str, str]]] = {}
    for key in desired.selected():
        target = desired.targets[key]
        image = target.function.code.image if target.function else None
        if image and "@sha256:" not in image and "code" not in target.ignore:
            connection = connect(target.environment)
            wanted.setdefault(id(connection), (connection, {}))[1][key] = image
    targets, notes = dict(desired.targets), []
    for connection, images in wanted.values():
        try:
            found = read_images(connection, images.values())
        except Interrupted:
            raise
        except LockstepError as error:  # of the account or the network
            targets |= {key: _hindered(targets[key], Obstacle.of(error)) for key in images}
            continue
        for key, image in images.items():
            target = targets[key]
            assert target.function is not None  # noqa: S101 - only such targets have an image
            if image in found.missing:
                why = f"{image}: {found.missing[image]}; push it, or declare another"
                place = target.places.get("image") or target.place
                targets[key] = _hindered(target, Obstacle(text=f"{place}: {why}" if place else why))
            elif image in found.unread:
                notes.append(f"{key}: which image {image} names was not read: {found.unread[image]}")
            else:
                code = replace(target.function.code, sha256=found.digests[image])
                targets[key] = replace(target, function=replace(target.function, code=code))
    return replace(desired, targets=targets), tuple(notes)


def resolve_targets(
    desired: Fleet,
    keys: Iterable[str],
    connect: Callable[[str], Connection],
    look: Callable[[Connection, Iterable[Reference]], Resolved],
    shelves: Callable[[Connection, Iterable[BuiltLayer]], Shelf],
) -> Fleet:
    """Role names to ARNs and references to what ``look`` finds, for the targets that are named.

    ``connect`` gives the connection of an environment, ``shelves`` what it has of layers that are built here.
    A target of which something cannot be had keeps the reason as its ``obstacle``.
    """
    selected = [target for key in keys if (target := desired.targets[key]).function is not None]
    wanted: dict[Connection, set[Reference]] = {}
    layers: dict[Connection, set[Reference]] = {}
    for target in selected:
        wanted.setdefault(connect(target.environment), set()).update(_references(target))
        layers.setdefault(connect(target.environment), set()).update(_layers(target))
    found: dict[Connection, Resolved | LockstepError] = {}
    for connection, references in wanted.items():
        try:
            found[connection] = look(connection, references)
        except Interrupted:
            raise
        except LockstepError as error:  # of the account or the network, so of all of them
            found[connection] = error
    targets = dict(desired.targets)
    for target in selected:
        connection = connect(target.environment)
        targets[target.key] = _resolved(target, connection, found[connection])
    for connection, references in layers.items():
        if references:
            held = _held(connection, references)
            for target in selected:
                if connect(target.environment) is connection and _layers(target):
                    targets[target.key] = _with_layers(targets[target.key], held, connection.scope.region)
    return replace(desired, targets=targets | _with_built(targets, selected, connect, shelves))


def _with_built(
    targets: Mapping[str, Target],
    selected: Iterable[Target],
    connect: Callable[[str], Connection],
    shelves: Callable[[Connection, Iterable[BuiltLayer]], Shelf],
) -> dict[str, Target]:
    """The targets whose functions take layers that are built here, with the ARNs of those that are published.

    One that is not published yet stands there as what it is, until a sync publishes it.
    """
    takers: dict[Connection, list[Target]] = {}
    for target in selected:
        if target.layers:
            takers.setdefault(connect(target.environment), []).append(targets[target.key])
    found: dict[str, Target] = {}
    for connection, users in takers.items():
        try:
            known = {one.name: arn_of(connection, one.name) for target in users for one in target.layers}
        except Interrupted:
            raise
        except LockstepError as error:  # of the account or the network, so of all of them
            found |= {one.key: _hindered(one, Obstacle.of(error)) for one in users}
            continue
        users = [
            replace(one, layers=tuple(replace(each, arn=known[each.name]) for each in one.layers))
            for one in users
        ]
        shelf = shelves(connection, dict.fromkeys(each for one in users for each in one.layers))
        found |= {one.key: _on_shelf(one, shelf) for one in users}
    return found


def _on_shelf(target: Target, shelf: Shelf) -> Target:
    assert target.function is not None  # noqa: S101 - only such targets take layers
    settings, place = target.function.settings, target.places.get("layers") or target.place
    by_name = {f"{BUILT}{one.service}": shelf.arns.get(one, one.unpublished) for one in target.layers}
    layers = tuple(by_name.get(entry, entry) for entry in _texts(settings.get("layers")))
    obstacles = [Obstacle.of(shelf.errors[one], place) for one in target.layers if one in shelf.errors]
    names = [layer.rpartition(":")[0] for layer in layers if layer.startswith("arn:")]
    if again := next((name for name in names if names.count(name) > 1), None):
        problem = BadInput(f"the layer {again} is there twice", fix="keep one of the two")
        obstacles.append(Obstacle.of(problem, place))
    function = replace(target.function, settings={**settings, "layers": layers})
    return replace(target, function=function, obstacle=Obstacle.all_of((target.obstacle, *obstacles)))


def _layers(target: Target) -> list[Reference]:
    """The parameters that hold layers. They are no secrets: what they hold is read for a plan, too."""
    named = parameters_of(target.function.settings.get("layers")) if target.function else ()
    return [Reference(store="ssm", name=one.removeprefix(PARAMETER)) for one in named]


def _held(connection: Connection, references: Iterable[Reference]) -> Resolved:
    try:
        return read_plain(connection, references)
    except Interrupted:
        raise
    except LockstepError as error:  # of the account or the network, so of all of them
        return Resolved(errors=dict.fromkeys(references, error))


def _with_layers(target: Target, held: Resolved, region: str) -> Target:
    """The target with the layers that its parameters hold, and what is in the way of the others."""
    assert target.function is not None  # noqa: S101 - only such targets are resolved
    settings, problems = target.function.settings, list[LockstepError]()
    layers: list[str] = []
    for entry in _texts(settings.get("layers")):
        text, name = entry, entry.removeprefix(PARAMETER)
        if entry != name:
            try:
                text = _layer_in(name, held, region)
            except LockstepError as error:
                problems.append(error)
        layers.append(text)
    names = [layer.rpartition(":")[0] for layer in layers if layer.startswith("arn:")]
    if again := next((name for name in names if names.count(name) > 1), None):
        problems.append(BadInput(f"the layer {again} is there twice", fix="keep one of the two"))
    place = target.places.get("layers") or target.place
    obstacles = [target.obstacle, *(Obstacle.of(one, place) for one in problems)]
    function = replace(target.function, settings={**settings, "layers": tuple(layers)})
    return replace(target, function=function, obstacle=Obstacle.all_of(obstacles))


def _layer_in(name: str, held: Resolved, region: str) -> str:
    """The ARN of a layer's version that a parameter holds, of the Region. Raises LockstepError."""
    reference = Reference(store="ssm", name=name)
    if reference in held.errors:
        raise held.errors[reference]
    arn = str(held.values[reference].value)
    fix = "store one there, with the version at its end, or name another parameter"
    if not re.fullmatch(BY_NAME["layers"].pattern, arn):
        raise BadInput(f"the parameter {name} holds no ARN of a layer's version", fix=fix)
    if (there := arn.split(":")[3]) not in ("", region):
        raise BadInput(f"the parameter {name} holds a layer of {there}; the function is in {region}", fix=fix)
    return arn


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _references(target: Target) -> list[Reference]:
    variables = target.function.settings.get("environment") if target.function else None
    if not isinstance(variables, dict):
        return []
    return [value for value in variables.values() if isinstance(value, Reference)]


def _resolved(target: Target, connection: Connection, found: Resolved | LockstepError) -> Target:
    """The target with everything that could be had, and what is in the way of the rest."""
    assert target.function is not None  # noqa: S101 - only such targets are resolved
    function, obstacles = target.function, [target.obstacle]
    references = _references(target)
    if references and isinstance(found, Resolved):
        function = _with_values(function, found.values)
        obstacles += [
            Obstacle.of(found.errors[one], one.place or target.place)
            for one in references
            if one in found.errors
        ]
        obstacles.append(_too_large(target, function))
    elif references and not isinstance(found, Resolved):
        obstacles.append(Obstacle.of(found))
    try:
        function = _with_role(function, connection)
    except LockstepError as error:
        obstacles.append(Obstacle.of(error))
    connection.secrets |= _secrets(function)
    return replace(target, function=function, obstacle=Obstacle.all_of(obstacles))


def _too_large(target: Target, function: Function) -> Obstacle | None:
    """What is in the way when the variables with their values are more than Lambda takes.

    Said before anything is called, since Lambda's own refusal quotes all of them.
    """
    size = environment_size(function.settings)
    if size <= MAX_ENVIRONMENT:
        return None
    problem = f"the environment variables have {size:,} bytes with the values that they refer to"
    fix = "shorten those values, or let the function read them itself by their names"
    return Obstacle.of(BadInput(f"{problem}; Lambda allows {MAX_ENVIRONMENT:,}", fix=fix), target.place)


def _hindered(target: Target, obstacle: Obstacle) -> Target:
    return replace(target, obstacle=Obstacle.all_of((target.obstacle, obstacle)))


def _with_values(wanted: Function, values: Mapping[Reference, Secret]) -> Function:
    variables = wanted.settings.get("environment")
    if not isinstance(variables, dict):
        return wanted
    resolved = {
        key: values.get(value, value) if isinstance(value, Reference) else value
        for key, value in variables.items()
    }
    return replace(wanted, settings={**wanted.settings, "environment": resolved})


def _secrets(wanted: Function) -> set[str]:
    variables = wanted.settings.get("environment")
    values = variables.values() if isinstance(variables, dict) else ()
    return {one.value for one in values if isinstance(one, Secret) and one.value}


def _with_role(wanted: Function, connection: Connection) -> Function:
    role = wanted.settings.get("role")
    if not isinstance(role, str) or role.startswith("arn:"):
        return wanted
    arn = connection.scope.role_arn(role)
    return replace(wanted, settings={**wanted.settings, "role": arn})
