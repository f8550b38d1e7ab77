"""Which target a resource belongs to, told from what Terraform says of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.state import FUNCTION
from lockstep.model import Target
from lockstep.regexes import regex

__all__ = ["Owners"]

_PR = regex(r"(?:preview/)?(?:pr-)?([0-9]+)")
_KEY = regex(r"(?:[a-z0-9-]+|preview/pr-[0-9]+)/[A-Za-z0-9_.-]+")


class Owners:
    """Finds the target of a resource of one run; declared ones, and those that were declared once."""

    def __init__(
        self, run: Run, targets: Mapping[str, Target], resources: Sequence[Mapping[str, Any]]
    ) -> None:
        """``resources`` are all that are looked at: functions tell whose things with the same key are."""
        self._run = run
        self._targets = targets
        self._names = {one.function.name: key for key, one in targets.items() if one.function}
        services = {target.service for target in targets.values()}
        self._service = services.pop() if len(services) == 1 else None
        self._places: dict[tuple[str, str], str] = {}
        for resource in resources:
            if resource.get("type") == FUNCTION and (key := self._of_function(resource)):
                self._places[_place(resource)] = key
                for name in _names_in(resource):
                    self._names.setdefault(name, key)

    def of(self, resource: Mapping[str, Any]) -> str | None:
        """The key of a target, or None for what belongs to several or to none."""
        if resource.get("type") == FUNCTION:
            return self._of_function(resource)
        for name in _names_in(resource):
            if name in self._names:
                return self._names[name]
        found = self._by_index(resource.get("index"), None)
        if found is not None:
            return found
        if "index" in resource and _place(resource) in self._places:
            return self._places[_place(resource)]
        return self._by_name(str(resource.get("name", "")))

    def of_arn(self, arn: str) -> str | None:
        """The key of the target whose function an ARN names."""
        return self._names.get(_function_name(arn))

    def function_of(self, key: str) -> str:
        """The name of a target's function, "" where it is not told."""
        target = self._targets.get(key)
        if target is not None and target.function is not None:
            return target.function.name
        return next((name for name, owner in self._names.items() if owner == key), "")

    def _of_function(self, resource: Mapping[str, Any]) -> str | None:
        names = _names_in(resource)
        for name in names:
            if name in self._names:
                return self._names[name]
        own = names[0] if names else None
        found = self._by_index(resource.get("index"), own) or self._by_name(str(resource.get("name", "")))
        return found or self._elsewhere(resource, own)

    def _elsewhere(self, resource: Mapping[str, Any], function: str | None) -> str | None:
        """The target of a function whose environment is no part of the run: somebody else applies it."""
        index, service = resource.get("index"), self._service or function
        if not isinstance(index, str):
            name = str(resource.get("name", ""))
            is_known = self._run.settings.mapping == "syrf" and name in ("production", "staging")
            return f"{name}/{service}" if is_known and service and not self._run.has(name) else None
        if (found := _PR.fullmatch(index)) and not self._run.has("preview"):
            return f"preview/pr-{found[1]}/{service}" if service else None
        return (
            index if _KEY.fullmatch(index) and not _PR.fullmatch(index) and not self._run.has(index) else None
        )

    def _by_index(self, index: Any, function: str | None) -> str | None:
        # What a target has several of goes by its key and a name: "staging/api:orders".
        text = str(index).partition(":")[0] if index is not None else ""
        if text in self._targets:
            return text
        if "/" in text and self._run.has(text) and not _PR.fullmatch(text):
            return text
        if (found := _PR.fullmatch(text)) and self._run.has("preview"):
            environment = f"preview/pr-{found[1]}"
            mine = [key for key, one in self._targets.items() if one.environment == environment]
            if len(mine) == 1:
                return mine[0]
            service = self._service or function
            return f"{environment}/{service}" if service else None
        return None

    def _by_name(self, name: str) -> str | None:
        """``staging`` and ``staging_s3`` belong to the one function of staging."""
        for environment in self._run.environments:
            if environment.name == "preview":
                continue
            if name == environment.name or name.startswith((f"{environment.name}_", f"{environment.name}-")):
                mine = [key for key, one in self._targets.items() if one.environment == environment.name]
                if len(mine) == 1:
                    return mine[0]
                if not mine and self._service:
                    return f"{environment.name}/{self._service}"
        return None


def _place(resource: Mapping[str, Any]) -> tuple[str, str]:
    """Module and key of a resource: what is made by the same ``for_each`` shares them."""
    address = str(resource.get("address", ""))
    module = str(resource.get("module_address", "")) or address.rpartition(".module.")[0]
    return module, str(resource.get("index", ""))


def _names_in(resource: Mapping[str, Any]) -> list[str]:
    """Names of functions that a resource says it is, or is about."""
    names: list[str] = []
    change = resource.get("change") or {}
    for values in (change.get("after"), change.get("before"), resource.get("values")):
        if not isinstance(values, Mapping):
            continue
        for attribute in ("function_name", "function_arn", "target_function_arn"):
            text = values.get(attribute)
            if isinstance(text, str) and text:
                names.append(_function_name(text))
        group = values.get("name")
        if resource.get("type") == "aws_cloudwatch_log_group" and isinstance(group, str):
            names.append(group.removeprefix("/aws/lambda/"))
    return list(dict.fromkeys(names))


def _function_name(text: str) -> str:
    """A function's name, from itself or from an ARN with or without a qualifier."""
    return text.partition(":function:")[2].partition(":")[0] or text
