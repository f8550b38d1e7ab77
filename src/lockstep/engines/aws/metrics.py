"""Reading metrics of CloudWatch: whole, or an error. Source: CloudWatch API reference, GetMetricData."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection

__all__ = ["AT_ONCE", "results"]

AT_ONCE = 500  # queries of a call
_WHOLE = (None, "Complete")  # status codes; emulators tell none


def results(
    connection: Connection,
    queries: Sequence[Mapping[str, object]],
    since: datetime,
    until: datetime,
    order: str,
) -> Iterator[dict[str, Any]]:
    """The results of at most ``AT_ONCE`` queries, each of which may come in parts; ``order`` is ScanBy's.

    No values say that nothing happened; a result that is missing, or not whole, says nothing. Raises Untrue
    for that, behind the last one.
    """
    states: dict[str, str | None] = {}
    for result in connection.pages(
        *("cloudwatch", "GetMetricData", "MetricDataResults", "NextToken", "NextToken"),
        MetricDataQueries=[*queries],
        StartTime=since,
        EndTime=until,
        ScanBy=order,
    ):
        states[str(result["Id"])] = result.get("StatusCode")  # of its last part
        yield result
    unread = [state for one in queries if (state := states.get(str(one["Id"]), "missing")) not in _WHOLE]
    if unread:
        what = f"{len(unread)} of {len(queries)} results are not complete ({unread[0]})"
        raise odd("cloudwatch:GetMetricData", what)
