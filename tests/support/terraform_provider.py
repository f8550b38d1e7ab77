"""The real AWS provider for Terraform, without what it does again for each run and no test looks at.

``python -m tests.support.terraform_provider PROGRAM`` starts the provider and stands between Terraform and
it, says as the provider does by which variable Terraform finds it ("Debugging Providers" of Terraform's
plugin documentation), and ends, with the provider, when its stdin does. Whatever is asked of the provider
is passed on and answered by it, but for two questions of each run:

- **What do you know?** is asked once, and the answer holds only the resources and data sources that a file
  of this repository names: ten or so of 2,100, which each run of Terraform would have to read. One that
  nothing names is unknown to Terraform, loudly.
- **Is this configuration of yours valid?** is answered with that configuration. Terraform has checked it
  against the schema by then, and the provider refuses a bad one when it is configured; what it does here
  is to examine its own 2,100 schemas, for five seconds of a processor, twice in a plan.

The messages are gRPC's (a flag, a length of four bytes, and a message of Protocol Buffers) on HTTP/2; their
fields are those of ``tfplugin5.proto`` in Terraform's sources.
"""

import asyncio
import contextlib
import functools
import json
import re
import sys
import tempfile
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions

__all__ = ["VARIABLE", "leave_out"]

VARIABLE = "TF_REATTACH_PROVIDERS"
_SCHEMA = b"/tfplugin5.Provider/GetSchema"
_VALID = b"/tfplugin5.Provider/PrepareProviderConfig"
_SCHEMAS = (2, 3)  # of GetProviderSchema.Response: resource_schemas and data_source_schemas, maps by name
_PREFIX = 5  # bytes before a message of gRPC
_REPOSITORY = Path(__file__).resolve().parents[2]
_Headers = list[tuple[bytes, bytes]]


def leave_out(message: bytes, named: frozenset[str]) -> bytes:
    """An answer to GetSchema (Protocol Buffers) with no other resources and data sources than ``named``."""
    kept = bytearray()
    for number, body, whole in _fields(message):
        # An entry of a map is a message: its field 1 is the key.
        if number not in _SCHEMAS or next(_fields(body))[1].decode() in named:
            kept += whole
    return bytes(kept)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The fields of a message, all with a length: number, content, and the whole of it."""
    at = 0
    while at < len(message):
        begin = at
        tag, at = _varint(message, at)
        if tag & 7 != 2:
            raise ValueError(f"a field of wire type {tag & 7} at byte {begin}")
        size, at = _varint(message, at)
        yield tag >> 3, message[at : at + size], message[begin : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _named() -> frozenset[str]:
    """What looks like a resource or data source of AWS in any file of this repository."""
    found: set[str] = set()
    for folder in ("terraform", "tests", "examples", "docs"):
        for file in (_REPOSITORY / folder).rglob("*.*"):
            if file.suffix in (".tf", ".hcl", ".py", ".md"):
                found.update(re.findall(r"\baws_[a-z0-9_]+", file.read_text(encoding="utf-8")))
    return frozenset(found)


@functools.cache
def _knows() -> list[bytes]:
    """What the provider knows, as a message of gRPC; nothing until it was asked."""
    return []


class _Side:
    """One end of a connection: what is to be sent waits in order until the other's window takes it."""

    def __init__(self, writer: asyncio.StreamWriter, *, is_client: bool) -> None:
        self.writer = writer
        self.http = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=is_client,
                header_encoding=None,
                validate_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.http.initiate_connection()
        self._waiting: dict[int, deque[tuple[_Headers | bytes, bool]]] = defaultdict(deque)

    def send(self, stream: int, what: _Headers | bytes, *, is_last: bool) -> None:
        """Send headers or data of a stream, after what was sent of it before."""
        self._waiting[stream].append((what, is_last))
        self.pump()

    def pump(self) -> None:
        """Send what the windows take."""
        for stream, waiting in [*self._waiting.items()]:
            with contextlib.suppress(h2.exceptions.StreamClosedError):  # whoever asked has gone
                while waiting and self._pump_one(stream, waiting):
                    pass
            if not waiting:
                del self._waiting[stream]

    def _pump_one(self, stream: int, waiting: deque[tuple[_Headers | bytes, bool]]) -> bool:
        what, is_last = waiting.popleft()
        if isinstance(what, list):
            self.http.send_headers(stream, what, end_stream=is_last)
            return True
        room = min(self.http.local_flow_control_window(stream), self.http.max_outbound_frame_size)
        if rest := what[room:]:
            waiting.appendleft((rest, is_last))
            if not room:
                return False
        self.http.send_data(stream, what[:room], end_stream=is_last and not rest)
        return True

    def flush(self) -> None:
        """Give what is to be sent to the socket."""
        self.writer.write(self.http.data_to_send())


class _Relay:
    """One connection of Terraform and the one to the provider that belongs to it; streams have one number."""

    def __init__(self, near: _Side, far: _Side, named: frozenset[str]) -> None:
        self.near, self.far, self.named = near, far, named
        self._asked: dict[int, tuple[bytes, bytes]] = {}  # streams answered here: path, and what came so far
        self._schemas: dict[int, bytes] = {}  # streams in which the provider says what it knows

    async def carry(self, side: _Side, reader: asyncio.StreamReader) -> None:
        """Read one side until it ends."""
        try:
            while data := await reader.read(1 << 20):
                for event in side.http.receive_data(data):
                    self._take(side, event)
                self.near.flush()
                self.far.flush()
        finally:
            self.near.writer.close()
            self.far.writer.close()

    def _take(self, side: _Side, event: Any) -> None:
        other = self.far if side is self.near else self.near
        match event:
            case h2.events.RequestReceived():
                self._begin(event)
            case h2.events.ResponseReceived():
                other.send(event.stream_id, list(event.headers), is_last=event.stream_ended is not None)
            case h2.events.TrailersReceived():
                if event.stream_id in self._schemas:
                    _knows().append(self._thin(self._schemas.pop(event.stream_id)))
                    other.send(event.stream_id, _knows()[0], is_last=False)
                other.send(event.stream_id, list(event.headers), is_last=True)
            case h2.events.DataReceived():
                side.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self._pass_on(side, other, event)
            case h2.events.StreamReset():
                with contextlib.suppress(h2.exceptions.ProtocolError):  # it had ended there, or never begun
                    other.http.reset_stream(event.stream_id, event.error_code)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                side.pump()

    def _begin(self, event: Any) -> None:
        path = dict(event.headers)[b":path"]
        if path == _VALID or (path == _SCHEMA and _knows()):
            self._asked[event.stream_id] = path, b""
            return
        if path == _SCHEMA:
            self._schemas[event.stream_id] = b""
        self.far.send(event.stream_id, list(event.headers), is_last=event.stream_ended is not None)

    def _pass_on(self, side: _Side, other: _Side, event: Any) -> None:
        stream, is_last = event.stream_id, event.stream_ended is not None
        if side is self.far and stream in self._schemas:
            self._schemas[stream] += event.data
        elif side is self.near and stream in self._asked:
            path, asked = self._asked[stream]
            self._asked[stream] = path, asked + event.data
            if is_last:
                self._answer(stream, *self._asked.pop(stream))
        else:
            other.send(stream, event.data, is_last=is_last)

    def _answer(self, stream: int, path: bytes, asked: bytes) -> None:
        message = asked if path == _VALID else _knows()[0]  # field 1 of question and answer: a configuration
        self.near.send(stream, [(b":status", b"200"), (b"content-type", b"application/grpc")], is_last=False)
        self.near.send(stream, message, is_last=False)
        self.near.send(stream, [(b"grpc-status", b"0")], is_last=True)

    def _thin(self, answer: bytes) -> bytes:
        kept = leave_out(answer[_PREFIX:], self.named)
        return b"\0" + len(kept).to_bytes(4, "big") + kept


async def _serve(program: str) -> None:
    provider = await asyncio.create_subprocess_exec(
        program,
        "-debug",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert provider.stdout is not None
        async for line in provider.stdout:
            if told := re.search(rf"{VARIABLE}='(.*)'", line.decode()):
                await _stand_between(json.loads(told[1]))
                return
    finally:
        with contextlib.suppress(ProcessLookupError):
            provider.kill()
        await provider.wait()


async def _stand_between(told: dict[str, Any]) -> None:
    """Say where Terraform finds us instead, and carry until stdin ends."""
    (provider,) = told.values()
    address, named = provider["Addr"]["String"], _named()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, to_theirs = await asyncio.open_unix_connection(address)
        relay = _Relay(_Side(writer, is_client=False), _Side(to_theirs, is_client=True), named)
        relay.near.flush()
        relay.far.flush()
        await asyncio.gather(
            relay.carry(relay.near, reader), relay.carry(relay.far, theirs), return_exceptions=True
        )

    with tempfile.TemporaryDirectory(prefix="provider-") as folder:
        provider["Addr"]["String"] = str(Path(folder, "socket"))
        server = await asyncio.start_unix_server(meet, provider["Addr"]["String"])
        print(f"{VARIABLE}='{json.dumps(told)}'", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
