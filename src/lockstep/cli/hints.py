"""What was probably meant by a command or an option that does not exist: by spelling, or by another tool."""

from collections.abc import Iterable, Mapping

__all__ = ["for_command", "for_option"]

_COMMANDS: Mapping[str, str] = {
    "apply": "sync",
    "deploy": "sync",
    "up": "sync",
    "run": "sync",
    "update": "sync",
    "push": "sync",
    "reconcile": "sync",
    "dry-run": "plan",
    "preview-plan": "plan",
    "show": "explain",
    "describe": "explain",
    "get": "status",
    "list": "status",
    "ls": "status",
    "ps": "status",
    "state": "status",
    "watch": "status",
    "lint": "validate",
    "check": "validate",
    "test": "validate",
    "refresh": "drift",
    "detect": "drift",
    "import": "adopt",
    "takeover": "adopt",
    "new": "init",
    "create": "init",
    "setup": "init",
    "configure": "init",
    "undo": "rollback",
    "revert": "rollback",
    "publish": "release",
    "build": "package",
    "log": "logs",
    "tail": "logs",
    "call": "invoke",
    "stats": "top",
    "metrics": "top",
    "usage": "top",
    "permissions": "iam-policy",
    "iam": "iam-policy",
    "policy": "iam-policy",
    "unhold": "release-hold",
    "previews": "preview list",
    "preview show": "preview list",
    "preview status": "preview list",
    "preview ls": "preview list",
    "preview create": "preview up",
    "preview new": "preview up",
    "preview delete": "preview down",
    "preview rm": "preview down",
    "preview destroy": "preview down",
    "preview prune": "preview gc",
    "pr": "pulls",
    "prs": "pulls",
    "destroy": "preview down",
    "delete": "preview down",
    "login": "doctor",
    "auth": "doctor",
}
"""Words of terraform, argocd, kubectl, sam, gh and others, and the command that does the like here."""

_OPTIONS: Mapping[str, str] = {
    "--auto-approve": "--yes",
    "--approve": "--yes",
    "--no-input": "--yes",
    "--force": "--yes",
    "--json": "-o json",
    "--format": "-o FORM",
    "--follow": "--watch",
    "--prune": "--allow-deletes N",
    "--cwd": "-C DIR",
    "--chdir": "-C DIR",
    "--ref": "--rev REV",
    "--branch": "--rev REV",
    "--commit": "--rev REV",
    "--no-colour": "--no-color",
    "--debug": "-vv",
}
"""Options of other tools, and ours."""

_SELECTING = ("--target", "--env", "--environment", "--service", "--function", "--stage", "-e", "-t")
_SETTINGS: Mapping[str, str] = {
    "--profile": "Lockstep takes the profile from the environment: AWS_PROFILE=NAME lockstep ...",
    "--region": "the Region of each environment stands in lockstep.yaml",
    "--account": "the account of each environment stands in lockstep.yaml",
    "--config": "the project file is lockstep.yaml in the folder of -C, or above it",
    "--quiet": "results are all that stdout gets; 2>/dev/null leaves out the rest",
}


def for_command(name: str, known: Mapping[str, str]) -> str:
    """The words of a fix for an unknown command; ``known`` are commands with a sentence about each."""
    from lockstep.suggest import nearest

    meant = _COMMANDS.get(name.lower()) or nearest(name, known, cutoff=0.65) or ""
    about = known.get(meant, "")
    if not about:
        return "`lockstep --help` shows all commands"
    return f"did you mean `lockstep {meant}`? {about}"


def for_option(word: str, command: str, known: Iterable[str], *, selects: bool) -> str:
    """The words of a fix for an unknown option of a command; ``selects`` where it takes targets."""
    from lockstep.suggest import nearest

    options = list(known)
    name, _, value = word.partition("=")
    there = f"`{command} --help` shows what there is"
    if name in _SELECTING and selects:
        return f"targets stand without an option: {command} {value or 'staging/SERVICE'}"
    if name == "--dry-run":
        return f"{command} changes nothing anyway; leave it out" if command == "lockstep plan" else there
    if name in _SETTINGS:
        return _SETTINGS[name]
    ours = _OPTIONS.get(name, "")
    near = ours if ours.partition(" ")[0] in options else nearest(name, options, cutoff=0.7)
    return f"did you mean {near}? {there}" if near else there
