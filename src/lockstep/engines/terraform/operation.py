"""One run's Terraform: init, plan, show and apply, with waiting for locks."""

import json
import logging
import os
import posixpath
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from lockstep.children import Child, hint
from lockstep.engines.terraform.command import Output, Program
from lockstep.engines.terraform.errors import Diagnostic, error_of, plain_text
from lockstep.engines.terraform.files import Files
from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.stream import Lock, Stream, lock_of
from lockstep.engines.terraform.workdir import Workdir
from lockstep.errors import LONGEST, BadInput, CloudError, Interrupted, LockstepError
from lockstep.fence import current_fence
from lockstep.model.blotting import blotted
from lockstep.model.watching import Watcher
from lockstep.values import dataclass

__all__ = ["Operation"]

log = logging.getLogger(__name__)

_LOCK_PAUSE = 2.0  # seconds between two tries for a lock that somebody holds


@dataclass(kw_only=True)
class Operation:
    """Terraform in the folder of one run. ``secrets`` and its credentials reach no error's text."""

    run: Run
    program: Program
    files: Files
    workdir: Workdir
    scratch: Path
    environment: Mapping[str, str]
    stopped: Callable[[float], bool]  # waits so many seconds for a stop; True when it has come
    watcher: Watcher
    lock_pause: float = _LOCK_PAUSE
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    _has_init: bool = field(default=False, init=False)

    def prepare(self) -> None:
        """Write the files, and initialise them where that was not done before."""
        self._check_backend()
        _ = self.program.version
        self.workdir.write()
        if not self.workdir.is_ready:
            self._init()
        self._check_workspace()

    def plan(
        self, variables: Mapping[str, Any], *, locks: bool, refreshes: bool, only: Sequence[str] = ()
    ) -> bool:
        """Make a plan and keep it; whether it would do anything. ``locks``: hold the lock meanwhile.

        ``only`` are addresses of resources: Terraform leaves all others alone that they do not need.
        """
        file = self.scratch / "variables.tfvars.json"
        _write_private(file, json.dumps(variables))
        arguments = [
            "plan",
            "-json",
            "-input=false",
            "-detailed-exitcode",
            f"-out={self._plan_file}",
            f"-var-file={file}",
            "-lock-timeout=0s" if locks else "-lock=false",
            *([] if refreshes else ["-refresh=false"]),
            *(f"-target={address}" for address in only),
        ]
        self.watcher.progress(f"terraform plan: {self.run.name}")
        # The plan holds every secret that is passed; Terraform writes it as the umask says.
        _write_private(self._plan_file, "")
        code, stream = self._with_lock(arguments, Stream)
        file.unlink(missing_ok=True)
        if code in (0, 2):
            self._plan_file.chmod(0o600)
            return code == 2
        raise self._failure(stream, "terraform plan")

    def show(self) -> str:
        """The plan that was made, as JSON."""
        self.watcher.progress(f"reading the plan: {self.run.name}")
        output = self._run(["show", "-json", str(self._plan_file)])
        if output.code:
            raise self._error(plain_text(output.said), "terraform show")
        (self.scratch / "show.out").unlink(missing_ok=True)
        return output.text

    def pull(self) -> str:
        """The state as the backend keeps it; "" when there is none."""
        self.watcher.progress(f"reading the state: {self.run.name}")
        output = self._run(["state", "pull"])
        if output.code:
            raise self._error(plain_text(output.said), "terraform state pull")
        (self.scratch / "state.out").unlink(missing_ok=True)
        return output.text

    def apply(self, on_resource: Callable[[str, str, float], None]) -> tuple[int, Stream]:
        """Apply the plan that was made; exit code, and all that the stream said."""
        current_fence()()
        arguments = ["apply", "-json", "-input=false", "-lock-timeout=0s", str(self._plan_file)]
        return self._with_lock(arguments, lambda: Stream(on_resource=on_resource))

    def text_of(self, diagnostic: Diagnostic, doing: str) -> str:
        """A diagnostic in the words of an error."""
        return str(self._error(diagnostic, doing))

    def failure(self, stream: Stream, doing: str) -> LockstepError:
        """The error of a command that failed."""
        return self._failure(stream, doing)

    @property
    def _plan_file(self) -> Path:
        return self.scratch / "plan"

    @property
    def _place(self) -> str:
        return self.run.settings.place

    def _check_backend(self) -> None:
        settings = self.run.settings
        if not self.files.backend:
            raise BadInput(
                f"the folder {settings.folder} declares no backend: its state would stay on this machine",
                where=self._place,
                fix='add backend "s3" {} to its terraform block, with use_lockfile = true',
            )
        path = settings.backend.get("path", "")
        if self.files.backend == "local" and not (posixpath.isabs(path) or self.files.keeps_path):
            raise BadInput(
                "the local backend has no absolute path: the state would lie in Lockstep's cache",
                where=self._place,
                fix="use a backend that every machine reaches, or give backend: {path: /absolute/path}",
            )

    def _check_workspace(self) -> None:
        wanted = self.run.settings.workspace
        if wanted == "default":
            return
        output = self._run(["workspace", "list"], workspace="default")
        if output.code:
            raise self._error(plain_text(output.said), "terraform workspace list")
        there = [line.strip("* ").strip() for line in output.text.splitlines() if line.strip()]
        if wanted not in there:
            raise BadInput(
                f"the workspace {wanted} does not exist; there are: {', '.join(there)}",
                where=self._place,
                fix=f"make it with `{self.program.name} workspace new {wanted}`, or correct `workspace:`",
            )

    def _init(self) -> None:
        self.watcher.progress(f"terraform init: {self.run.name}")
        arguments = ["init", "-input=false", "-no-color", "-reconfigure"]
        arguments += [f"-backend-config={name}={value}" for name, value in self.run.settings.backend.items()]
        with self.workdir.alone():
            output = self._run(arguments, workspace="default")
            if output.code:
                raise self._error(plain_text(output.said), "terraform init")
            self.workdir.mark_ready()
        self._has_init = True

    def _with_lock(self, arguments: Sequence[str], make: Callable[[], Stream]) -> tuple[int, Stream]:
        """Run a command; while somebody else holds the lock, say who and try again."""
        begun = time.monotonic()
        told = ""
        while True:
            stream = make()
            output = self._run(arguments, on_line=stream.take)
            if self.stopped(0.0) and output.code not in (0, 2) and not stream.states:
                raise Interrupted("stopped before anything was changed", where=self.run.name)
            if output.code == 1 and not stream.errors:  # it failed before it could speak JSON
                stream.diagnostics.append(plain_text(output.said))
            stream.diagnostics = [self._shown(one) for one in stream.diagnostics]
            if output.code == 1 and stream.needs_init and not self._has_init:
                self._init()
                continue
            lock = stream.lock if output.code == 1 else None
            if lock is None:
                return output.code, stream
            if time.monotonic() - begun >= self.run.settings.lock_seconds:
                raise self._locked(lock)
            words = f"waiting for the lock of {self.run.name}: {lock.words()}, lock {lock.id}"
            self.watcher.progress(words)
            if lock.id != told:
                told = lock.id
                log.warning("%s", words)
            if self.stopped(self.lock_pause):
                raise Interrupted(f"stopped while {lock.words()}", where=self.run.name)

    def _locked(self, lock: Lock) -> CloudError:
        return CloudError(
            f"the state of {self.run.name} is locked: {lock.words()}, lock {lock.id}",
            where=self._place,
            fix="wait for that run, or for longer with `lockTimeout:`; if it was killed, and only then: "
            f"`{self.program.name} force-unlock {lock.id}` in {self.run.settings.folder}",
        )

    def _run(self, arguments: Sequence[str], *, workspace: str | None = None, **options: Any) -> Output:
        name = workspace or self.run.settings.workspace
        chosen = {} if name == "default" else {"TF_WORKSPACE": name}
        output = self.program.run(
            arguments,
            folder=self.workdir.folder,
            scratch=self.scratch,
            variables={**self.environment, **self.workdir.variables, **chosen},
            **options,
        )
        if output.code and arguments[0] not in ("plan", "apply") and self.stopped(0.0):
            raise Interrupted("stopped before anything was changed", where=self.run.name)
        return output

    def _failure(self, stream: Stream, doing: str) -> LockstepError:
        if not stream.errors:
            return CloudError(f"{doing} failed and did not say why", where=self._place)
        first = stream.errors[0]
        return self._error(first, doing, more=len(stream.errors) - 1)

    def _error(self, diagnostic: Diagnostic, doing: str, more: int = 0) -> LockstepError:
        shown = self._shown(diagnostic)
        lock = lock_of(shown.says)
        if lock is not None:
            return self._locked(lock)
        told = error_of(shown, folder=self.files.folder, doing=doing, place=self._place)
        if more:
            told.problem += f" (and {more} more {'error' if more == 1 else 'errors'})"
        told.fix = "; ".join(filter(None, (told.fix, hint(Child.TERRAFORM, shown.says)))) or None
        told.args = (str(told),)
        return told

    def _shown(self, diagnostic: Diagnostic) -> Diagnostic:
        """What may be shown of it. Before it is cut: of half a secret nobody knows that it is one."""
        hidden = self.secrets | self.program.credentials
        summary, detail, code = (
            blotted(text, hidden, longest=LONGEST)
            for text in (diagnostic.summary, diagnostic.detail, diagnostic.code)
        )
        return replace(diagnostic, summary=summary, detail=detail, code=code)


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
