"""Jobs by procrastinate: each says that it is a project's turn, and any machine takes it.

What a job says can be found out anew at any time, so that none is needed twice and a lost one costs a
second. Its four rules:

- A job of a process that was killed stays under way and its lock blocks all that come after. The leader
  removes jobs whose worker gives no sign of life (``reap``), itself and not by a job, which would need
  somebody to remove it too.
- Its lock does not fence: a process that stood still and wakes goes on. The turn does (``turns``): it is
  asked before each write.
- ``queueing_lock`` limits what waits, not what is done: so what is asked for during a turn is one job more.
- What waits for a lock is found by looking, not by a notice: hence the short ``_LOOK``.

Its tables are in a schema that is named after its version. None of them outlives a new one, so none is ever
migrated, and machines of two releases do not meet there.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import procrastinate
import psycopg
from procrastinate import exceptions
from psycopg.conninfo import make_conninfo

from lockstep.store.base import StoreError

__all__ = ["Jobs"]

for _name in ("procrastinate", "psycopg.pool"):  # what they say is raised as well
    logging.getLogger(_name).addHandler(logging.NullHandler())

_LOOK = 1.0  # seconds between two looks for jobs whose lock is free again
_PATIENCE = 2.0  # seconds for a connection
_TASK = "turn"
_MAKING = 0x10C4_57EA


class Jobs:
    """The jobs in one database, for which ``sign`` seconds without one are a dead worker's."""

    def __init__(self, address: str, *, sign: float) -> None:
        self._schema = "lockstep_jobs_" + version("procrastinate").replace(".", "_")
        options = f"-c search_path={self._schema},public"
        self._address = make_conninfo(
            address, options=options, connect_timeout=5, application_name="lockstep"
        )
        self._sign = sign
        self._is_made = False
        self._app: Any = None

    def defer(self, projects: Sequence[str]) -> None:
        """It is their turn: one job for each that has none waiting. Raises StoreError."""
        with self._told():
            if self._app is None:
                self._make()
                connector = procrastinate.SyncPsycopgConnector(**self._pool(1))
                self._app = procrastinate.App(connector=connector).open()
            for name in projects:
                with contextlib.suppress(exceptions.AlreadyEnqueued):
                    self._app.configure_task(_TASK, lock=name, queueing_lock=name).defer(project=name)

    def close(self) -> None:
        """Let go of the connection that jobs are made by."""
        app, self._app = self._app, None
        if app is not None:
            app.close()

    def reap(self, stuck: Sequence[str] = ()) -> int:
        """Remove the jobs of workers that give no sign of life; how many. Raises StoreError.

        And those of projects that nobody is at although their job says so: the database was away when it
        ended.
        """

        async def work() -> int:
            connector = procrastinate.PsycopgConnector(**self._pool(1))
            async with procrastinate.App(connector=connector).open_async() as app:
                stalled = [*await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._sign)]
                for name in stuck:
                    stalled += await app.job_manager.list_jobs_async(lock=name, status="doing")
                for job in {job.id: job for job in stalled}.values():
                    await app.job_manager.finish_job(
                        job, status=procrastinate.jobs.Status.FAILED, delete_job=True
                    )
                await app.job_manager.prune_stalled_workers(self._sign)
                return len(stalled)

        with self._told():
            self._make()
            return asyncio.run(work())

    def work(self, do: Callable[[str], None], *, at_once: int, stop: threading.Event) -> None:
        """Take jobs and do them, so many at once, until it is stopped. Raises StoreError."""

        async def run() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, __: None)  # what matters is raised, or found by ``reap``
            loop.set_default_executor(ThreadPoolExecutor(at_once + 4))
            connector = procrastinate.PsycopgConnector(**self._pool(4))
            app = procrastinate.App(connector=connector)

            @app.task(name=_TASK)
            def turn(project: str) -> None:
                do(project)

            async with app.open_async():
                worker = asyncio.create_task(
                    app.run_worker_async(
                        concurrency=at_once,
                        delete_jobs="always",
                        fetch_job_polling_interval=_LOOK,
                        install_signal_handlers=False,
                        update_heartbeat_interval=self._sign / 3,
                        stalled_worker_timeout=self._sign,
                    )
                )
                while not stop.is_set() and not worker.done():
                    await asyncio.wait([worker], timeout=0.2)
                worker.cancel()  # what is done ends by the same stop, and is waited for
                with contextlib.suppress(asyncio.CancelledError):
                    await worker

        with self._told():
            self._make()
            asyncio.run(run())

    def _pool(self, size: int) -> dict[str, Any]:
        return {"conninfo": self._address, "min_size": 1, "max_size": size, "timeout": _PATIENCE}

    def _make(self) -> None:
        """Make the tables of this version of procrastinate where they are not there."""
        if self._is_made:
            return
        with psycopg.connect(self._address) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
            found = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
            if found is None or found[0] is None:
                connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"'.encode())
                connection.execute(procrastinate.schema.SchemaManager.get_schema().encode())
        self._is_made = True

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, exceptions.ProcrastinateException, OSError) as error:
            self._is_made = False
            self.close()
            said = str(error.__cause__ or error).partition("\n")[0]
            raise StoreError(said or type(error).__name__, where="database") from None
