"""What looks secret, by its name or by its shape. Rather one mask too many than one secret shown.

Patterns are compiled when they are first asked for, and none takes longer than in proportion to its
text: what repeats without a bound cannot begin again inside of what it has passed.
"""

import base64
import binascii
import re
from functools import cache, lru_cache

__all__ = ["looks_secret"]

_NAMES = (
    r"passw(or)?d|passphrase"
    r"|(?<![a-z])(db|pg|user|root|admin|smtp|mysql|redis|mongo)?pass(?![a-z]|_through)|(^|_)pwd($|_)"
    r"|secret|credential|token(?!i[sz])|auth(?!or)|authori[sz]ation"
    r"|(api|access|account|encryption|hmac|jwt|licen[cs]e|master|private|shared|signing|ssh|webhook)_?key(?!space)"
    r"|conn(ection)?_?str(ing)?|(^|_)dsn($|_)"
    r"|(^|_)(salts?|pepper|cookies?|sessions?|session_?id|pins?|pin_?code|t?otp|private|encryption|signature)($|_(?!WORDS))"
)
_HARMLESS = (
    "age algorithm bucket cluster count days dns domain enabled engine expiry host hosts hours ip ips length "
    "link max max_age minutes mode name path policy port prefix region repo repository samesite seconds size "
    "store subnet subnets subnet_id subnet_ids table timeout topic ttl type url version vpc zone"
)
"""What follows some of the names when they say how something is kept, and not what."""

_SHAPES = (
    # In texts that name what they hold: connection strings, queries, JSON (also quoted in JSON).
    r"(?i:\b(password|passwd|pwd|accountkey|sharedaccesskey|sharedaccesssignature|secret|api_?key)"
    r"\s{0,8}=\s{0,8}[^\s;&])",
    r"(?i:\"\w{0,40}(password|passwd|pwd|passphrase|secret|token|credential|(api|access|private|account)_?key)"
    r"\w{0,40}\\{0,8}\"\s{0,8}:\s{0,8}\\{0,8}[\"\d])",
    r"(?i:[?&;](sig|signature|x-(amz|goog)-(signature|credential|security-token)|access_token)=[^\s&])",
    r"(?i:\bbearer\s{1,8}[\w.~+/-]{16})",
    r"(?<![^\s,;=\"'])[^\s:@/,;=\"']{1,64}:[^\s@/]{1,256}@(?!sha256:)[\w.-]{1,253}:[\w/~]",  # of scp, proxies
    # Keys and tokens as their makers shape them.
    r"-----BEGIN (PGP |[A-Z]{1,12} ){0,2}PRIVATE KEY",
    r"\b(?<!-)eyJ[\w-]{8}[\w-]{0,4096}\.[\w-]{8}[\w-]{0,16384}\.",  # a JSON web token
    r"\bA(KIA|SIA|BIA|CCA)[A-Z0-9]{16}\b",  # AWS
    r"\bgh[pousr]_[A-Za-z0-9]{20}|\bgithub_pat_",
    r"\bgl(pat|dt|rt|cbt|ptt|ft|imt|oas|soat|agent)-\w",  # GitLab
    r"\bxox[abeoprs]-|\bxapp-\d|hooks\.slack\.com/(services|workflows|triggers)/\w",
    r"discord(app)?\.com/api/webhooks/\w|\.webhook\.office\.com/\w",
    r"\b([srp]k_(live|test)|whsec)_[A-Za-z0-9+/]{8}",  # Stripe
    r"\bsk-(proj-|ant-|svcacct-|admin-|or-)?[\w-]{16}",  # OpenAI, Anthropic
    r"\bnpm_[A-Za-z0-9]{20}|\bpypi-AgE|\brubygems_[0-9a-f]{16}|\bdckr_(pat|oat)_\w",
    r"\bSG\.[\w-]{8}|\bkey-[0-9a-f]{32}|\b[0-9a-f]{32}-us\d",  # SendGrid, Mailgun, Mailchimp
    r"\bAIza[\w-]{30}|\bGOCSPX-|\bya29\.[\w-]{16}",  # Google
    r"\bSK[0-9a-f]{32}\b|\b\d{8,10}:AA[\w-]{30}",  # Twilio, Telegram
    r"\bhv[sbr]\.[\w-]{16}|\.atlasv1\.\w|\bdapi[0-9a-f]{32}|\bdo[opr]_v1_[0-9a-f]{16}|\bATATT3\w",
    r"\bgl(c|sa)_[\w+/=]{16}|\bhf_[A-Za-z]{20}|\blin_api_\w|\bntn_\w{16}|\bNRAK-\w|\bPMAK-\w|\bsntry[su]_\w",
    r"\bshp(at|ca|pa|ss)_[0-9a-f]{16}|\bsq0(atp|csp)-|\bpul-[0-9a-f]{32}|\bsbp_[0-9a-f]{16}|\bpscale_\w{2,8}_\w",
    r"\bAGE-SECRET-KEY-1",
)


def looks_secret(key: str, value: str = "") -> bool:
    """Say whether an environment variable should be masked, by its name or by its value's shape."""
    return (bool(key) and _is_secret_name(key)) or (bool(value) and _has_secret_shape(value))


@lru_cache(maxsize=4096)
def _is_secret_name(key: str) -> bool:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    return _names().search(snake) is not None


@lru_cache(maxsize=4096)
def _has_secret_shape(value: str) -> bool:
    return has_user(value) or _shapes().search(value) is not None or _has_basic(value)


@cache
def _names() -> re.Pattern[str]:
    return re.compile(_NAMES.replace("WORDS", f"({'|'.join(_HARMLESS.split())})($|_)"), re.IGNORECASE)


@cache
def _shapes() -> re.Pattern[str]:
    return re.compile("|".join(_SHAPES))


def has_user(text: str) -> bool:
    """Whether a URL in the text has a password, whatever characters are in it, or a token for a user."""
    before, *pieces = text.split("://")
    for piece in pieces:
        scheme = before[-5:].lower()
        before = piece
        rest = piece.split(maxsplit=1)[0] if piece.strip() else ""
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        user, at, _ = authority.rpartition("@")
        if at and (":" in user or (user and scheme.endswith(("http", "https")))):
            return True
        _, colon, port = authority.rpartition(":")
        if colon and not at and "@" in rest and not port.isdecimal() and not port.startswith("{"):
            return True  # a password with a slash in it: the "port" is its beginning, or nothing of it
    return False


def _has_basic(text: str) -> bool:
    """Whether there are a user and a password for HTTP's ``Basic``, which are base64 with a colon."""
    if "asic " not in text.lower():
        return False
    for found in re.finditer(r"(?i:\bbasic\s{1,8})([A-Za-z0-9+/]{6,512}={0,2})", text):
        try:
            if b":" in base64.b64decode(found[1] + "=" * (-len(found[1]) % 4), validate=True):
                return True
        except (ValueError, binascii.Error):
            continue
    return False
