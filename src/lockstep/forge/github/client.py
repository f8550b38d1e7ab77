"""Asking one repository's API: JSON, pages, ETags, GraphQL, and writes whose answer got lost."""

import contextlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from lockstep.errors import BadInput, ForgeError
from lockstep.fence import current_fence
from lockstep.forge.github.answer import Answer
from lockstep.forge.github.auth import Credential
from lockstep.forge.github.endpoints import Endpoints
from lockstep.forge.github.pace import backoff
from lockstep.forge.github.problems import RefusedByGitHub, refused, refused_by_graphql
from lockstep.forge.github.transport import Transport, Uncertain
from lockstep.model.blotting import blotted
from lockstep.waiting import SOON, reading_seconds, tell
from lockstep.web import origin

__all__ = ["Client"]

T = TypeVar("T")

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_KEPT = 256  # answers with an ETag
_PAGES = 1000
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel="?next"?')


class Client:
    """The API of one repository. Paths are relative to it; several threads may share it.

    ``doing`` says in errors what was being done. ``needs`` names the permission that a request needs,
    in GitHub's words (``pull_requests=write``), for answers that do not say it themselves.
    """

    def __init__(
        self, *, repository: str, endpoints: Endpoints, credential: Credential, transport: Transport
    ) -> None:
        if not re.fullmatch(r"[\w-]+/(?!\.\.?$)[\w.-]+", repository, re.ASCII):
            raise BadInput(f"{repository!r} is not a GitHub repository", fix="write owner/name")
        self.repository = repository
        self.owner, _, self.name = repository.partition("/")
        self.endpoints = endpoints
        self._credential = credential
        self._transport = transport
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Client({self.repository!r}, api={self.endpoints.api!r})"

    def sleep(self, seconds: float) -> None:
        """Wait for something that GitHub is still working out."""
        self._transport.clock.sleep(seconds)

    # Reading

    def get(self, path: str, *, doing: str, needs: str = "", **query: Any) -> Any:
        """The value at a path."""
        answer = self._read(self._url(path, query))
        self._check(answer, doing=doing, needs=needs)
        return answer.value()

    def find(self, path: str, *, doing: str, needs: str = "", **query: Any) -> Any:
        """The value at a path, or None when there is nothing, in a repository that can be seen."""
        answer = self._read(self._url(path, query))
        if answer.status == 404 and answer.message and self._is_seen():  # a proxy's 404 says nothing
            return None
        self._check(answer, doing=doing, needs=needs)
        return answer.value()

    def pages(self, path: str, *, doing: str, needs: str = "", key: str = "", **query: Any) -> Iterator[Any]:
        """The items of a list (or of the list ``key`` of an object), page after page."""
        url: str | None = self._url(path, {"per_page": 100, **query})
        listing = _Listing(doing, self._transport.patience)
        while url is not None:
            with listing.page():
                answer = self._read(url)
            self._check(answer, doing=doing, needs=needs)
            yield from answer.items(key)
            url = self._next(answer)

    # Writing

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        doing: str,
        needs: str = "",
        is_safe: bool = True,
    ) -> Any:
        """Send a change and return the answer's value.

        ``is_safe`` is for changes that may be made twice; others raise Uncertain when their answer is
        lost (see ``settle``).
        """
        answer = self._send(
            method,
            self._url(path, {}),
            headers={"Content-Type": "application/json"} if body is not None else {},
            body=None if body is None else json.dumps(body).encode(),
            is_safe=is_safe,
            is_write=True,
        )
        return self._value(answer, doing=doing, needs=needs)

    def upload(self, path: str, file: Path, *, kind: str, doing: str, needs: str = "", **query: str) -> Any:
        """Send a file, read piece by piece, to the host for uploads; its name and label are in the query."""
        url = f"{self.endpoints.uploads}/repos/{self.repository}{path}?{urlencode(query)}"
        answer = self._send(
            "POST", url, headers={"Content-Type": kind}, body=file, is_safe=False, is_write=True
        )
        return self._value(answer, doing=doing, needs=needs)

    def graphql(
        self,
        document: str,
        variables: Mapping[str, Any],
        *,
        doing: str,
        needs: str = "",
        is_safe: bool = True,
    ) -> Any:
        """The ``data`` of a GraphQL answer. ``$owner`` and ``$name`` are given; any error is raised."""
        given = {"owner": self.owner, "name": self.name} if "$owner" in document else {}
        answer = self._send(
            "POST",
            self.endpoints.graphql,
            headers={"Content-Type": "application/json"},
            body=json.dumps({"query": document, "variables": {**given, **variables}}).encode(),
            is_safe=is_safe,
            is_write=document.lstrip().startswith("mutation"),
        )
        self._check(answer, doing=doing, needs=needs)
        value = answer.value()
        if value.get("errors"):
            raise refused_by_graphql(
                [
                    {**each, "message": self._told(str(each.get("message")))}
                    for each in value.listed("errors")
                ],
                answer.headers,
                doing=doing,
                kind=self._credential.kind,
                repository=self.repository,
                needs=needs,
            )
        if not isinstance(value["data"], dict):
            raise ForgeError("the answer is not GraphQL's: it has no data", fix="run again later")
        return value["data"]

    def nodes(
        self,
        document: str,
        variables: Mapping[str, Any],
        pick: Callable[[Any], Any],
        *,
        doing: str,
        needs: str = "",
    ) -> Iterator[Any]:
        """The nodes of a GraphQL connection, page after page; the document takes ``$after``."""
        after: str | None = None
        listing = _Listing(doing, self._transport.patience)
        while True:
            with listing.page():
                data = self.graphql(document, {**variables, "after": after}, doing=doing, needs=needs)
            connection = pick(data)
            if connection is None:
                return
            yield from connection["nodes"]
            if not connection["pageInfo"]["hasNextPage"]:
                return
            after = connection["pageInfo"]["endCursor"]

    def settle(self, make: Callable[[], T], find: Callable[[], T | None]) -> T:
        """Do something that must not be done twice; when the answer gets lost, look before another try."""
        for attempt in range(1, 4):
            try:
                return make()
            except Uncertain:
                self.sleep(backoff(attempt))
                found = find()
                if found is not None:
                    return found
        return make()

    # How

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        text = urlencode({name: value for name, value in query.items() if value is not None})
        return f"{self.endpoints.api}/repos/{self.repository}{path}" + (f"?{text}" if text else "")

    def _read(self, url: str) -> Answer:
        """Ask, or learn that nothing has changed: an answer of 304 does not count for the rate limit."""
        with self._lock:
            kept = self._kept.get(url)
        headers = {"If-None-Match": kept.headers["etag"]} if kept else {}
        answer = self._send("GET", url, headers=headers, body=None, is_safe=True, is_write=False)
        if answer.status == 304 and kept:
            return kept
        if answer.status == 200 and "etag" in answer.headers:
            with self._lock:
                self._kept[url] = answer
                self._kept.move_to_end(url)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return answer

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | Path | None,
        is_safe: bool,
        is_write: bool,
    ) -> Answer:
        if is_write:
            current_fence()()
        return self._transport.send(
            method,
            url,
            token=self._credential.token(),
            headers={**_HEADERS, **headers},
            body=body,
            is_safe=is_safe,
            is_write=is_write,
        )

    def _value(self, answer: Answer, *, doing: str, needs: str) -> Any:
        self._check(answer, doing=doing, needs=needs)
        return answer.json()

    def _check(self, answer: Answer, *, doing: str, needs: str) -> None:
        if answer.status >= 400:
            raise self._refused(answer, doing=doing, needs=needs)

    def _told(self, text: str) -> str:
        """A text of the host's without the token, which what answers in GitHub's place may quote."""
        token = self._credential.token()
        return blotted(text, {token}) if token else text

    def _refused(self, answer: Answer, *, doing: str, needs: str) -> RefusedByGitHub:
        told = self._told(answer.body.decode("utf-8", "replace")).encode()
        return refused(
            replace(answer, body=told),
            doing=doing,
            kind=self._credential.kind,
            repository=self.repository,
            needs=needs,
            is_seen=self._is_seen() if answer.status == 404 else None,
        )

    def _is_seen(self) -> bool:
        return self._read(self._url("", {})).status == 200

    def _next(self, answer: Answer) -> str | None:
        found = _NEXT.search(answer.headers.get("link", ""))
        if found is None:
            return None
        if origin(found.group(1)) != origin(self.endpoints.api):
            raise ForgeError(
                "the next page is on another host, which gets no token",
                fix="set GITHUB_API_URL to the API's own URL",
            )
        return found.group(1)


class _Listing:
    """A listing that is read page after page: whole, or an error. Not counted is what others do meanwhile.

    ``patience`` is how long a page may wait for rate limits.
    """

    def __init__(self, doing: str, patience: float) -> None:
        self._doing, self._patience = doing, patience
        self._pages, self._seconds = 0, 0.0

    @contextlib.contextmanager
    def page(self) -> Iterator[None]:
        """Read one more page in the block. Raises ForgeError when it took too long, or has no end."""
        most = reading_seconds(self._pages) + self._patience
        if self._pages >= _PAGES or self._seconds > most:
            told = f"{self._pages} pages" if self._pages >= _PAGES else f"{most:.0f} s, {self._pages} pages"
            raise ForgeError(
                f"the listing has no end: read were {told}",
                doing=self._doing,
                fix="run again when GitHub answers faster; if it stays so, look what answers in its place",
            )
        begun = time.monotonic()
        yield
        self._seconds += time.monotonic() - begun
        self._pages += 1
        if self._seconds > SOON:
            tell(f"{self._doing}: {self._pages} pages in {self._seconds:.0f} s, of {most:.0f} s and more")


def in_path(text: str, *, keep: str = "") -> str:
    """A name as one part of a path; ``keep`` are characters that stay, such as the slashes of a tag."""
    return quote(text, safe=keep)
