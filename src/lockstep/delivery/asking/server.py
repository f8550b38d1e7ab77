"""One server: requests to its API, and what is wrong where it does not answer as it should."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from lockstep._version import __version__
from lockstep.artifacts.web import Answer, Web
from lockstep.errors import BadInput, LockstepError, NotAllowed
from lockstep.model import StatusRow
from lockstep.model.foreign import read_json
from lockstep.render.answers import rows_from
from lockstep.render.wire import Node
from lockstep.suggest import suggestion
from lockstep.values import dataclass
from lockstep.web import check_url, shown

__all__ = ["Asked", "Server"]

_T = TypeVar("_T")
_LONGEST = 2000  # characters of what a server says
_READ = {"git": "Git", "aws": "AWS"}
_PATIENCE = 10.0  # seconds that are waited for one which has too much to do
_TITLE = "lockstep serve"
_MISSING = "set LOCKSTEP_TOKEN to a token that it takes; lockstep serve --token NAME makes one"
_LEAVE = "have a group of the token's given the role: roles: in lockstep-serve.yaml"
_ADDRESS = "name the address that lockstep serve prints, or that its url: says"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A project that a server follows."""

    name: str
    looked: str | None  # when all of AWS was read, ISO 8601
    failing: tuple[str, ...] = ()  # why what was seen is old


def _asked(node: Node) -> Asked:
    failing = node.get("failing").map_of(lambda one: one.get("why").text())
    return Asked(
        name=node.get("name").text(),
        looked=node.get("looked").maybe(Node.text),
        failing=tuple(f"{_READ[key]} cannot be read: {why}" for key, why in failing.items() if key in _READ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A ``lockstep serve``; ``seconds`` is how long a request may take, None for the usual time."""

    url: str
    token: str | None = None
    seconds: float | None = None
    may_be_plain: bool = False  # http to other machines than this one

    def get(self, path: str, wanted: str, **asked: str) -> dict[str, Any]:
        """A document of a format, such as ``status``. LockstepError; BadInput for what is not there."""
        query = urlencode({name: value for name, value in asked.items() if value})
        answer = self._ask(f"{path}?{query}" if query else path)
        return self._document(path, answer, wanted)

    def send(self, path: str, wanted: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What comes of an object that is sent; errors as of ``get``, NotAllowed where it is refused."""
        answer = self._ask(path, json.dumps(fields).encode())
        return self._document(path, answer, wanted)

    def project(self, named: str | None) -> Asked:
        """The project that is meant: the one that is named, or the only one. BadInput otherwise."""
        document = self.get("/projects", "projects")
        projects = self.reading(lambda node: node.get("projects").many(_asked), document)
        found = {one.name: one for one in projects}
        if not found:
            raise NotAllowed(
                "there is no project that you may see",
                where=self._shown,
                fix=_LEAVE if self.token else _MISSING,
            )
        there = f"there are: {', '.join([*found][:8])}"
        if named is None and len(found) > 1:
            raise BadInput(
                f"it follows {len(found)} projects, and none is named",
                where=self._shown,
                fix=f"add --project NAME; {there}",
            )
        name = named if named is not None else next(iter(found))
        if name not in found:
            raise BadInput(
                f"there is no project {name}", where=self._shown, fix=suggestion(name, found, there)
            )
        return found[name]

    def rows(self, project: Asked) -> tuple[tuple[StatusRow, ...], tuple[str, ...]]:
        """The targets of a project as they were seen last, and notes. LockstepError before any was seen."""
        document = self.get(f"/projects/{quote(project.name, safe='')}/targets", "status")
        rows = self.reading(rows_from, document)
        if not rows and project.looked is None:
            told = "; ".join(project.failing) or "it has not looked at AWS yet"
            raise LockstepError(
                f"nothing is known of {project.name}: {told}", where=self._shown, fix="wait a little"
            )
        notes = self.reading(lambda node: node.get("notes").texts(), document)
        return rows, (*notes, *(f"what was seen last is shown: {one}" for one in project.failing))

    def reading(self, read: Callable[[Node], _T], document: Mapping[str, Any]) -> _T:
        """What a document says; LockstepError where it says it in another way than this release knows."""
        try:
            return read(Node(document, "", "the answer"))
        except BadInput as error:
            raise self._skewed(f"{error.where}: {error.problem}") from None

    @property
    def _shown(self) -> str:
        return shown(self.url).rstrip("/")

    def _ask(self, path: str, body: bytes | None = None) -> Answer:
        check_url(self.url, where="--server", may_be_plain=self.may_be_plain, flag="--plaintext")
        # Another one each time: one that is away now may be there at the next request.
        web = Web(attempts=3, patience=_PATIENCE, seconds=self.seconds, may_be_plain=self.may_be_plain)
        kind = {"Content-Type": "application/json"} if body is not None else {}
        return web.ask(
            f"{self.url.rstrip('/')}/api/v1{path}",
            method="GET" if body is None else "POST",
            headers={"Accept": "application/json", **kind},
            token=self.token,
            body=body,
        )

    def _document(self, path: str, answer: Answer, wanted: str) -> dict[str, Any]:
        try:
            document = read_json(answer.body.decode())
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise self._stranger(answer)
        if answer.status >= 300:
            raise self._refused(path, answer, str(document.get("error", ""))[:_LONGEST])
        if document.get("format") != f"lockstep.{wanted}/1":
            raise self._skewed(f"what it answers is {str(document.get('format'))[:40]!r}")
        return document

    def _refused(self, path: str, answer: Answer, words: str) -> LockstepError:
        where = self._shown
        problem, _, fix = words.partition("\n  fix: ")
        match answer.status:
            case 401 if self.token is None:
                return LockstepError(
                    "it wants to know who asks",
                    where=where,
                    fix=_MISSING,
                )
            case 401:
                return LockstepError(
                    "the token in LOCKSTEP_TOKEN is not known to it, or not any more",
                    where=where,
                    fix="look at tokens: in lockstep-serve.yaml: its digest, and its last day",
                )
            case 403:
                return NotAllowed(problem or "it is not allowed", where=where, fix=_LEAVE)
            case 404 if problem in ("", "Not Found"):
                return self._skewed(f"it has no /api/v1{path.partition('?')[0]}")
            case 404 | 400:
                return BadInput(problem, where=where, fix=fix or None)
            case 405 | 415 | 422:
                return self._skewed(problem or f"it answered {answer.status}")
            case 409:
                return NotAllowed(problem, where=where, fix=fix or None)
            case _:
                return LockstepError(
                    problem or f"it answered {answer.status}", where=where, fix=fix or "run again"
                )

    def _skewed(self, what: str) -> LockstepError:
        """Something is not as this release knows it: because the server is of another one, if it is."""
        try:
            document = read_json(self._ask("/openapi.json").body.decode())
            info = document["info"]
            version, title = str(info["version"])[:40], info["title"]
        except (LockstepError, ValueError, KeyError, TypeError):
            version, title = "", ""
        if title != _TITLE:
            return self._stranger(None)
        if version == __version__:
            return LockstepError(what, where=self._shown, fix="report it: both are of one release")
        return LockstepError(
            f"it is Lockstep {version}, and this is {__version__}: {what}",
            where=self._shown,
            fix="bring both to one release",
        )

    def _stranger(self, answer: Answer | None) -> LockstepError:
        if answer is not None and answer.status == 421:
            said = answer.body[:200].decode("utf-8", "replace").strip()
            return BadInput(f"it does not go by this name: {said}", where=self._shown, fix=_ADDRESS)
        status = f"it answered {answer.status}, and " if answer is not None else "it answers "
        return BadInput(f"{status}not as lockstep serve does", where=self._shown, fix=_ADDRESS)
