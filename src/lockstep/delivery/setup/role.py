"""``explain TARGET role``: what the role of a function has to allow for what is declared of it."""

from typing import Any

from lockstep.delivery.places.workspace import Workspace
from lockstep.model import Environment, Function, Target
from lockstep.model.fleet import partition_of
from lockstep.model.kinds import KINDS
from lockstep.model.rights import Right, rights_of_settings

__all__ = ["least_policy", "role_policy"]


def role_policy(workspace: Workspace, key: str) -> Any:
    """The least policy of a target's role; None for one without a function."""
    target = workspace.fleet.targets[key]
    if target.function is None:
        return None
    return least_policy(target, target.function, workspace.project.environment(target.environment))


def least_policy(target: Target, function: Function, environment: Environment) -> Any:
    """What is declared needs of the role, without what the code itself calls, which nobody knows here.

    What the environment does not say is ``*``.
    """
    region, account = environment.region or "*", environment.account or "*"
    group = function.settings.get("logging.group") or f"/aws/lambda/{function.name}"
    log_group = f"arn:{partition_of(environment.region or '')}:logs:{region}:{account}:log-group:{group}"
    rights = [(one, one.why) for one in rights_of_settings(function.settings, log_group)]
    for resource in target.resources:
        rights += [(one, resource.path) for one in KINDS[resource.kind].rights(resource.settings)]
    return {"Version": "2012-10-17", "Statement": list(_statements(rights))}


def _statements(rights: list[tuple[Right, str]]) -> list[dict[str, Any]]:
    """One for each right, however many need it; its id says what for."""
    made: dict[str, dict[str, Any]] = {}
    for right, why in rights:
        content = repr((right.actions, right.on, sorted(right.equals.items())))
        if content not in made:
            sid = "".join(word[:1].upper() + word[1:] for word in _words(why))
            taken = sum(one["Sid"].rstrip("0123456789") == sid for one in made.values())
            made[content] = {
                "Sid": f"{sid}{taken + 1}" if taken else sid,
                "Effect": "Allow",
                "Action": list(right.actions),
                "Resource": list(right.on),
                **({"Condition": {"StringEquals": dict(right.equals)}} if right.equals else {}),
            }
    return [*made.values()]


def _words(path: str) -> list[str]:
    """A path's parts in the letters and digits that an id of a statement has."""
    text = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in path)
    return text.split()
