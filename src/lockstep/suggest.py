"""What was probably meant by a word that is not known."""

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["did_you_mean", "is_misspelt", "nearest", "suggestion"]


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known word that is most like another, by case and spelling; None when none is."""
    return next(iter(_near(word, known, 1, cutoff)), None)


def suggestion(word: str, known: Iterable[str], otherwise: str, *, most: int = 1) -> str:
    """The words of a fix: those that a word is like, so many at the most, or what is said otherwise.

    Of several less is asked: who sees more than one can choose.
    """
    near = _near(word, known, most, 0.6 if most == 1 else 0.5)
    return f"did you mean {' or '.join(near)}?" if near else otherwise


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The words of a fix for an unknown key: the nearest one, or all of them."""
    names = list(known)
    meant = _MEANT.get(word.lower())
    if meant in names:
        return f"did you mean {meant}?"
    tops = sorted({name.partition(".")[0] for name in names})
    return suggestion(word, names, f"known keys: {', '.join(tops)}")


_MEANT = {
    **dict.fromkeys(
        ("env", "envs", "envvars", "env_vars", "variables", "environmentvariables"), "environment"
    ),
    **dict.fromkeys(("memory", "ram", "mem"), "memorySize"),
    **dict.fromkeys(("arch", "architecture", "platform"), "architectures"),
    **dict.fromkeys(("rolearn", "iamrole", "executionrole"), "role"),
    **dict.fromkeys(("concurrency", "reservedconcurrentexecutions"), "reservedConcurrency"),
    **dict.fromkeys(
        ("provisionedconcurrencyconfig", "provisionedconcurrentexecutions", "provisioned"),
        "provisionedConcurrency",
    ),
    **dict.fromkeys(("recursionconfig", "recursiveloop", "recursiveloopdetection"), "recursion"),
    **dict.fromkeys(("runtimemanagementconfig", "updateruntimeon", "runtimeversionarn"), "runtimeManagement"),
    **dict.fromkeys(("retention", "logretention", "retentionindays"), "logRetentionDays"),
    **dict.fromkeys(("name", "function", "functionname"), "functionName"),
    **dict.fromkeys(("vpcconfig", "network"), "vpc"),
    **dict.fromkeys(("dlq", "deadletterconfig", "deadletterqueue"), "deadLetterTarget"),
    **dict.fromkeys(("tracingconfig", "xray"), "tracing"),
    **dict.fromkeys(("events", "trigger", "event"), "triggers"),
}
"""What other tools call keys of ours; a spelling alone would not lead there."""


@lru_cache(maxsize=256)
def is_misspelt(word: str, meant: str) -> bool:
    """Whether a word is not another one, but so like it that it was surely meant."""
    return word != meant and nearest(word, [meant], cutoff=0.8) is not None


def _near(word: str, known: Iterable[str], most: int, cutoff: float) -> list[str]:
    from difflib import get_close_matches  # only mistakes need it

    by_lower = {name.lower(): name for name in known}
    if word.lower() in by_lower:
        return [by_lower[word.lower()]]
    return [by_lower[name] for name in get_close_matches(word.lower(), by_lower, n=most, cutoff=cutoff)]
