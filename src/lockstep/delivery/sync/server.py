"""What a running ``lockstep serve`` remembers of syncs, asked where LOCKSTEP_SERVER names it."""

from urllib.parse import urlencode

from lockstep.delivery.sync.records import record_of_fields
from lockstep.errors import LockstepError
from lockstep.model.foreign import read_json
from lockstep.model.record import Record

__all__ = ["server_records"]


def server_records(server: str, project: str, target: str, *, token: str | None = None) -> tuple[Record, ...]:
    """The records of a target that the server has, oldest first; LockstepError when they cannot be read."""
    from lockstep.artifacts.web import Web

    query = urlencode({"project": project, "target": target})
    where = f"{server.rstrip('/')}/api/v1/records"
    answer = Web(attempts=1, patience=0).ask(f"{where}?{query}", token=token)
    try:
        document = read_json(answer.body.decode())
        if answer.status != 200:
            fix = "set LOCKSTEP_SERVER_TOKEN to one that it takes" if answer.status == 401 else None
            said = f"it answered {answer.status}: {str(document['error'])[:200]}"
            raise LockstepError(said, where=where, fix=fix)
        records = [record_of_fields(fields) for fields in document["records"]]
    except (ValueError, KeyError, TypeError):
        raise LockstepError(
            f"it answered {answer.status}, and not as lockstep serve does",
            where=where,
            fix="set LOCKSTEP_SERVER to the address that lockstep serve prints",
        ) from None
    return tuple(record for record in records if record is not None)
