"""``lockstep`` in processes of their own that do not load everything anew.

Starting Python, importing Lockstep and reading the models of AWS's services is more than half of what a
small command costs. So one process does it once and forks for each command. ``forked()`` gives a folder with
a program ``lockstep`` that hands over its arguments, environment, folder, umask and streams, passes signals
on, and ends as the command did; if it is killed, so is the command.

The command is a child of another process and leads a session of its own: it has no terminal, and does not
belong to the process group of who started it. What Python looks at when it starts (variables ``PYTHON*``, the
locale's encoding, the seed of hashes, closed streams) is as it was for the process that forks. What is about
that, or about the start itself, asks for ``python -m lockstep``.
"""

import contextlib
import gc
import marshal
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import lockstep
from tests.support.warm import warm_up

__all__ = ["forked"]

_ROOT = Path(__file__).parents[2]
_OTHERS = ("lockstep.__main__", "lockstep.serve", "lockstep.store")  # what no command but one loads

# Without site, os and signal, since this is what still starts for each command.
_PROGRAM = f"""\
#!{os.path.realpath(sys.executable)} -IS
import _signal, _socket, marshal, posix, sys
connection = _socket.socket(_socket.AF_UNIX)
connection.connect(sys.argv[0].rpartition("/")[0] + "/socket")
umask = posix.umask(0)
posix.umask(umask)
data = marshal.dumps((sys.argv, posix.environ, umask))
files = (0, 1, 2, posix.open(".", posix.O_RDONLY))
rights = b"".join(file.to_bytes(4, sys.byteorder) for file in files)
connection.sendmsg([len(data).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
connection.sendall(data)
for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"):
    _signal.signal(getattr(_signal, name), lambda number, frame: connection.sendall(bytes([number])))
status = connection.recv(2)
if not status:
    posix.write(2, b"the process that forks commands has ended\\n")
    posix._exit(70)
code = posix.waitstatus_to_exitcode(int.from_bytes(status, "big"))
if code < 0:
    if -code != _signal.SIGKILL:
        _signal.signal(-code, _signal.SIG_DFL)
    posix.kill(posix.getpid(), -code)
posix._exit(code)
"""


@contextlib.contextmanager
def forked() -> Iterator[Path]:
    """A folder with a program ``lockstep`` that is forked, and the process that forks."""
    folder = Path(tempfile.mkdtemp(prefix="lockstep-forks-"))  # a socket's path is short
    program = folder / "lockstep"
    program.write_text(_PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.forking", str(folder)],
        cwd=_ROOT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for those that start commands
    ) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            shutil.rmtree(folder)
            raise AssertionError("the process that forks commands did not start")
        yield folder


def _serve(folder: Path) -> None:
    """Fork for each command until nobody holds the other end of the standard input; remove the folder."""
    for module in pkgutil.walk_packages(lockstep.__path__, "lockstep."):
        if not module.name.startswith(_OTHERS):
            __import__(module.name)
    warm_up()
    gc.collect()
    gc.freeze()  # else the first collection of each child copies everything
    ended, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.listen(64)
    os.write(1, b"\n")
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([0, listener, ended, *running.values()], [], [])
        if 0 in ready:
            break
        for child, connection in [*running.items()]:
            if connection in ready:
                os.kill(child, (connection.recv(1) or bytes([signal.SIGKILL]))[0])
        if ended in ready:
            ended.recv(64)
            while running and (told := os.waitpid(-1, os.WNOHANG))[0]:
                with running.pop(told[0]) as connection, contextlib.suppress(BrokenPipeError):
                    connection.sendall(told[1].to_bytes(2, "big"))
        if listener in ready:
            connection, _ = listener.accept()
            head, files, _, _ = socket.recv_fds(connection, 4, 4)
            data = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
            child = os.fork()
            if child == 0:
                for other in (ended, wake, listener, connection, *running.values()):
                    other.close()
                _run(files, *marshal.loads(data))  # noqa: S302 - our own
            running[child] = connection
            for file in files:
                os.close(file)
    shutil.rmtree(folder)


def _run(files: list[int], arguments: list[str], environment: dict[bytes, bytes], umask: int) -> None:
    """Be the command, as if it had been started so; does not return."""
    from lockstep.__main__ import start

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.fchdir(files[3])
    os.umask(umask)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    # New ones, since the old ones remember what kind of file they were opened on.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115
    os.environb.clear()
    os.environb.update(environment)
    time.tzset()
    tempfile.tempdir = None
    sys.argv = arguments
    sys.exit(start())


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
