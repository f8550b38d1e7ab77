"""``invoke``: a call of a target's function, with its answer and the end of its log."""

from dataclasses import replace

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.trying.place import find_place, secrets_of
from lockstep.errors import BadInput
from lockstep.model.foreign import read_json
from lockstep.model.function import timeout_of
from lockstep.model.masking import without_secrets_in
from lockstep.model.trying import Invocation

__all__ = ["call_target", "checked_payload"]

_AROUND = 15.0  # more, for a cold start and the way


def checked_payload(text: str, where: str) -> bytes:
    """A payload as Lambda takes it; BadInput with the place when it is no JSON."""
    try:
        read_json(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BadInput(
            f"the payload is no JSON: {getattr(error, 'msg', error)}",
            where=f"{where}:{line}",
            fix='write a JSON document, such as {"key": "value"}',
        ) from None
    return text.encode()


def call_target(workspace: Workspace, key: str, payload: bytes) -> Invocation:
    """Call a target's function once and wait for it, without secrets in what it says.

    Raises BadInput for what is no function, CloudError when the call fails or is not answered in the
    function's own time limit.
    """
    from lockstep.engines.aws.connection import Connections
    from lockstep.engines.aws.patience import Patience
    from lockstep.engines.aws.trying import invoke, variables_of

    place = find_place(workspace, key)
    seconds = timeout_of(place.function) + _AROUND
    patience = Patience(read=seconds, call=seconds)
    connection = Connections(patience=patience).get(workspace.project.environment(place.environment))
    secrets = secrets_of(place, variables_of(connection, place.function.name))
    made = invoke(connection, key, place.function.name, payload, qualifier=place.qualifier, seconds=seconds)
    return replace(
        made,
        payload=without_secrets_in(made.payload, secrets),
        log=tuple(without_secrets_in(line, secrets) for line in made.log),
    )
