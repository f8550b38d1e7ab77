"""The entry point: from arguments to an exit code, with every error told as text.

Exit codes: 0 done or nothing to do, 1 failed, 2 differences (with ``--exit-code``), 3 bad input,
130 stopped by Ctrl-C.
"""

import contextlib
import errno
import gc
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from lockstep.cli.arguments import arranged, asks_for_json, interrupted_words
from lockstep.cli.results import forget_results, has_result
from lockstep.cli.stopping import at_once
from lockstep.errors import BadInputs, LockstepError, MachineError, Several

__all__ = ["main"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_RARELY = 200_000  # objects, some 20 MB, between two collections
_PACKAGE = str(Path(__file__).resolve().parent.parent)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Looking for cyclic garbage takes a tenth of a short run and finds nothing.
    gc.set_threshold(_RARELY, 20, 100)
    given = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    if "_ARGCOMPLETE" in os.environ and arguments is None:  # a shell completes a line
        from lockstep.cli.completing import complete

        complete()
    forget_results()
    try:
        with at_once(interrupted_words(given)):
            code = _run(arranged(given))
        sys.stdout.flush()
        if arguments is None:
            gc.disable()  # or the interpreter looks through everything once more before it ends
    except BrokenPipeError:
        # Whoever read the output has gone: the interpreter's own flush at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:  # while what was started is ended
        _say("\ninterrupted\n")
        return 130
    except LockstepError as error:
        errors = error.errors if isinstance(error, BadInputs | Several) else (error,)
        for one in errors:
            _tell(str(one))
        _document(given, errors, error.exit_code)
        return error.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            _tell_full(error)
        else:
            told = _tell_bug(error, is_verbose=any(word in ("-v", "-vv", "--verbose") for word in given))
            _document(given, (told,), 1)
        return 1
    return code


def _document(given: Sequence[str], errors: Sequence[LockstepError], code: int) -> None:
    """The errors as JSON on stdout, where that form was asked for and no result has gone there."""
    if not asks_for_json(given) or has_result():
        return
    from lockstep.render.documents import errors_document

    with contextlib.suppress(OSError):
        sys.stdout.write(errors_document(errors, code))
        sys.stdout.flush()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _prepare_streams() -> None:
    """Give a process that was started without stdout or stderr (``>&-``) somewhere to write to."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for good
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run(words: Sequence[str]) -> int:
    from lockstep.cli.app import run

    try:
        return run(words)
    except SystemExit as done:  # argparse has shown the help or the version
        return int(done.code or 0)


def _tell(message: str) -> None:
    from lockstep.render.cells import message_lines

    is_terminal = sys.stderr.isatty()
    columns = max(shutil.get_terminal_size((80, 24)).columns, 40) if is_terminal else None
    clear = "\r\x1b[K" if is_terminal else ""  # of a line that told of progress
    told = message_lines(f"error: {message or 'failed'}", columns)
    sys.stderr.write(clear + "".join(f"{line}\n" for line in told))
    sys.stderr.flush()


def _tell_full(error: OSError) -> None:
    """Tell of a machine that has no room left, for the output or for the cache."""
    with contextlib.suppress(OSError):  # what was not written must not fail again when the interpreter ends
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _tell(str(MachineError.of(error)))


def _tell_bug(error: Exception, *, is_verbose: bool) -> LockstepError:
    """Tell of an error nobody foresaw. Its text may hold values from AWS, so it is shown only on request."""
    import traceback

    if is_verbose:
        from lockstep.render.cells import printable_lines

        lines = printable_lines("".join(traceback.format_exception(error)))
        sys.stderr.write("".join(f"{line}\n" for line in lines))
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    told = LockstepError(
        f"unexpected {type(error).__name__}{place}; this is a bug in lockstep",
        fix="run the same command with -v and report what it prints, after removing what is secret",
    )
    _tell(str(told))
    return told
