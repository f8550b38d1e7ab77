"""People of a GitHub, by its OAuth apps: their teams are their groups.

Source: GitHub's documentation, "Authorizing OAuth apps" and "List teams for the authenticated user".
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from lockstep.serve.access import Login
from lockstep.serve.web.identity import Denied, Person, asked

__all__ = ["GitHub"]

_PAGE = 100
_PAGES = 20


class GitHub:
    """One GitHub."""

    def __init__(self, login: Login, secret: str | None) -> None:
        self._login = login
        self._secret = secret

    def address(self, *, back: str, state: str, nonce: str, challenge: str) -> str:
        """Where it asks people; there is no nonce, for nothing that comes back is signed."""
        query = urlencode(
            {
                "client_id": self._login.client,
                "redirect_uri": back,
                "scope": "read:org",
                "state": state,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{self._login.provider}/login/oauth/authorize?{query}"

    def finish(self, code: str, *, back: str, verifier: str, nonce: str) -> Person:
        """Who the code is for."""
        given, _ = asked(
            f"{self._login.provider}/login/oauth/access_token",
            form={
                "client_id": self._login.client,
                **({"client_secret": self._secret} if self._secret is not None else {}),
                "code": code,
                "redirect_uri": back,
                "code_verifier": verifier,
            },
        )
        if not isinstance(given, dict) or not isinstance(given.get("access_token"), str):
            raise Denied("GitHub gave no token")
        return self._person(given["access_token"])

    def again(self, kept: Mapping[str, str], subject: str) -> Person:
        """By the same token, which lasts until somebody takes it back."""
        person = self._person(kept.get("access_token", ""))
        if person.subject != subject:
            raise Denied("GitHub speaks of somebody else")
        return person

    def _person(self, token: str) -> Person:
        try:
            user, _ = asked(f"{self._login.api}/user", token=token)
            subject, name = str(int(user["id"])), str(user["login"])
            groups = [f"@{name}", *self._teams(token)]
        except (KeyError, TypeError, ValueError):
            raise Denied("GitHub did not say who it is") from None
        return Person(subject=subject, name=name, groups=tuple(groups), kept={"access_token": token})

    def _teams(self, token: str) -> list[str]:
        found = []
        for page in range(1, _PAGES + 1):
            teams, _ = asked(f"{self._login.api}/user/teams?per_page={_PAGE}&page={page}", token=token)
            found += [f"{team['organization']['login']}/{team['slug']}" for team in teams]
            if len(teams) < _PAGE:
                break
        return found
