"""Everything that can be known to be wrong without AWS."""

import datetime

from lockstep.config.cache import Cache
from lockstep.config.load import load
from lockstep.errors import BadInput, BadInputs
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = ["Validation", "validate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What is wrong, what is suspicious, and how much was looked at."""

    problems: tuple[BadInput, ...] = ()
    warnings: tuple[str, ...] = ()
    targets: int = 0

    @property
    def is_valid(self) -> bool:
        """Nothing is wrong; warnings may remain."""
        return not self.problems


def validate(
    tree: Tree,
    *,
    project_file: str = "lockstep.yaml",
    cache: Cache | None = None,
    today: datetime.date | None = None,
) -> Validation:
    """Load a tree and return what is wrong instead of raising it; ``today`` as in ``load``."""
    try:
        loaded = load(tree, project_file=project_file, cache=cache, today=today)
    except BadInputs as error:
        return Validation(problems=error.errors)
    except BadInput as error:
        return Validation(problems=(error,))
    return Validation(warnings=loaded.warnings, targets=len(loaded.fleet.targets))
