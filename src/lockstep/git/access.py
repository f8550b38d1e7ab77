"""Access to a host with a token: sent to that host only, through git's environment, never written down."""

import base64
from dataclasses import field
from urllib.parse import urlsplit

from lockstep.errors import BadInput
from lockstep.values import dataclass

__all__ = ["Access"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """A token for all repositories of one host.

    ``base`` is the host's address, for example the value of GITHUB_SERVER_URL. Raises BadInput when
    the token would travel unencrypted to another machine.
    """

    base: str  # https://github.com
    token: str = field(repr=False)
    user: str = "x-access-token"  # GitHub takes any name; this is the one that it documents

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        is_local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
            raise BadInput(
                "a token is sent over https only", where=parts.hostname, fix="give the host's https address"
            )

    @property
    def configuration(self) -> tuple[tuple[str, str], ...]:
        """Git configuration that sends the token to the host, and nowhere that the host sends us.

        The empty value clears what was set before, such as the header that actions/checkout leaves in
        a clone: GitHub refuses a request with two. Redirects are off for this host by name too, for that
        counts more than what is set for all hosts.
        """
        parts = urlsplit(self.base)
        host = f"http.{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
        key = f"{host}.extraHeader"
        credentials = base64.b64encode(f"{self.user}:{self.token}".encode()).decode("ascii")
        header = f"Authorization: Basic {credentials}"
        return ((f"{host}.followRedirects", "false"), (key, ""), (key, header))
