"""``./dev fuzz``: what the suite tries a little, for as long as there is time.

Rounds of the same tests with other examples; each round tells the seed that it can be had again by. Where
atheris is installed (``.venv/bin/pip install atheris``) the parsers are first gone through under its eyes:
it looks which lines an input reaches, and changes those that reach new ones.
"""

import argparse
import importlib.util
import os
import secrets
import subprocess
import sys
import time

from tests.attack.fuzz.parsers import PARSERS

_EXAMPLES = 1_000  # of each parser in a round


def main() -> int:
    """Look until the time is over, or something was found."""
    options = _parse()
    ends = time.monotonic() + 60 * options.minutes
    if importlib.util.find_spec("atheris") is not None:
        names = options.names or [*PARSERS]
        for number, name in enumerate(names):
            left = (ends - time.monotonic()) / 2 / (len(names) - number)  # the other half is for rounds
            print(f"{name}: guided, {left:.0f} s", flush=True)
            guided = [sys.executable, "-m", "tests.attack.fuzz.guided", name, f"{max(1, int(left))}"]
            if (code := subprocess.run(guided, check=False).returncode) != 0:
                return code
    while True:
        seed = secrets.randbelow(2**32)
        print(f"a round of {_EXAMPLES:,} examples each; again: --seed {seed}", flush=True)
        if (code := _round(options.seed or seed, options.names)) != 0 or options.seed:
            return code
        if time.monotonic() >= ends:
            return 0


def _round(seed: int, names: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-n", "logical", "--timeout", "3600"]
    command += [f"--hypothesis-seed={seed}", "tests/attack/fuzz"]
    if names:
        command += ["-k", " or ".join(f"[{name}]" for name in names)]
    environment = {**os.environ, "LOCKSTEP_FUZZ_EXAMPLES": str(_EXAMPLES)}
    return subprocess.run(command, env=environment, check=False).returncode


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="Give odd bytes to all that reads bytes.")
    parser.add_argument("names", nargs="*", metavar="PARSER", help=f"of: {', '.join(PARSERS)}; default: all")
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="how long (default 10)")
    parser.add_argument("--seed", type=int, metavar="N", help="one round as it was before")
    options = parser.parse_args()
    for name in options.names:
        if name not in PARSERS:
            parser.error(f"there is no {name!r}; there are: {', '.join(PARSERS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
