"""GitHub Apps: proofs that are signed with the app's key, and tokens for an hour."""

import json
from datetime import UTC, datetime, timedelta

import jwt

from tests.support.github.rest import Reply, fail
from tests.support.github.world import Identity, World

__all__ = ["answer"]


def answer(world: World, method: str, path: str, token: str, data: bytes) -> Reply:
    """Answer a request that an app makes for itself."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
        claims = jwt.decode(
            token,
            world.apps[issuer],
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, KeyError):
        return fail(401, "A JSON web token could not be decoded")
    if claims["exp"] - claims["iat"] > 660:
        return fail(401, "'Expiration time' claim ('exp') is too far in the future")
    if method == "GET":
        number = world.installations.get("/".join(path.split("/")[4:6]))
        return fail(404, "Not Found") if number is None else Reply(value={"id": number})
    if int(path.split("/")[5]) not in world.installations.values():
        return fail(404, "Not Found")
    world.tokens_made += 1
    made = f"ghs_made_up_{world.tokens_made}"
    world.identities[made] = Identity(login="lockstep[bot]", permissions=_ALL)
    until = datetime.fromtimestamp(claims["iat"], tz=UTC) + timedelta(hours=1, minutes=1)
    value = {
        "token": made,
        "expires_at": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "repositories": [{"name": name} for name in json.loads(data).get("repositories", ())],
    }
    return Reply(status=201, value=value)


_ALL = dict.fromkeys(
    ("contents", "pull_requests", "issues", "statuses", "checks", "deployments", "metadata"), "write"
)
