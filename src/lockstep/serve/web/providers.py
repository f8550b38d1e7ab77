"""Which provider a file names."""

from lockstep.serve.access import Login
from lockstep.serve.web.github import GitHub
from lockstep.serve.web.identity import Provider
from lockstep.serve.web.openid import OpenId

__all__ = ["provider_of"]


def provider_of(login: Login, secret: str | None) -> Provider:
    """It, asked with the secret of this client where it has one."""
    return GitHub(login, secret) if login.is_github else OpenId(login, secret)
