"""One comment on a pull request, kept up to date: ``plan --comment``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lockstep.cli.shell import Shell
from lockstep.errors import BadInputs, LockstepError, Several

__all__ = ["commenting"]

_MARKER = "plan"


@contextmanager
def commenting(shell: Shell, number: int | None) -> Iterator[Callable[[str], None]]:
    """Give what writes the comment; with None it writes nothing.

    When the block fails, the comment says why: the plan that stands there would be one of another commit.
    """
    if number is None:
        yield lambda _: None
        return
    from lockstep.delivery.promotion.pulls import open_place

    forge = open_place(shell.where, shell.credentials).forge

    def say(markdown: str) -> None:
        shell.progress("writing the comment")
        forge.comment(number, markdown, marker=_MARKER)
        shell.end_progress()

    try:
        yield say
    except LockstepError as error:
        from lockstep.render.markdown import plan_failure_markdown

        errors = error.errors if isinstance(error, BadInputs | Several) else (error,)
        try:
            say(plan_failure_markdown([str(one) for one in errors]))
        except LockstepError as other:
            shell.log(f"warning: the comment could not be written: {other}")
        raise
