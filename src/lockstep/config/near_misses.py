"""Files whose names are almost those of a layer, and so are silently not read.

Whoever writes ``confg.yaml`` means ``config.yaml``: it is told, and as long as the right name is missing
nothing is deleted that the file may declare.
"""

from collections.abc import Container, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from lockstep.regexes import regex
from lockstep.suggest import nearest

__all__ = ["NearMiss", "near_misses"]

_CUTOFF = 0.9
_SERVICE = ("config.yaml", "values.yaml")
_FOLDERS = ("environments", "services")
_PREVIEW = regex(r"pr-[1-9][0-9]{0,9}")
_NUMBER = regex(r"\D{0,4}0*([1-9][0-9]{0,9})")


class NearMiss(NamedTuple):
    """A path that is not read, the path that was probably meant, and the targets that it may be about."""

    path: str
    meant: str
    pattern: str
    is_missing: bool  # there is nothing at the path that was meant

    @property
    def words(self) -> str:
        """What is said of it."""
        return f"{self.path}: not read; did you mean {self.meant}?"


def near_misses(paths: Iterable[str], prefix: str, there: Container[str]) -> list[NearMiss]:
    """Look at every path below a prefix. ``there`` says whether there is a file."""
    found: list[NearMiss] = []
    folders: set[str] = set()
    start = len(prefix)
    below = [path for path in paths if path.startswith(prefix)]
    tops = {path[start:].partition("/")[0] for path in below if "/" in path[start:]}
    has_previews = any(path.startswith("environments/preview/", start) for path in below)
    for path in below:
        parts = path[start:].split("/")
        for meant, pattern in _meant(parts, tops, has_previews):
            wanted = prefix + "/".join(meant)
            shown = path
            if len(meant) < len(parts):  # a folder: told once
                shown = prefix + "/".join(parts[: len(meant)])
                if shown in folders:
                    continue
                folders.add(shown)
            is_missing = wanted not in there
            found.append(NearMiss(path=shown, meant=wanted, pattern=pattern, is_missing=is_missing))
    return found


def _meant(parts: list[str], tops: set[str], has_previews: bool) -> Iterator[tuple[list[str], str]]:
    """The path that is meant, or its beginning, and the targets that are declared there."""
    match parts:
        case [name]:
            yield from _named(parts, name, ("global.values.yaml",), "*")
        case ["services" | "layers", service, name]:
            yield from _named(parts, name, _SERVICE, f"*/{service}")
        case ["environments", "preview", name]:
            yield from _named(parts, name, ("preview.values.yaml",), "preview")
        case ["environments", environment, name]:
            yield from _named(parts, name, (f"{environment}.values.yaml",), environment)
        case ["environments", "preview", "services", service, name]:
            yield from _named(parts, name, _SERVICE, f"preview/*/{service}")
        case ["environments", "preview", folder, *_] if not _PREVIEW.fullmatch(folder):
            number = _NUMBER.fullmatch(folder)
            if number and folder != "services":
                yield ["environments", "preview", f"pr-{number[1]}"], f"preview/pr-{number[1]}"
        case ["environments", "preview", preview, "services", name] if not name.endswith(".values.yaml"):
            service = name.rsplit(".", 2)[0]
            yield from _named(parts, name, (f"{service}.values.yaml",), f"preview/{preview}/{service}")
        case ["environments", "preview", preview, name]:
            yield from _named(parts, name, ("pr.yaml",), f"preview/{preview}")
        case ["environments", "preview", preview, folder, _] if _near(folder, ("services",)):
            yield ["environments", "preview", preview, "services"], f"preview/{preview}"
        case ["environments", environment, preview, *_] if (
            not has_previews and _PREVIEW.fullmatch(preview) and _near(environment, ("preview",))
        ):
            yield ["environments", "preview"], "preview"
        case ["environments", environment, service, name]:
            yield from _named(parts, name, _SERVICE, f"{environment}/{service}")
        case [folder, _, *_] if (meant := _near(folder, _FOLDERS)) and meant not in tops:
            yield [meant], "*"
        case _:
            pass


def _named(
    parts: list[str], name: str, known: tuple[str, ...], pattern: str
) -> Iterator[tuple[list[str], str]]:
    meant = _near(name, known)
    if meant is not None:
        yield [*parts[:-1], meant], pattern


@lru_cache(maxsize=4096)
def _near(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that another one, which is none of them, was meant to be."""
    if name in known:
        return None
    plain = f"{name[:-4]}.yaml" if name.lower().endswith(".yml") else name
    return nearest(plain, known, cutoff=_CUTOFF)
