"""The keys of ``lockstep-serve.yaml`` that say who may what."""

from lockstep.config.durations import DURATION
from lockstep.config.rows import group, text, texts
from lockstep.config.shapes import Key, Shape
from lockstep.model.roles import Role

__all__ = ["ANYBODY", "LOGIN", "TOKENS", "URL", "roles_of"]

_ROLE = text("role", "What may be done.", enum=tuple(Role))
_GROUP = text("group", "A group.", example="developers")


def roles_of(where: str) -> Key:
    """The row for what groups may do somewhere."""
    return Key(
        name="roles",
        shape=Shape.OPEN,
        about=f"What the members of a group may do {where}, by the group's name. Each role includes view, "
        "admin all of them.",
        item=texts("roles", "Roles.", _ROLE),
    )


URL = text(
    "url",
    "Address under which browsers reach the page, such as https://lockstep.example.org; needed with login.",
    pattern=r"^https?://[^/?#@\s]+/?$",
    says="write https:// and a host, without a path",
    example="https://lockstep.example.org",
)
ANYBODY = texts(
    "anybody",
    "What whoever asks from this machine may do while nobody can log in; view when absent.",
    _ROLE,
)
LOGIN = group(
    "login",
    "Who people are, as a provider of OpenID Connect says, or GitHub. Its secret, where it wants one, is "
    "LOCKSTEP_LOGIN_SECRET.",
    text("issuer", "The provider's URL, below which its configuration is.", example="https://id.example.org"),
    text("github", "URL of GitHub instead: groups are teams, organization/team, and @name for one person."),
    text("api", "URL of that GitHub's API; https://api.github.com when absent."),
    text("client", "Id of this client at the provider.", example="lockstep", required=True),
    text("groups", "Claim that holds the groups; groups when absent."),
    texts(
        "scopes",
        "What is asked for besides openid; profile, email and groups when absent. Where it gives a refresh "
        "token (offline_access), people stay logged in longer than its access tokens last.",
        text("scope", "A scope.", pattern=r"[!#-\[\]-~]+", says="write a scope, which has no spaces"),
    ),
    text(
        "session",
        "How long somebody stays logged in; 12h when absent. Groups are asked for anew every 5 minutes.",
        pattern=DURATION,
        says="write a number with s, m, h or d, such as 12h",
        example="12h",
    ),
)
TOKENS = Key(
    name="tokens",
    shape=Shape.OPEN,
    about="Tokens for programs, by name; lockstep serve --token NAME makes one.",
    item=group(
        "token",
        "One token.",
        text(
            "sha256",
            "Its digest: the token itself stands nowhere.",
            pattern=r"[0-9a-f]{64}",
            says="write the 64 digits that lockstep serve --token prints",
            required=True,
        ),
        texts("groups", "Groups whose roles it has.", _GROUP),
        text(
            "expires",
            "Last day on which it is taken, in UTC.",
            pattern=r"\d{4}-\d\d-\d\d",
            says="write a day, such as 2027-06-30",
            example="2027-06-30",
            required=True,
        ),
    ),
)
