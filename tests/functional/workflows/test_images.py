"""The preview workflow with both kinds of services: a function's zip and another service's image."""

import http.server
import sys
import threading
from pathlib import Path

from lockstep.artifacts.oci import Registry
from tests.functional.workflows.conftest import GITOPS, MONO, World, app
from tests.support.docker_registry import needs_registry, registry_server

ROOT = Path(__file__).resolve().parents[3]


@needs_registry
def test_one_workflow_builds_both_and_functions_follow_services(world: World, tmp_path: Path) -> None:
    """A pull request changes a function and a service: both are built, the service is written with the digest
    of its image, and the function when the service answers.
    """
    seen: list[tuple[str, set[str]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            world.git(GITOPS, "fetch", "-q", "origin")
            listing = world.git(GITOPS, "ls-tree", "-r", "--name-only", "origin/main")
            names = {Path(path).name for path in listing.splitlines() if "/pr-" in path}
            seen.append((self.path, names))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with (
        registry_server(tmp_path) as host,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service,
    ):
        threading.Thread(target=service.serve_forever, args=(0.01,), daemon=True).start()
        try:
            url = f"http://127.0.0.1:{service.server_address[1]}/{{env}}/{{service}}"
            module = f"{sys.executable} -m tests.support.docker_registry"
            push = f'PYTHONPATH={ROOT} {module} "$LOCKSTEP_IMAGE" src/api/x'
            image = f"exists: required, repository: '{host}/acme/api'"
            mono = (world.clone(MONO) / "lockstep.yaml").read_text()
            paths = "source: {paths: [src/api]}"
            build = f"build: {{builder: command, command: '{push}'}}"
            built = mono.replace(paths, f"{paths}\n    image: {{{image}, {build}}}\n    ")
            gitops = (world.clone(GITOPS) / "lockstep.yaml").read_text()
            waiting = gitops.replace("{label: preview}", f'{{label: preview, waitFor: {{url: "{url}"}}}}')
            waiting += f"services: {{api: {{image: {{{image}}}}}}}\n"
            world.push(MONO, {"lockstep.yaml": built}, message="ci: images")
            world.push(GITOPS, {"lockstep.yaml": waiting}, message="images")
            world.pushed(MONO, "release")
            world.pushed(GITOPS, "deploy")
            files = {"src/notifier/app.py": app("of the branch"), "src/api/x": "2\n"}
            world.push(MONO, {**files}, branch="feature", message="feat: both")
            forge = world.forge(MONO)
            pull = forge.open_pull(head="feature", base="main", title="x", body="", labels=["preview"])
            ran = world.happened(MONO, "preview", "labeled", pull, label="preview")
            assert [one.job for one in ran] == ["release", "up"]
            (first, *_) = seen
            assert first[0] == f"/pr-{pull.number}/api"
            assert "api.values.yaml" in first[1]
            assert "notifier.values.yaml" not in first[1]
            path = f"environments/preview/pr-{pull.number}/services/api.values.yaml"
            world.git(GITOPS, "fetch", "-q", "origin")
            declared = world.git(GITOPS, "show", f"origin/main:{path}")
            tag, _, digest = declared.partition('tag: "')[2].partition('"')[0].partition("@")
            assert f"-pr{pull.number}." in tag
            assert Registry().digest(f"{host}/acme/api", tag) == digest
            world.pushed(GITOPS, "deploy")
            assert f"notifier-pr-{pull.number}" in world.functions()
        finally:
            service.shutdown()
