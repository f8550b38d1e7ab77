"""People of a provider of OpenID Connect. Source: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636."""

import base64
import hmac
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lockstep.errors import BadInput
from lockstep.serve.access import Login
from lockstep.serve.clock import WALL
from lockstep.serve.web.identity import Denied, Person, asked, texts_of
from lockstep.web import check_url

__all__ = ["OpenId"]

# Keys of the provider sign; never "none", nor a secret that this client has as well.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_LEEWAY = 60  # seconds between two clocks
_KNOWN = 300.0  # seconds that what the provider says of itself is taken for so
_NAMES = ("preferred_username", "email", "name")


class OpenId:
    """One provider."""

    def __init__(self, login: Login, secret: str | None) -> None:
        self._login = login
        self._secret = secret
        self._lock = threading.Lock()
        self._known: tuple[float, Mapping[str, Any], KeySet] | None = None

    def address(self, *, back: str, state: str, nonce: str, challenge: str) -> str:
        """Its authorization endpoint, with what it is asked."""
        endpoint = self._endpoint("authorization_endpoint")
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._login.client,
                "redirect_uri": back,
                "scope": " ".join(dict.fromkeys(("openid", *self._login.scopes))),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    def finish(self, code: str, *, back: str, verifier: str, nonce: str) -> Person:
        """Who the code is for."""
        given = self._tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": back,
                "code_verifier": verifier,
            }
        )
        claims = self._claims(given.get("id_token"))
        if not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
            raise Denied("what the provider says is about another login")
        return self._person(claims, given, {})

    def again(self, kept: Mapping[str, str], subject: str) -> Person:
        """By the refresh token where there is one, else as long as the access token lasts."""
        given: Mapping[str, Any] = kept
        claims: Mapping[str, Any] = {"sub": subject}
        if "refresh_token" in kept:
            given = self._tokens({"grant_type": "refresh_token", "refresh_token": kept["refresh_token"]})
            if given.get("id_token") is not None:
                claims = self._claims(given["id_token"])
        if claims["sub"] != subject:
            raise Denied("the provider speaks of somebody else")
        return self._person(claims, given, kept)

    def _person(
        self, claims: Mapping[str, Any], given: Mapping[str, Any], before: Mapping[str, str]
    ) -> Person:
        subject, access = claims["sub"], given.get("access_token")
        if self._login.claim not in claims:
            if not isinstance(access, str) or "userinfo_endpoint" not in self._configuration()[0]:
                if "iss" not in claims:  # nothing was said anew
                    raise Denied("the provider says nothing anew without a refresh token")
            else:
                said, _ = asked(self._endpoint("userinfo_endpoint"), token=access)
                if not isinstance(said, dict) or said.get("sub") != subject:
                    raise Denied("the provider speaks of somebody else")
                claims = {**claims, **said}
        names = [claims[name] for name in _NAMES if isinstance(claims.get(name), str) and claims[name]]
        kept = {
            **before,
            **{name: given[name] for name in ("access_token", "refresh_token") if name in given},
        }
        return Person(
            subject=subject,
            name=names[0] if names else subject,
            groups=texts_of(claims.get(self._login.claim)),
            kept={name: text for name, text in kept.items() if isinstance(text, str)},
        )

    def _tokens(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        configuration, _ = self._configuration()
        methods = configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        headers, fields = {}, {**form, "client_id": self._login.client}
        if self._secret is not None and "client_secret_basic" in methods:
            pair = f"{quote(self._login.client, safe='')}:{quote(self._secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif self._secret is not None:
            fields["client_secret"] = self._secret
        given, _ = asked(self._endpoint("token_endpoint"), form=fields, headers=headers)
        if not isinstance(given, dict):
            raise Denied("the provider gave no tokens")
        return given

    def _claims(self, token: object) -> Mapping[str, Any]:
        """What an identity token says, once everything that Core 3.1.3.7 asks for holds."""
        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._configuration()[0]["issuer"]},
            aud={"essential": True, "value": self._login.client},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            claims = self._decoded(str(token))
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise Denied(f"the identity token is not to be believed ({type(error).__name__})") from None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._login.client:
            raise Denied("the identity token is for somebody else")
        if not isinstance(claims["sub"], str):
            raise Denied("the identity token names nobody")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._configuration()[1], algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError):
            self._known = None  # the provider may have other keys by now
            return jwt.decode(token, self._configuration()[1], algorithms=_ALGORITHMS).claims

    def _endpoint(self, name: str) -> str:
        try:
            return check_url(str(self._configuration()[0][name]))
        except (KeyError, BadInput):
            raise Denied(f"the provider names no {name} that may be asked") from None

    def _configuration(self) -> tuple[Mapping[str, Any], KeySet]:
        with self._lock:
            now = WALL.ticks()
            if self._known is None or now - self._known[0] > _KNOWN:
                url = f"{self._login.provider}/.well-known/openid-configuration"
                said, _ = asked(url)
                issuer = str(said.get("issuer")) if isinstance(said, dict) else ""
                if issuer.rstrip("/") != self._login.provider:
                    raise Denied(f"{url} speaks for another issuer")
                try:
                    keys, _ = asked(check_url(str(said.get("jwks_uri"))))
                    self._known = (now, said, KeySet.import_key_set(keys))
                except (JoseError, BadInput, KeyError, TypeError, ValueError):
                    raise Denied("the keys of the provider cannot be read") from None
            return self._known[1], self._known[2]
