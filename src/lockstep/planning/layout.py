"""Steps laid out as a graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockstep.model import (
    AddPermission,
    Call,
    Change,
    CreateFunction,
    DeleteFunction,
    Fleet,
    Function,
    PutNotifications,
    RemovePermission,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    StagePackage,
    Step,
    Target,
    UpdateCode,
    UpdateConfiguration,
)
from lockstep.planning.assess import Assessment, permissions
from lockstep.planning.diff import call_of, diff_code, diff_settings, diff_tags
from lockstep.planning.triggers import BucketChange

__all__ = ["Layout"]


class Layout:
    """Lays steps out as a graph. Steps are appended in an order in which they could also run."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._ids: set[str] = set()
        self._gates: dict[str, list[str]] = {}  # target -> steps that come before its trigger

    def add_target(self, one: Assessment, live: Fleet) -> None:
        """Steps for one target, apart from its notifications."""
        if one.problem is not None:
            return
        if one.function is None:
            self._create(one)
        else:
            self._update(one, one.function)
        key = one.target.key
        missing, extra, taken = permissions(one.target, one.live, live)
        for statement in extra:
            if statement.sid in taken:
                self._add(
                    RemovePermission(
                        id=f"{key}:free:{statement.sid}",
                        target=key,
                        function=one.wanted.name,
                        sid=statement.sid,
                    )
                )
        for statement in missing:
            freed = (f"{key}:free:{statement.sid}",) if statement.sid in taken else ()
            created = (f"{key}:create",) if one.function is None else ()
            self._add(
                AddPermission(
                    id=f"{key}:permission:{statement.sid}",
                    target=key,
                    function=one.wanted.name,
                    statement=statement,
                    needs=(*created, *freed),
                )
            )

    def add_buckets(
        self, buckets: Sequence[BucketChange], assessed: Mapping[str, Assessment], live: Fleet
    ) -> None:
        """One PUT for each bucket, then what may only go once the entries are gone."""
        puts: dict[str, list[str]] = {}
        for change in buckets:
            if not change.put and not change.remove:
                continue
            touched = sorted({*change.added, *change.removed})
            needs = [step for key in sorted(change.added) for step in self._gates.get(key, ())]
            step = PutNotifications(
                id=f"bucket:{change.bucket}",
                target=change.bucket,
                bucket=change.bucket,
                put=change.put,
                remove=change.remove,
                targets=tuple(touched),
                needs=tuple(needs),
            )
            self._add(step)
            for key in touched:
                puts.setdefault(key, []).append(step.id)
        for key, one in assessed.items():
            if one.problem is None and one.function is not None:
                self._let_go(key, one, one.function, puts.get(key, []), live)

    def add_delete(self, key: str, other: Target, buckets: Sequence[BucketChange]) -> None:
        """Delete a function once no bucket calls it any more; its policy goes with it."""
        function = other.function
        if function is None or function.arn is None:
            return
        needs = tuple(f"bucket:{change.bucket}" for change in buckets if other.key in change.removed)
        self._add(DeleteFunction(id=f"{key}:delete", target=other.key, function=function.arn, needs=needs))

    def _create(self, one: Assessment) -> None:
        key, wanted = one.target.key, one.wanted
        tags = {name: value for name, value in wanted.tags.items() if value is not None}
        self._add(
            CreateFunction(
                id=f"{key}:create",
                target=key,
                function=replace(wanted, tags=tags),
                needs=self._stage(wanted),
            )
        )
        changes = diff_settings(wanted, Function(name=wanted.name))
        self._separate(key, wanted, changes, needs=(f"{key}:create",))

    def _update(self, one: Assessment, live: Function) -> None:
        key, wanted = one.target.key, one.wanted
        settings = diff_settings(wanted, live)
        code = diff_code(wanted, live)
        by_config = tuple(c for c in settings if call_of(c.path) is Call.CONFIGURATION)
        by_code = (*code, *(c for c in settings if call_of(c.path) is Call.CODE))
        before: tuple[str, ...] = ()
        if by_config:
            self._add(
                UpdateConfiguration(
                    id=f"{key}:configuration",
                    target=key,
                    function=wanted,
                    changes=by_config,
                    revision=live.revision,
                )
            )
            before = (f"{key}:configuration",)
        if by_code:
            self._add(
                UpdateCode(
                    id=f"{key}:code",
                    target=key,
                    function=wanted,
                    changes=tuple(by_code),
                    needs=(*before, *self._stage(wanted)),
                )
            )
            before = (f"{key}:code",)
        self._separate(key, wanted, settings, needs=())
        tags = diff_tags(wanted.tags, live.tags)
        if tags:
            # The version tag says what runs, so it comes after the code.
            self._add(_tag_step(f"{key}:tags", key, live.arn or live.name, tags, needs=before))

    def _separate(
        self, key: str, wanted: Function, changes: Sequence[Change], needs: tuple[str, ...]
    ) -> None:
        """Settings that have calls of their own."""
        for change in changes:
            value = wanted.settings.get(change.path)
            number = value if isinstance(value, int) else None
            match call_of(change.path):
                case Call.CONCURRENCY:
                    self._add(
                        SetConcurrency(
                            id=f"{key}:concurrency",
                            target=key,
                            function=wanted.name,
                            reserved=number,
                            needs=needs,
                        )
                    )
                case Call.RETENTION:
                    group = wanted.settings.get("logging.group") or f"/aws/lambda/{wanted.name}"
                    self._add(
                        SetLogRetention(
                            id=f"{key}:logs",
                            target=key,
                            log_group=str(group),
                            days=number,
                            needs=needs,
                        )
                    )
                case _:
                    pass

    def _let_go(
        self, key: str, one: Assessment, function: Function, puts: Sequence[str], live: Fleet
    ) -> None:
        """Permissions and remembered buckets go after the entries that used them."""
        _, extra, taken = permissions(one.target, one.live, live)
        for statement in extra:
            if statement.sid not in taken:
                self._add(
                    RemovePermission(
                        id=f"{key}:revoke:{statement.sid}",
                        target=key,
                        function=function.name,
                        sid=statement.sid,
                        needs=tuple(puts),
                    )
                )
        leftover = diff_tags(one.final_tags, {**function.tags, **one.wanted.tags})
        if leftover:
            needs = tuple(step for step in (*puts, f"{key}:tags") if step in self._ids)
            self._add(
                _tag_step(f"{key}:tags-after", key, function.arn or function.name, leftover, needs=needs)
            )

    def _stage(self, wanted: Function) -> tuple[str, ...]:
        package = wanted.code.package
        if package is None or package.is_staged:
            return ()
        step_id = f"package:{package.bucket}/{package.key}"
        if step_id not in self._ids:
            self._add(StagePackage(id=step_id, target="", package=package))
        return (step_id,)

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self._ids.add(step.id)
        if not isinstance(step, StagePackage | SetConcurrency | SetLogRetention | PutNotifications):
            self._gates.setdefault(step.target, []).append(step.id)


def _tag_step(
    step_id: str, target: str, function: str, changes: Sequence[Change], needs: tuple[str, ...]
) -> SetTags:
    names = {change.path: change.path.removeprefix("tags.") for change in changes}
    return SetTags(
        id=step_id,
        target=target,
        function=function,
        put={names[c.path]: str(c.new) for c in changes if c.new is not None},
        remove=tuple(names[c.path] for c in changes if c.new is None and c.old is not None),
        needs=needs,
    )
