"""The ledger of pull requests and issues: which files it has, and reading and changing them.

    open/7.json         what is open
    ended/0/5.json      what was merged or closed, a hundred numbers in each folder
    required.json       branch -> checks without which nothing is merged into it

So what is open is listed without reading all that ever was.
"""

import json
import re
from collections.abc import Iterable, Mapping

from lockstep.errors import ForgeError
from lockstep.forge.local.ledger import PULLS, Edit, Snapshot
from lockstep.forge.local.records import Thread, read_thread, write_thread
from lockstep.git.refs import RefUpdate
from lockstep.model.foreign import read_json
from lockstep.values import dataclass

__all__ = ["Threads"]

_REQUIRED = "required.json"
_PATH = re.compile(r"(open|ended/\d+)/([1-9]\d{0,8})\.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Threads:
    """The ledger at one time."""

    snapshot: Snapshot

    @property
    def branches(self) -> Mapping[str, str]:
        """The branches of the repository, name to commit."""
        return self.snapshot.branches

    @property
    def next_number(self) -> int:
        """The number of what is opened next."""
        return max(self._numbers().values(), default=0) + 1

    def thread(self, number: int) -> Thread | None:
        """What has a number; None when nothing has."""
        paths = [path for path, there in self._numbers().items() if there == number]
        return next(iter(self._read(paths)), None)

    def pull(self, number: int) -> Thread:
        """The pull request with a number; ForgeError when there is none."""
        thread = self.thread(number)
        if thread is None or thread.branches is None:
            what = "is an issue" if thread else "is not there"
            raise ForgeError(
                f"pull request {number} {what}", fix="`lockstep pulls` lists those that are open"
            )
        return thread

    def pulls(self, *, is_open: bool = True) -> list[Thread]:
        """Pull requests, newest first: those that are open, or all."""
        return [thread for thread in self._list(is_open) if thread.branches is not None]

    def issues(self) -> list[Thread]:
        """Open issues, newest first."""
        return [thread for thread in self._list(True) if thread.branches is None]

    def required(self, base: str) -> tuple[str, ...]:
        """The checks that a branch requires of what is merged into it."""
        names = self._all_required().get(base, [])
        return tuple(name for name in names if isinstance(name, str))

    def edit_required(self, message: str, base: str, names: tuple[str, ...]) -> Edit:
        """The change of what a branch requires."""
        record = {**self._all_required(), base: list(names)}
        text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
        return Edit(message=message, changes={_REQUIRED: text.encode()})

    def edit(self, message: str, threads: Iterable[Thread], *, moves: tuple[RefUpdate, ...] = ()) -> Edit:
        """The change that puts threads in place of those with the same numbers."""
        changes: dict[str, bytes | None] = {}
        for thread in threads:
            now = _path(thread)
            for path, number in self._numbers().items():
                if number == thread.number and path != now:
                    changes[path] = None
            changes[now] = write_thread(thread)
        return Edit(message=message, changes=changes, moves=moves)

    def _all_required(self) -> dict[str, list[object]]:
        data = self.snapshot.read([_REQUIRED]).get(_REQUIRED, b"{}")
        try:
            record = read_json(data)
        except ValueError:
            record = None
        if isinstance(record, dict) and all(isinstance(names, list) for names in record.values()):
            return record
        raise ForgeError(
            "this does not say which checks are required",
            where=f"{PULLS}:{_REQUIRED}",
            fix=f"take back the commit that changed it: `git log -p {PULLS}` shows them",
        )

    def _list(self, is_open: bool) -> list[Thread]:
        paths = [path for path in self._numbers() if not is_open or path.startswith("open/")]
        return sorted(self._read(paths), key=lambda thread: -thread.number)

    def _read(self, paths: Iterable[str]) -> list[Thread]:
        contents = self.snapshot.read(paths)
        return [read_thread(data, where=f"{PULLS}:{path}") for path, data in contents.items()]

    def _numbers(self) -> dict[str, int]:
        found = ((path, _PATH.fullmatch(path)) for path in self.snapshot.blobs)
        return {path: int(match[2]) for path, match in found if match}


def _path(thread: Thread) -> str:
    folder = "open" if thread.ending is None else f"ended/{thread.number // 100}"
    return f"{folder}/{thread.number}.json"
