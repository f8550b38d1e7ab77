"""HTTP: redirects, tokens, retries and what messages may say."""

import logging
import socket
from pathlib import Path

import pytest

from lockstep.artifacts.web import Web
from lockstep.errors import ArtifactError, BadInput, Unreadable
from tests.functional.artifacts.conftest import Reply, Site


def test_a_token_stays_with_its_host(site: Site, web: Web) -> None:
    """It follows a redirect on the same host, never one to another, not even back again."""
    site.put("/start", Reply(status=302, headers={"Location": "/same"}))
    site.put("/same", Reply(status=307, headers={"Location": site.url("/other", "localhost")}))
    site.put("/other", Reply(status=302, headers={"Location": site.url("/back")}))
    site.put("/back", Reply(body=b"done"))
    assert web.ask(site.url("/start"), token="t0ken").body == b"done"
    sent = [headers.get("Authorization") for _, _, headers in site.seen]
    assert sent == ["Bearer t0ken", "Bearer t0ken", None, None]


def test_redirects_end(site: Site, web: Web) -> None:
    """A circle is an error."""
    url = site.put("/a", Reply(status=302, headers={"Location": "/a"}))
    with pytest.raises(ArtifactError, match="redirects more than 5 times"):
        web.ask(url)


@pytest.mark.parametrize("target", ["http://example.org/x", "file:///etc/passwd", "ftp://example.org/"])
def test_redirects_to_what_is_not_encrypted_are_refused(site: Site, web: Web, target: str) -> None:
    """Only https, and http on this machine, is followed."""
    url = site.put("/a", Reply(status=302, headers={"Location": target}))
    with pytest.raises((ArtifactError, BadInput)):
        web.ask(url)


def test_failures_that_pass_are_tried_again(site: Site, web: Web) -> None:
    """A 503 and a rate limit with a bearable Retry-After are waited out."""
    limited = Reply(status=403, headers={"Retry-After": "1"})
    url = site.put("/a", Reply(status=503), limited, Reply(body=b"ok"))
    assert web.ask(url).body == b"ok"


def test_a_long_wait_is_not_waited(site: Site, web: Web) -> None:
    """A server that asks for an hour gets no second request."""
    url = site.put("/a", Reply(status=429, headers={"Retry-After": "3600"}))
    assert web.ask(url).status == 429
    assert len(site.seen) == 1


def test_a_refusal_is_not_tried_again(site: Site, web: Web) -> None:
    """A 403 without Retry-After and a 404 are answers."""
    assert web.ask(site.put("/a", Reply(status=403))).status == 403
    assert web.ask(site.url("/nothing")).status == 404
    assert len(site.seen) == 2


def test_a_broken_download_begins_again(site: Site, web: Web, tmp_path: Path) -> None:
    """A connection that breaks in the body leaves no half file behind a success."""
    url = site.put("/a", Reply(body=b"half", is_cut=True), Reply(body=b"the whole"))
    assert web.download(url, tmp_path / "f", limit=100).status == 200
    assert (tmp_path / "f").read_bytes() == b"the whole"
    url = site.put("/b", Reply(body=b"half", is_cut=True))
    with pytest.raises(ArtifactError, match=r"/b: the connection broke"):
        web.download(url, tmp_path / "f", limit=100)


def test_a_download_is_bounded(site: Site, web: Web, tmp_path: Path) -> None:
    """A body over the limit stops."""
    with pytest.raises(ArtifactError, match="larger than"):
        web.download(site.put("/a", Reply(body=b"x" * 101)), tmp_path / "f", limit=100)


def test_nobody_there(web: Web) -> None:
    """A closed port and a name that does not exist say what is wrong."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unreadable, match=r"cannot be reached[\s\S]*fix:"):
            web.ask(f"http://127.0.0.1:{closed.getsockname()[1]}/x?secret=1")
    with pytest.raises(ArtifactError, match=r"https://nowhere.invalid/x: there is no such host"):
        web.ask("https://nowhere.invalid/x?secret=1")


def test_a_host_that_is_away_is_asked_once(web: Web) -> None:
    """Its other files are unreadable for the same reason, without as many time-outs."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(Unreadable, match="/one: the host cannot be reached"):
            web.ask(f"http://127.0.0.1:{port}/one")
        closed.listen()
        with pytest.raises(Unreadable, match="/two: the host cannot be reached"):
            web.ask(f"http://127.0.0.1:{port}/two")
        closed.settimeout(0)
        with pytest.raises(BlockingIOError):
            closed.accept()


def test_queries_reach_no_message_and_no_log(site: Site, web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """A presigned URL's query shows nowhere, not even when the connection breaks and is retried."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with caplog.at_level(logging.DEBUG), pytest.raises(ArtifactError) as error:
            web.ask(f"http://127.0.0.1:{closed.getsockname()[1]}/x?X-Amz-Signature=s3cret")
    web.ask(site.put("/a", Reply(status=503), Reply()) + "?X-Amz-Signature=s3cret")
    assert "s3cret" not in str(error.value) + caplog.text


def test_a_proxy_from_the_environment_is_used(site: Site, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """http_proxy gets the request, its password in the header and not in a message; no_proxy goes around."""
    monkeypatch.setenv("http_proxy", site.url("").replace("://", "://user:hunter2@"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    web.ask("http://127.0.0.2:1/through")
    assert site.seen[0][1] == "http://127.0.0.2:1/through"
    assert site.seen[0][2]["proxy-authorization"] == "Basic dXNlcjpodW50ZXIy"
    monkeypatch.setenv("no_proxy", "127.0.0.2")
    with pytest.raises(ArtifactError, match="cannot be reached"):
        web.ask("http://127.0.0.2:1/around")


def test_an_untrusted_certificate_is_named(tmp_path: Path, web: Web) -> None:
    """A host whose certificate nobody signed is refused, with the way to name the authority."""
    import ssl
    import subprocess
    import threading

    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", key, "-out", certificate, "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    site = Site()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
    url = f"https://localhost:{site.server_port}/a"
    site.put("/a", Reply(body=b"trusted"))
    try:
        with pytest.raises(ArtifactError, match=r"not trusted[\s\S]*SSL_CERT_FILE"):
            web.ask(url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            assert web.ask(url).body == b"trusted"
    finally:
        site.shutdown()
        site.server_close()
