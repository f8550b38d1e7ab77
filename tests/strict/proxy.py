"""The proxy itself: a thread for each client connection, each with its own connection to the emulator.

Rules see a call on its way in, first to last, and its answer on the way out, last to first. A rule may
answer instead of the emulator, change an answer, or break the connection (``Reset``, ``Hang``).
"""

import contextlib
import itertools
import json
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from tests.strict.cloud import ACCOUNT, REGION, Cloud
from tests.strict.operations import Operation, identify, is_mutating
from tests.strict.wire import Answer, Closed, Request, Stream, reset

__all__ = ["Call", "Hang", "Proxy", "Reset", "Rule", "Upstream"]


_KEPT = 8
_PORTS: deque[int] = deque()
"""Where proxies listened that are closed: they are taken again, so that clients need not be made again.

The one that was closed the longest ago, when there are so many: nobody asks it any more.
"""


class Reset(Exception):
    """Raised by a rule: break the connection instead of answering."""


class Hang(Exception):
    """Raised by a rule: never answer; the client's read time-out ends it."""


@dataclass(kw_only=True, slots=True)
class Call:
    """One recorded request."""

    number: int  # of all calls, from 1
    mutation: int | None  # its number among the mutating calls, from 1
    operation: Operation
    request: Request = field(repr=False)
    started: float  # monotonic seconds
    status: int | None = None  # of the answer that the client got; None: none was given
    attempt: int = 1  # of the SDK, where it tells

    @property
    def name(self) -> str:
        """``lambda.GetFunction``, ``s3.PutBucketNotificationConfiguration``."""
        return f"{self.operation.service}.{self.operation.name}"

    @property
    def function(self) -> str:
        """Name of the Lambda function that the call is about; "" when it is about none."""
        params = self.operation.params
        name = params.get("FunctionName") or params.get("Resource") or ""
        if self.operation.name == "CreateFunction":
            name = str(self.json().get("FunctionName", ""))
        if ":function:" in name:
            name = name.partition(":function:")[2]
        return name.partition(":")[0]

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, Region and function: what a rule remembers things by."""
        return self.operation.account, self.operation.region, self.function

    @property
    def summary(self) -> str:
        """The call in one line, without its body."""
        params = self.operation.params
        shown = ("FunctionName", "StatementId", "Resource", "Bucket", "Key", "RoleName", "Marker")
        about = " ".join(params[name] for name in shown if name in params)
        return f"{self.name} {about}".rstrip()

    def json(self) -> dict[str, Any]:
        """The request's body as JSON; {} when it has none."""
        return json.loads(self.request.body) if self.request.body else {}


class Rule:
    """One way in which AWS differs from the emulators. Rules are switched on one by one."""

    cloud: "Upstream"

    def start(self, cloud: "Upstream") -> None:
        """Called once, before the first call; ``cloud`` reaches the emulator past all rules."""
        self.cloud = cloud

    def before(self, call: Call) -> Answer | None:
        """Answer instead of the emulator, or None to let the call pass."""
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Return the answer for the client."""
        return answer


class Upstream:
    """The emulator behind the proxy."""

    def __init__(self, cloud: Cloud) -> None:
        parts = urlsplit(cloud.endpoint)
        self.kind = cloud.kind
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._own = threading.local()

    def forward(self, request: Request) -> Answer:
        """Send a request to the emulator and return its answer."""
        stream: Stream | None = getattr(self._own, "stream", None)
        if stream is not None:
            try:
                return self._exchange(stream, request)
            except (Closed, ConnectionError):  # an idle connection that the emulator has closed
                stream.close()
        stream = Stream(socket.create_connection(self._address))
        self._own.stream = stream
        return self._exchange(stream, request)

    def _exchange(self, stream: Stream, request: Request) -> Answer:
        stream.send_request(request)
        answer = stream.read_answer(request.method)
        if answer.headers.get("connection", "").lower() == "close":
            stream.close()
            self._own.stream = None
        return answer

    def ask(
        self,
        call: Call,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: bytes = b"",
        service: str = "lambda",
        target: str = "",
    ) -> Answer:
        """Make a request of the proxy's own with the credentials of a call; it is not recorded.

        ``target`` names the operation where the path does not. Emulators do not check signatures.
        """
        account, region = call.operation.account, call.operation.region or REGION
        scope = f"Credential={account}/20260101/{region}/{service}/aws4_request"
        headers = {
            "host": "{}:{}".format(*self._address),
            "authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            "x-amz-date": "20260101T000000Z",
        }
        if service in ("iam", "sns"):
            headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
        if target:
            headers["x-amz-target"] = target
        whole = f"{path}?{urlencode(query)}" if query else path
        return self.forward(Request(method=method, target=whole, headers=headers, body=body))

    def function(self, call: Call) -> dict[str, Any] | None:
        """Return what GetFunction says of the call's function now; None when there is none."""
        answer = self.ask(call, "GET", f"/2015-03-31/functions/{quote(call.function, safe='')}")
        return json.loads(answer.body) if answer.is_success else None

    def release(self) -> None:
        """Close this thread's connection."""
        stream: Stream | None = getattr(self._own, "stream", None)
        if stream is not None:
            self._own.stream = None
            stream.close()


class Proxy:
    """A strict AWS: an emulator with rules in front of it, and a record of every call.

    ``calls`` are all calls in the order in which they arrived; ``counts()`` counts them by name.
    """

    def __init__(self, cloud: Cloud, *rules: Rule) -> None:
        self.kind = cloud.kind
        self.runs_functions = cloud.runs_functions
        self.behind = cloud
        self.rules = rules
        self.calls: list[Call] = []
        self._upstream = Upstream(cloud)
        self._lock = threading.Lock()
        self._mutations = itertools.count(1)
        self._hooks: dict[tuple[str, int, str], Callable[[Call], None]] = {}
        self._clients: set[Stream] = set()
        self._is_closed = threading.Event()
        self._listener = _listen()
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        for rule in rules:
            rule.start(self._upstream)
        threading.Thread(target=self._accept, daemon=True, name="strict-accept").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def environment(self, *, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """Return a complete process environment in which AWS means this proxy."""
        return self.behind.environment(account=account, region=region) | {"AWS_ENDPOINT_URL": self.endpoint}

    def reset(self) -> None:
        """Empty the emulator and forget the record."""
        self.behind.reset()
        self.forget()

    def forget(self) -> None:
        """Forget the record, so that counting starts again at 1."""
        with self._lock:
            self.calls = []
            self._mutations = itertools.count(1)

    def counts(self, *, mutating: bool | None = None) -> Counter[str]:
        """Count the calls by name; ``mutating`` True or False selects."""
        with self._lock:
            chosen = [c for c in self.calls if mutating is None or (c.mutation is not None) is mutating]
        return Counter(call.name for call in chosen)

    def named(self, name: str) -> list[Call]:
        """All calls of a name: ``lambda.CreateFunction``."""
        with self._lock:
            return [call for call in self.calls if call.name == name]

    def on_call(
        self,
        number: int,
        callback: Callable[[Call], None],
        *,
        when: str = "before",
        counting: str = "all",
    ) -> None:
        """Call back exactly before call ``number`` reaches the emulator, or after it took effect.

        ``when`` is "before" or "after" (the client has no answer yet), ``counting`` "all" or
        "mutating". The call waits for the callback, which may kill the client's process (and should
        wait for its end): a call whose client ended "before" never reaches the emulator.
        """
        self._hooks[(when, number, counting)] = callback

    def close(self) -> None:
        """Stop answering."""
        if not self._is_closed.is_set():
            _PORTS.append(self._listener.getsockname()[1])
        self._is_closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for stream in [*self._clients]:
            with contextlib.suppress(OSError):
                stream.socket.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Stream(connection),), daemon=True).start()

    def _serve(self, stream: Stream) -> None:
        self._clients.add(stream)
        with contextlib.suppress(Closed, OSError):
            while not self._is_closed.is_set():
                self._handle(stream)
        self._clients.discard(stream)
        stream.close()
        self._upstream.release()

    def _handle(self, stream: Stream) -> None:
        request = stream.read_request()
        call = self._record(request)
        try:
            for callback in self._callbacks(call, "before"):
                callback(call)
                if stream.is_closed_by_peer():  # the callback ended the client: the call was never made
                    raise Closed
            answer = self._answer(call)
        except Reset:
            reset(stream)
            raise Closed from None
        except Hang:
            while not self._is_closed.is_set() and stream.socket.recv(4096):
                pass
            raise Closed from None
        call.status = answer.status
        answer.headers.setdefault("x-amzn-requestid", f"strict-{call.number}")  # AWS always tells one
        stream.send_answer(answer, request.method)

    def _record(self, request: Request) -> Call:
        operation = identify(request)
        attempt = request.headers.get("amz-sdk-request", "").partition("attempt=")[2].partition(";")[0]
        with self._lock:
            call = Call(
                number=len(self.calls) + 1,
                mutation=next(self._mutations) if is_mutating(operation) else None,
                operation=operation,
                request=request,
                started=time.monotonic(),
                attempt=int(attempt) if attempt.isdigit() else 1,
            )
            self.calls.append(call)
        return call

    def _callbacks(self, call: Call, when: str) -> Iterator[Callable[[Call], None]]:
        for counting, number in (("all", call.number), ("mutating", call.mutation)):
            if number is not None and (found := self._hooks.get((when, number, counting))):
                yield found

    def _answer(self, call: Call) -> Answer:
        passed: list[Rule] = []
        answer = None
        for rule in self.rules:
            passed.append(rule)
            answer = rule.before(call)
            if answer is not None:
                passed.pop()
                break
        if answer is None:
            answer = self._upstream.forward(call.request)
        for rule in reversed(passed):
            answer = rule.after(call, answer)
        for callback in self._callbacks(call, "after"):
            callback(call)
        return answer


def _listen() -> socket.socket:
    if len(_PORTS) >= _KEPT:
        with contextlib.suppress(OSError):  # somebody else listens there meanwhile
            return socket.create_server(("127.0.0.1", _PORTS.popleft()), backlog=512)
    return socket.create_server(("127.0.0.1", 0), backlog=512)
