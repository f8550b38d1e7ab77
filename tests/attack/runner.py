"""How CI systems find commands in a line that a job prints, for asking whether there is one.

Source: actions/runner, ``src/Runner.Common/ActionCommand.cs`` (``TryParseV2`` and ``TryParse``); Azure
Pipelines, "Logging commands"; TeamCity, "Service messages".
"""

import re

__all__ = ["commands_in"]


def commands_in(output: str) -> list[str]:
    """The lines of an output that a runner would take for commands, of whatever name."""
    return [line for line in re.split(r"\r\n|\r|\n", output) if _is_command(line)]


def _is_command(line: str) -> bool:
    start = line.lstrip()
    if start.startswith("::") and "::" in start[2:]:
        return True
    at = line.find("##[")
    return (at >= 0 and "]" in line[at:]) or "##vso[" in line or "##teamcity[" in line
