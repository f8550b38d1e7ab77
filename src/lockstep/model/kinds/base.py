"""What every kind of resource beside a function says of itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockstep.model.fields import Field, from_api, to_api
from lockstep.model.function import Value

__all__ = ["Resource", "ResourceKind"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource beside a function, desired or live.

    ``settings`` maps the names of the kind's rows to normalised values and leaves out every row that
    has AWS's default, as a function's settings do.
    """

    kind: str  # a key of ``KINDS``
    qualifier: str = ""  # the alias that it belongs to; "": the function itself
    settings: Mapping[str, Value] = field(default_factory=dict)
    place: str = field(default="", compare=False)  # file:line of the declaration


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceKind:
    """A kind of which a function has at most one. ``rows`` are named relative to it.

    ``reads``, ``writes`` and ``removes`` are the operations that its file of calls uses, as IAM names
    their actions. ``stands_alone`` says that it exists even when every row has its default; otherwise
    that is the same as having none. ``invites`` says that something calls the function once it is
    there: it comes after everything else of the target. Statements that it has in the function's policy
    have ids that begin with ``lockstep-NAME-``.
    """

    name: str  # the key under ``lambda:``
    about: str  # one line for the schema and the reference
    title: str  # in a plan: "set TITLE", "remove TITLE"
    rows: tuple[Field, ...]
    reads: tuple[str, ...]  # "lambda:GetFunction..."
    writes: tuple[str, ...]
    removes: tuple[str, ...]
    proof: tuple[str, ...]  # members that every answer to its reads and writes has
    terraform: str  # the resource of Terraform's AWS provider that is the like
    stands_alone: bool = False
    invites: bool = False
    check: Callable[[Mapping[str, Value]], tuple[str, str, str] | None] = lambda _: None
    """What AWS refuses of rows together: the row that is wrong, the problem, the fix."""
    admits: Callable[["Resource", "Resource | None"], Iterable[Mapping[str, Any]]] = lambda _, __: ()
    """Statements that the wanted resource needs and the live one has not, but for whom they are about."""

    def path(self, row: Field) -> str:
        """The row's path under ``lambda:``, as changes and errors name it."""
        return f"{self.name}.{row.name}"

    def read(self, answer: Mapping[str, Any], qualifier: str = "") -> Resource | None:
        """The live resource in what AWS answered; None when it is as if there were none."""
        settings = from_api(answer, self.rows)
        if not settings and not self.stands_alone:
            return None
        return Resource(kind=self.name, qualifier=qualifier, settings=settings)

    def request(self, resource: Resource) -> dict[str, Any]:
        """All rows as the API takes them, defaults included."""
        return to_api("", resource.settings, [row for row in self.rows if not row.computed])
