"""The example's handler as Lambda loads it, and a real RabbitMQ where one is installed."""

import importlib.util
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lockstep.local.server import Server, free_port

EXAMPLE = Path(__file__).parents[3] / "examples" / "syrf"


@pytest.fixture
def app() -> ModuleType:
    """A freshly loaded ``app.py``, as at a cold start."""
    source = EXAMPLE / "monorepo" / "src" / "s3-notifier" / "app.py"
    spec = importlib.util.spec_from_file_location("app", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _answers(port: int) -> bool:
    """The broker greets: it closes a connection whose protocol it does not know, with its own header."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"AMQP\x00\x00\x00\x00")
        return connection.recv(8)[:4] == b"AMQP"


@pytest.fixture
def rabbitmq() -> Iterator[Callable[[], Server]]:
    """Starts RabbitMQ brokers on loopback; skips where ``rabbitmq-server`` is not installed."""
    found = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin" + os.pathsep + os.environ["PATH"])
    if found is None:
        pytest.skip("no rabbitmq-server here: apt install rabbitmq-server")
    started: list[Server] = []

    def start() -> Server:
        epmd = free_port()
        server = Server.start(
            name="rabbitmq",
            # epmd in the foreground: as a daemon it would outlive the broker
            command=lambda port: (
                "sh",
                "-c",
                f'epmd -address 127.0.0.1 -port {epmd} & exec "{found}"',
            ),
            environment=lambda port, folder: {
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "ERL_EPMD_PORT": str(epmd),
                "ERL_EPMD_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODENAME": f"test{port}@localhost",
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(port),
                "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
                "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
                "RABBITMQ_LOG_BASE": str(folder / "log"),
                "RABBITMQ_CONFIG_FILE": str(folder / "none"),
                "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            },
            is_ready=lambda endpoint: _answers(int(endpoint.rpartition(":")[2])),
            seconds=120,
        )
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
