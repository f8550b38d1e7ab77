"""The command line: parsing arguments and showing results, one file for each command group.

Law: decides nothing; calls ``delivery`` and prints what ``render`` makes of the answer. Modules
that a command needs are imported inside the command, so that ``--help`` stays quick.
"""

from lockstep.cli.main import main

__all__ = ["main"]
