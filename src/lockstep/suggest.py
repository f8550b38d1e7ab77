"""What was probably meant by a word that is not known."""

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["did_you_mean", "is_misspelt", "nearest"]


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known word that is most like another, by case and spelling; None when none is."""
    from difflib import get_close_matches  # only mistakes need it

    by_lower = {name.lower(): name for name in known}
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The words of a fix for an unknown key: the nearest one, or all of them."""
    names = list(known)
    near = nearest(word, names)
    tops = sorted({name.partition(".")[0] for name in names})
    return f"did you mean {near}?" if near else f"known keys: {', '.join(tops)}"


@lru_cache(maxsize=256)
def is_misspelt(word: str, meant: str) -> bool:
    """Whether a word is not another one, but so like it that it was surely meant."""
    return word != meant and nearest(word, [meant], cutoff=0.8) is not None
