"""A connection that cannot be encrypted says why, with whatever library git and Python were built."""

import http.server
import socketserver
import threading
from collections.abc import Iterator

import pytest
import urllib3

from lockstep.errors import LockstepError
from lockstep.git.command import explain_failure, run_git
from lockstep.web import trouble, trouble_of_tls

CERTIFICATE = "the host's certificate is not trusted"
FAILED = "the encrypted connection with the host failed"
PLAIN = "the host answers without TLS at that port"
SAID = {
    "gnutls_handshake() failed: An unexpected TLS packet was received.": PLAIN,
    "error:0A00010B:SSL routines::wrong version number": PLAIN,
    "error:1408F10B:SSL routines:ssl3_get_record:wrong version number": PLAIN,
    "error:0A0000C6:SSL routines::packet length too long": PLAIN,
    "server certificate verification failed. CAfile: none CRLfile: none": CERTIFICATE,
    "server verification failed: certificate signer not trusted. (CAfile: none)": CERTIFICATE,
    "SSL certificate problem: unable to get local issuer certificate": CERTIFICATE,
    "SSL certificate problem: self-signed certificate": CERTIFICATE,
    "SSL: no alternative certificate subject name matches target host name 'h'": CERTIFICATE,
    "error setting certificate verify locations: CAfile: /no": CERTIFICATE,
    "error reading ca cert file /no (Error while reading file.)": CERTIFICATE,
    "gnutls_handshake() failed: A TLS fatal alert has been received.": FAILED,
    "gnutls_handshake() failed: The TLS connection was non-properly terminated.": FAILED,
    "GnuTLS recv error (-110): The TLS connection was non-properly terminated.": FAILED,
    "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to h:443": FAILED,
    "error:0A000410:SSL routines::sslv3 alert handshake failure": FAILED,
}


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """The https URL of a server that speaks HTTP without TLS."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}/owner/repository.git"
        server.shutdown()


@pytest.mark.parametrize("words", SAID)
def test_what_git_says_of_tls_has_its_hint(words: str) -> None:
    """In the words of OpenSSL and of GnuTLS."""
    told = explain_failure(f"fatal: unable to access 'https://h/': {words}", doing="fetching")
    assert SAID[words] in str(told)
    assert told.fix


def test_git_names_a_port_without_tls(plain: str) -> None:
    """Of a server that is there, with the git that is installed."""
    with pytest.raises(LockstepError, match="answers without TLS at that port"):
        run_git(["ls-remote", plain], doing="listing", environment={"https_proxy": "", "HTTPS_PROXY": ""})


def test_http_names_a_port_without_tls(plain: str) -> None:
    """And nobody is sent to look for certificates."""
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        urllib3.PoolManager(retries=False).request("GET", plain)
    assert trouble(caught.value)[0] == "the host answers without TLS at that port"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get",
            CERTIFICATE,
        ),
        ("Hostname mismatch, certificate is not valid for 'h'", CERTIFICATE),
        ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] ssl/tls alert handshake failure", FAILED),
        ("EOF occurred in violation of protocol", FAILED),
    ],
)
def test_other_trouble_of_tls_is_told_apart(words: str, what: str) -> None:
    """A certificate is named only where it is one."""
    assert what in trouble_of_tls(Exception(words))[0]
