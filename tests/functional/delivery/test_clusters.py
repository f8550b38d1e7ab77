"""A cluster that is asked by the real ``kubectl``, over a small API server; and every way not to hear it."""

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync import clusters
from lockstep.delivery.sync.clusters import with_cluster
from lockstep.model import Environment, Fleet, Health, StatusRow, SyncStatus
from tests.support.roads import project, target

GROUP, VERSION = "lambda.services.k8s.aws", "v1alpha1"
TOKEN = "t0ken-of-the-kubeconfig-42"
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")


def _function(service: str, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Function",
        "metadata": {"name": service, "namespace": "shop-staging"},
        "spec": {"name": f"staging-{service}"},
        "status": status,
    }


class _Server(ThreadingHTTPServer):
    """What ``kubectl get`` asks: the groups, the kinds of one, and the objects of a namespace."""

    daemon_threads = True
    items: list[dict[str, Any]]
    code = 200
    asked: list[str]
    names = ("functions", "Function")

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        path = path.partition("?")[0]
        kinds = f"/apis/{GROUP}/{VERSION}"
        if path == "/api":
            return 200, {"kind": "APIVersions", "versions": []}
        if path == "/apis":
            version = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
            group = {"name": GROUP, "versions": [version], "preferredVersion": version}
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}
        if path == kinds:
            name, kind = self.names
            one = {
                "name": name,
                "singularName": "",
                "namespaced": True,
                "kind": kind,
                "verbs": ["get", "list"],
            }
            return 200, {"kind": "APIResourceList", "groupVersion": kinds[6:], "resources": [one]}
        if "/namespaces/" not in path:  # as /version, which some builds ask
            return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}
        self.asked.append(path)
        if self.code != 200:
            said = f"functions is forbidden: User password={TOKEN} cannot list"
            reason = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": said}
            return self.code, {**reason, "apiVersion": "v1", "code": self.code}
        return 200, {"kind": "FunctionList", "apiVersion": f"{GROUP}/{VERSION}", "items": self.items}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code, body = cast("_Server", self.server).answer(self.path)
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    """A server, and a kubeconfig that leads to it."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.asked, server.items = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HOME", str(tmp_path))
    _kubeconfig(tmp_path, monkeypatch, f"http://127.0.0.1:{server.server_address[1]}")
    yield server
    server.shutdown()
    server.server_close()


def _kubeconfig(folder: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "c", "user": {"token": TOKEN}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def _rows(*services: str) -> tuple[Workspace, list[StatusRow]]:
    """A workspace whose staging ACK applies, as far as anybody asks for it, and its rows."""
    staging = Environment(name="staging", account="123456789012", region="eu-west-1", engine="ack")
    own = project(environments={"staging": staging})
    targets = {f"staging/{name}": target(f"staging/{name}") for name in services}
    fleet = Fleet(project="shop", targets=targets)
    workspace = cast("Workspace", SimpleNamespace(project=own, fleet=fleet))
    rows = [
        StatusRow(
            target=key,
            service=one.service,
            environment="staging",
            deployment_type="lambda",
            declared="1.0.0",
            live="1.0.0",
            status=SyncStatus.SYNCED,
            health=Health.HEALTHY,
        )
        for key, one in targets.items()
    ]
    return workspace, rows


@needs_kubectl
def test_conditions_come_by_one_call_for_all(cluster: _Server) -> None:
    """With their age and message, secrets out of them; what is not there is Unknown, and never guessed."""
    condition = {
        "type": "ACK.Terminal",
        "status": "True",
        "message": "AccessDenied: password=hunter-two-22",
        "lastTransitionTime": "2026-11-30T11:00:00Z",
    }
    cluster.items = [_function("api", conditions=[condition]), _function("other")]
    rows, notes = with_cluster(*_rows("api", "web"))
    assert notes == ()
    (api,), (web,) = (row.cluster for row in rows)
    assert (api.name, api.health) == ("Function shop-staging/api", Health.DEGRADED)
    assert (api.message, api.since) == ("AccessDenied: (secret)", "2026-11-30T11:00:00Z")
    assert (web.health, web.message) == (Health.UNKNOWN, "the cluster has none of that name")
    assert cluster.asked == [f"/apis/{GROUP}/{VERSION}/namespaces/shop-staging/functions"]


@needs_kubectl
def test_what_is_forbidden_and_another_cluster_are_notes(cluster: _Server) -> None:
    """The rows stay as AWS has them, and no secret is in the words."""
    workspace, rows = _rows("api")
    cluster.code = 403
    told, (note,) = with_cluster(workspace, rows)
    assert told == tuple(rows)
    assert "functions.lambda.services.k8s.aws in shop-staging: " in note
    assert "forbidden" in note
    assert "what AWS says stands" in note
    assert TOKEN not in note
    cluster.names = ("widgets", "Widget")  # as a cluster without ACK
    told, (note,) = with_cluster(workspace, rows)
    assert told == tuple(rows)
    assert "doesn't have a resource type" in note


def test_nobody_is_asked_without_a_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for targets that no cluster applies."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    workspace, rows = _rows("api")
    assert with_cluster(workspace, rows) == (tuple(rows), ())
    _kubeconfig(tmp_path, monkeypatch, "http://127.0.0.1:1")
    staging = replace(workspace.project.environments["staging"], engine="aws")
    own = replace(workspace.project, environments={"staging": staging})
    other = cast("Workspace", SimpleNamespace(project=own, fleet=workspace.fleet))
    assert with_cluster(other, rows) == (tuple(rows), ())


_SILENT = "exec sleep 60"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "there is no kubectl on PATH"),
        (_SILENT, "kubectl has not answered"),
        ("echo nothing", "something else than a list"),
        ("echo '{\"items\": [3]}'", "something else than a list"),
        ("exit 7", "kubectl ended with 7"),
    ],
)
def test_a_kubectl_that_says_nothing_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, said: str
) -> None:
    """Missing, silent, odd: each is told, and the rows stay as AWS has them."""
    workspace, rows = _rows("api")
    _kubeconfig(tmp_path, monkeypatch, "http://127.0.0.1:1")
    if script == _SILENT:
        monkeypatch.setattr(clusters, "_SECONDS", -4.5)  # half a second in all
    folder = tmp_path / "bin"
    folder.mkdir()
    if script is not None:
        (folder / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}" if script is None else f"{folder}:/usr/bin:/bin")
    told, (note,) = with_cluster(workspace, rows)
    assert told == tuple(rows)
    assert said in note
