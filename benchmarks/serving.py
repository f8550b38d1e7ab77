"""The page under load: a controller that has seen many targets, open pages and announcements.

python -m benchmarks.serving [TARGETS [STREAMS [SECONDS]]]

What it has seen is made up; what is measured is the real server in a process of its own, over sockets. The
times are those of a client on the same machine, so both share its cores.
"""

import hashlib
import hmac
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SECRET = "a secret"  # noqa: S105 - of a server that lasts a minute
_OPEN = 200  # pages, of which the memory has a goal
PLACE = "https://git.example.org/acme/shop.git"


def serve(targets: int) -> None:
    """Serve made-up targets until stdin ends; each line of it changes the version of one."""
    from dataclasses import replace

    from tests.unit.serve.test_deciding import HEADS, row

    from lockstep.delivery.places.forges import Credentials
    from lockstep.model import SyncStatus
    from lockstep.serve.access import Access
    from lockstep.serve.deciding import asked, looked
    from lockstep.serve.file import Followed, Leave
    from lockstep.serve.following import Follower
    from lockstep.serve.recording import open_history
    from lockstep.serve.web.listening import listening

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        follower = Follower(
            Followed(name="shop", repository=PLACE, environments={"staging": Leave(syncs=True)}),
            data=folder,
            credentials=Credentials(cache=folder),
            tell=lambda words: None,
            clock=time.monotonic,
            stop=threading.Event(),
        )
        history = open_history(folder, print)
        address = ("127.0.0.1", 0)
        with listening(
            address,
            [follower],
            history,
            working=[follower],
            access=Access,
            hook_secret=SECRET,
            login_secret=None,
        ) as url:
            print("idle", rss(), url, flush=True)
            environments = ("dev", "staging", "production", "preview/pr-1")
            rows = [
                row(f"{environment}/service-{number:05}", SyncStatus.SYNCED)
                for number in range(targets // len(environments))
                for environment in environments
            ]
            now = time.monotonic()
            seen = asked(follower.seen, HEADS, now)
            follower.seen = looked(seen, HEADS, (), rows, {}, follower.project, now)
            for line in sys.stdin:
                if line.startswith("memory"):
                    used = resource.getrusage(resource.RUSAGE_SELF)
                    print(rss(), used.ru_utime + used.ru_stime, flush=True)
                    continue
                changed = replace(rows[0], declared=line.strip(), live=line.strip())
                follower.seen = replace(follower.seen, rows={**follower.seen.rows, changed.target: changed})
                print("changed", flush=True)
        if history is not None:
            history.close()


def rss() -> float:
    """Megabytes that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Client:
    """Somebody who reads the page, by sockets."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").strip("/").rsplit(":", 1)
        self.address = (host, int(port))

    def get(self, path: str = "/") -> tuple[float, float]:
        """Seconds to the first byte of a page, and to its last."""
        with socket.create_connection(self.address) as one:
            began = time.monotonic()
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            one.recv(1)
            first = time.monotonic() - began
            while one.recv(1 << 20):
                pass
            return first, time.monotonic() - began

    def stream(self) -> socket.socket:
        """An open page."""
        one = socket.create_connection(self.address)
        one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        return one

    def announce(self, one: socket.socket, number: int) -> bool:
        """A push; whether it was taken."""
        body = json.dumps({"repository": {"clone_url": PLACE}, "n": number, "commits": "x" * 8000}).encode()
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = "POST /hooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"X-Hub-Signature-256: sha256={digest}\r\nContent-Length: {len(body)}\r\n\r\n"
        one.sendall(head.encode() + body)
        answer = b""
        while b"asked\n" not in answer and (piece := one.recv(65536)):
            answer += piece
        return b" 202 " in answer


def until_seen(streams: Sequence[socket.socket], words: bytes) -> list[float]:
    """When each of the open pages has shown some words, in seconds of the clock."""
    import selectors

    found, heard = [], dict.fromkeys(streams, b"")
    with selectors.DefaultSelector() as selector:
        for one in streams:
            one.setblocking(False)
            selector.register(one, selectors.EVENT_READ)
        while len(found) < len(streams):
            for key, _ in selector.select(timeout=30):
                one = key.fileobj
                assert isinstance(one, socket.socket)
                heard[one] = heard[one][-100:] + one.recv(1 << 20)
                if words in heard[one]:
                    found.append(time.monotonic())
                    selector.unregister(one)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure; a goal below zero is the least."""

    what: str
    found: float
    goal: float | None
    unit: str = "ms"

    @property
    def text(self) -> str:
        """The figure with its unit."""
        return f"{self.found:.1f} {self.unit}".strip()

    @property
    def goal_text(self) -> str:
        """What it is to be; nothing where there is no goal."""
        if self.goal is None:
            return ""
        return f"at {'least' if self.goal < 0 else 'most'} {abs(self.goal):g} {self.unit}".strip()

    @property
    def is_met(self) -> bool:
        """Whether it is what it is to be."""
        return self.goal is None or (self.found >= -self.goal if self.goal < 0 else self.found <= self.goal)


def measure(targets: int, count: int, seconds: int) -> Iterator[Figure]:
    """What the page of so many targets takes, with so many open ones, and so long under announcements."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serving", "--serve", str(targets)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def said(line: str) -> list[str]:
            assert child.stdin is not None
            assert child.stdout is not None
            print(line, file=child.stdin, flush=True)
            return child.stdout.readline().split()

        _, idle, url = child.stdout.readline().split()
        yield Figure(what="memory idle", found=float(idle), goal=120, unit="MB")
        client = Client(url)
        said("memory")
        times = [client.get() for _ in range(10)]
        first = statistics.median(one[0] for one in times)
        yield Figure(what="first byte", found=1000 * first, goal=150)
        whole = statistics.median(one[1] for one in times)
        yield Figure(what="whole page", found=1000 * whole, goal=600)
        one = client.stream()
        until_seen([one], b"service-00000")
        updates = []
        for number in range(10):
            version = f"9.9.{number}"
            changed = time.monotonic()
            said(version)
            updates.append(until_seen([one], version.encode())[0] - changed)
        yield Figure(what="live update of one open page", found=1000 * statistics.median(updates), goal=100)
        streams = [one]
        for size in sorted({min(_OPEN, count), count}):
            more = [client.stream() for _ in range(size - len(streams))]
            until_seen(more, b"service-00000")
            streams += more
            if size == min(_OPEN, count):
                used = float(said("memory")[0])
                yield Figure(what=f"memory with {size} open pages", found=used, goal=300, unit="MB")
        changed = time.monotonic()
        said("8.8.8")
        seen = [at - changed for at in until_seen(streams, b"8.8.8")]
        about = f"live update of {count} open pages"
        yield Figure(what=f"{about}: median", found=1000 * statistics.median(seen), goal=100)
        yield Figure(what=f"{about}: the last one", found=1000 * max(seen), goal=None)
        with socket.create_connection(client.address) as hooks:
            before, at = float(said("memory")[1]), time.monotonic()
            taken = sum(client.announce(hooks, number) for number in range(1000))
            took, used = time.monotonic() - at, float(said("memory")[1]) - before
        yield Figure(what="webhooks taken a second", found=taken / took, goal=-200, unit="")
        yield Figure(what="webhooks a second of processor", found=taken / used, goal=-200, unit="")
        if seconds:
            taken, at, late = 0, time.monotonic(), 0.0
            with socket.create_connection(client.address) as hooks:
                for number in range(50 * seconds):
                    time.sleep(max(0.0, at + number / 50 - time.monotonic()))
                    taken += client.announce(hooks, 10_000 + number)
                    late = max(late, time.monotonic() - at - number / 50)
            assert taken == 50 * seconds
            yield Figure(
                what=f"50 webhooks a second for {seconds} s, the latest answer", found=1000 * late, goal=None
            )
        child.stdin.close()
        for one in streams:
            one.close()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    if "--serve" in sys.argv:
        serve(*numbers)
    else:
        targets, streams, seconds = (*numbers, *(10_000, 200, 0)[len(numbers) :])
        for one in measure(targets, streams, seconds):
            verdict = "" if one.is_met else "MISSED"
            print(f"{one.what:<62} {one.text:>12} {one.goal_text:<16} {verdict}".rstrip(), flush=True)
