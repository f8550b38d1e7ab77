"""Texts that only who has a secret can read or make: JWE with AES-256-GCM, by joserfc."""

import hashlib

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

__all__ = ["seal", "unseal"]

_HEADER = {"alg": "dir", "enc": "A256GCM"}
_USED = ["dir", "A256GCM"]


def seal(text: str, secret: str) -> str:
    """The text, sealed; the secret is one that was drawn, not one that somebody thought of."""
    return jwe.encrypt_compact(_HEADER, text, _key(secret), algorithms=_USED)


def unseal(sealed: str, secret: str) -> str | None:
    """The text; None for what was not sealed with the secret."""
    try:
        found = jwe.decrypt_compact(sealed, _key(secret), algorithms=_USED)
    except (JoseError, ValueError):
        return None
    return found.plaintext.decode() if found.plaintext is not None else None


def _key(secret: str) -> OctKey:
    return OctKey.import_key(hashlib.sha256(b"lockstep seal " + secret.encode("utf-8", "replace")).digest())
