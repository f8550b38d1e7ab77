"""Every error that Lockstep raises on purpose.

    LockstepError               exit 1
    ├── BadInput                exit 3   something the user wrote is wrong; nothing was changed
    │   └── BadInputs           exit 3   several of them, reported together
    ├── Several                 exit 1   several errors side by side (exit 3 when all are bad input)
    ├── NotAllowed              exit 1   a guard refused: deletes, adoption, ownership, stale plan
    ├── CloudError              exit 1   AWS answered with an error that retrying does not mend
    │   └── NoCredentials       exit 1   no, expired or wrong credentials
    ├── ArtifactError           exit 1   a package is missing, damaged or not what was declared
    │   └── Unreadable              exit 1   nothing is known of it: host, access, network, cache
    ├── GitError                exit 1   git said no
    │   ├── Rejected            exit 1   somebody else was faster: a ref is not where it was
    │   └── Refused             exit 1   the push is not allowed: protected branch, hook, permission
    ├── MachineError            exit 1   this machine refused: no room, no permission, a file that is gone
    ├── ForgeError              exit 1   GitHub, or another forge, said no or cannot be reached
    └── Interrupted             exit 130 Ctrl-C, after a clean stop

An error says what was being done, what is wrong and where, and what to do about it.
"""

from collections.abc import Iterable

__all__ = [
    "LONGEST",
    "ArtifactError",
    "BadInput",
    "BadInputs",
    "CloudError",
    "ForgeError",
    "GitError",
    "Interrupted",
    "LockstepError",
    "MachineError",
    "NoCredentials",
    "NotAllowed",
    "Refused",
    "Rejected",
    "Several",
    "Unreadable",
    "bounded",
    "joined",
]

LONGEST = 8_000  # characters of a problem that are told
_NOTE = 80  # more, so that what has been cut is not cut again


def bounded(text: str, longest: int = LONGEST) -> str:
    """A text that somebody else wrote, not too long to be shown; says how long all of it is."""
    if len(text) <= longest + _NOTE:
        return text
    return f"{text[:longest]}… ({len(text):,} characters in all; the rest is left out)"


class LockstepError(Exception):
    """Base of all errors that carry a message for the user.

    ``problem`` is one sentence; ``where`` is ``file:line``, a target or an API call;
    ``fix`` says what to do; ``doing`` says what was being attempted. ``is_unread`` when nothing was
    found out, so that what was asked about may well be as it is declared.
    """

    exit_code = 1
    is_unread = True

    def __init__(
        self,
        problem: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        doing: str | None = None,
    ) -> None:
        self.problem = problem
        self.where = where
        self.fix = fix
        self.doing = doing
        super().__init__(str(self))

    def __str__(self) -> str:
        text = bounded(self.problem)
        if self.doing:
            text = f"{self.doing}: {text}"
        if self.where:
            text = f"{self.where}: {text}"
        if self.fix:
            text = f"{text}\n  fix: {self.fix}"
        return text


class BadInput(LockstepError):
    """Something the user wrote is wrong. Found before anything is changed."""

    exit_code = 3
    is_unread = False


class BadInputs(BadInput):
    """Several bad inputs, reported together so that they can be mended together."""

    def __init__(self, errors: Iterable[BadInput]) -> None:
        self.errors = tuple(errors)
        super().__init__(f"{len(self.errors)} problems found")

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class Several(LockstepError):
    """Several errors that stand side by side. Bad input only when all of them are."""

    def __init__(self, errors: Iterable[LockstepError]) -> None:
        self.errors = tuple(errors)
        super().__init__(f"{len(self.errors)} problems found")
        self.exit_code = 3 if all(error.exit_code == BadInput.exit_code for error in self.errors) else 1
        self.is_unread = all(error.is_unread for error in self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class NotAllowed(LockstepError):
    """A guard refused: too many deletes, a function of somebody else's, a stale plan."""

    is_unread = False


class CloudError(LockstepError):
    """AWS answered with an error that trying again does not mend."""


class NoCredentials(CloudError):
    """There are no AWS credentials, or they are expired or not valid."""


class ArtifactError(LockstepError):
    """A package is missing, damaged, too large or not what was declared."""

    is_unread = False


class Unreadable(ArtifactError):
    """Nobody knows what the package is: its host, the network, a permission or the cache is in the way."""

    is_unread = True


class MachineError(LockstepError):
    """This machine refused: no room left, no permission, a file that is gone."""

    @classmethod
    def of(cls, error: OSError) -> "MachineError":
        """The error of the operating system, with the file that it is about where it names one."""
        reason = error.strerror or type(error).__name__
        return cls(
            reason,
            where=str(error.filename) if error.filename else "this machine",
            fix="make room or mend the permissions, or write elsewhere (the output, or the cache with "
            "LOCKSTEP_CACHE), then run again",
        )


class GitError(LockstepError):
    """Git refused, or the repository is not in a usable state."""


class Rejected(GitError):
    """A ref is not, or no longer, where it was expected: read again, then try again."""


class Refused(GitError):
    """A push that will not be let in however often it is tried: rules, hooks, permissions."""


class ForgeError(LockstepError):
    """The forge refused, has no such thing, or cannot be reached."""


class Interrupted(LockstepError):
    """The user stopped the run; what was under way has been finished or left repeatable."""

    exit_code = 130


def joined(errors: Iterable[LockstepError]) -> LockstepError:
    """One error for several, each said once; the only one itself."""
    distinct = list({str(error): error for error in errors}.values())
    return distinct[0] if len(distinct) == 1 else Several(distinct)
