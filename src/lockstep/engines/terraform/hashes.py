"""Whether Terraform learns that a target's package is another one than it was."""

from dataclasses import replace

from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.variables import Fill, share_of
from lockstep.model import Target

__all__ = ["carries_code", "missing_hash"]


def carries_code(run: Run, target: Target, declared: frozenset[str], fill: Fill) -> bool:
    """Whether anything that Terraform gets tells one package of a target from another.

    By what is passed, or by the package's key. Raises BadInput as ``share_of`` does.
    """
    function = target.function
    assert function is not None  # noqa: S101 - callers pass targets that have one
    package = function.code.package
    if package is None or package.sha256 in package.key or str(target.version) in package.key:
        return True
    passed = []
    for digest in ("00" * 32, "ff" * 32):
        code = replace(function.code, sha256=digest, package=replace(package, sha256=digest))
        other = replace(target, function=replace(function, code=code))
        passed.append(share_of(run, other, declared, fill).values)
    return passed[0] != passed[1]


def missing_hash(run: Run, target: Target) -> str:
    """What to add so that a new package under an old key is deployed."""
    environment, _, preview = target.environment.partition("/")
    folder, place = run.settings.folder, run.settings.place
    if run.settings.mapping != "syrf":
        name = "hashes.{pr}" if preview else "{service}_hash"
        way = (
            f'add "{name}": "{{hash}}" to `variables:` ({place}) and set source_code_hash from it in {folder}'
        )
    elif preview:
        way = (
            f'add variable "preview_source_code_hashes" (map(string), default {{}}) to {folder} and set '
            "source_code_hash = lookup(var.preview_source_code_hashes, each.key, null) there"
        )
    else:
        name = f"{environment}_source_code_hash"
        way = f'add variable "{name}" to {folder} and set source_code_hash = var.{name} there'
    return f"{way}; or let the package's key carry {{sha256}}"
