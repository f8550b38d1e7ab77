"""One parser under the eyes of atheris: ``python -m tests.attack.fuzz.guided NAME SECONDS``."""

import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found]  # for those who install it

with atheris.instrument_imports(include=["lockstep"]):
    from tests.attack.fuzz.parsers import PARSERS

from hypothesis import given

from tests.attack.fuzz.changing import bounded
from tests.attack.fuzz.test_parsers import check, given_to


def main(name: str, seconds: str) -> Any:
    """Look; ends with the process, at the first thing that is found."""

    @bounded
    @given(given_to(PARSERS[name]))
    def reads(data: bytes) -> None:
        check(PARSERS[name], data)

    with tempfile.TemporaryDirectory() as corpus:
        for number in range(20):  # Hypothesis makes nothing of the short inputs that are tried first
            (Path(corpus) / str(number)).write_bytes(random.Random(number).randbytes(1_000))  # noqa: S311
        arguments = [sys.argv[0], corpus, f"-max_total_time={seconds}", "-verbosity=0"]
        atheris.Setup(arguments, reads.hypothesis.fuzz_one_input)  # type: ignore[attr-defined]
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
