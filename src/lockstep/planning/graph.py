"""Steps laid out as a graph."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from lockstep.model import (
    AddPermission,
    ApplyResource,
    Call,
    Change,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Function,
    Package,
    PublishLayer,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    RemovePermission,
    RemoveResource,
    Resource,
    RunTerraform,
    SetCodeSigning,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    ShiftAlias,
    SmokeTest,
    StagePackage,
    Statement,
    Step,
    Target,
    UpdateCode,
    UpdateConfiguration,
    WriteManifests,
)
from lockstep.model.function import timeout_of
from lockstep.model.kinds import KINDS
from lockstep.model.relay import is_relay
from lockstep.model.rolling import RolloutState
from lockstep.planning.aliases import CallShare
from lockstep.planning.assess import Assessment
from lockstep.planning.beside import Difference, is_on, outliving, shrinks, warms
from lockstep.planning.diff import call_of, diff_tags
from lockstep.planning.policy import RESOURCES_TAG, VERSION_TAG, remembered_qualifiers, remembered_sharers
from lockstep.planning.triggers import BucketChange
from lockstep.planning.undeclared import Former

__all__ = ["Graph", "own_logs"]

_WRITING = ("create", "configuration", "signing", "code", "layers", "tags", "concurrency", "logs")
"""Ends of the ids of steps that make a function what it is to be."""


class Graph:
    """Lays steps out as a graph. Steps are appended in an order in which they could also run."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._ids: set[str] = set()
        self._packages: dict[str, int] = {}  # step that stages one -> its place in steps
        self._gates: dict[str, list[str]] = {}  # target -> steps that come before its trigger
        self._led: dict[str, list[str]] = {}  # target -> steps that come before any of the function's own
        self._shrunk: dict[str, list[str]] = {}  # target -> steps that give back what published code has
        self._taking: dict[tuple[str, str], str] = {}  # of what there is one of -> step that takes it
        self._given: list[RemoveResource] = []  # what may have been taken by another target
        self._after: tuple[str, ...] = ()  # steps of another target that come before all of this one

    def add_targets(self, those: Sequence[Assessment], after: Mapping[str, str]) -> None:
        """Steps for targets whose versions get calls together, or for one, apart from notifications.

        None gets any before the versions of all are there and were tried. ``after`` says by target which one
        has the same function and writes it first: a function is one for both.
        """
        those = [
            one for one in those if one.problem is None and (one.live is None or one.changes or one.writes)
        ]
        ready = [(one, self._follow(one, after), self._prepare(one)) for one in those]
        tried = self._those(*(f"{one.target.key}:{what}" for one in those for what in ("publish", "smoke")))
        for one, earlier, needs in ready:
            self._after = earlier
            is_shared = one.shift.share is not None and one.shift.share.state is RolloutState.RUNNING
            self._complete(one, (*needs, *tried) if is_shared else needs)
        self._after = ()

    def _follow(self, one: Assessment, after: Mapping[str, str]) -> tuple[str, ...]:
        """What comes before all steps of a target that are added from now on."""
        first = after.get(one.target.key)
        self._after = self._those(*(f"{first}:{what}" for what in (*_WRITING, "publish"))) if first else ()
        return self._after

    def _prepare(self, one: Assessment) -> tuple[str, ...]:
        """Make the function what it is to be, and publish it; what the alias has to wait for."""
        leading = [each for each in one.beside if each.wanted is not None and _leads(each.wanted)]
        if leading:
            remembered = self._remember(one)
            self._led[one.target.key] = [self._one_beside(one, each, remembered) for each in leading]
        if one.live is None:
            self._create(one)
        else:
            self._update(one, one.live)
        return self._version(one)

    def _remember(self, one: Assessment) -> tuple[str, ...]:
        """Let the tags of a function that is there name what comes before all else of it."""
        key, live = one.target.key, one.live
        if live is None:
            return ()
        words = {name: value for name, value in one.wanted.tags.items() if name.startswith(RESOURCES_TAG)}
        tags = diff_tags(words, live.tags)
        if not tags:
            return ()
        step_id = f"{key}:tags-before"
        self._add(_tag_step(step_id, key, live.arn or live.name, tags, one.final_tags, needs=()))
        return (step_id,)

    def _complete(self, one: Assessment, needs: tuple[str, ...]) -> None:
        """Point the alias, and put in place all that calls it."""
        key = one.target.key
        self._alias(one, (*needs, *self._shrunk.get(key, ()), *self._warm(one)))
        for statement in one.permissions.remove:
            if (statement.qualifier, statement.sid) in one.permissions.to_free:
                self._add(_removal(f"{key}:free", key, one.wanted.name, statement))
        for statement in one.permissions.add:
            self._add(
                AddPermission(
                    id=f"{key}:permission:{statement.sid}",
                    target=key,
                    function=one.wanted.name,
                    statement=statement,
                    # The tags remember the bucket first: what a killed run leaves behind is found.
                    # Limits come first too: a function whose limit is refused gets no events.
                    needs=self._those(
                        *(f"{key}:{what}" for what in ("create", "tags", "concurrency", "logs", "alias")),
                        f"{key}:free:{_named(statement)}",
                    ),
                )
            )
        self._beside(one)

    def add_buckets(self, buckets: Sequence[BucketChange], assessed: Mapping[str, Assessment]) -> None:
        """One PUT for each bucket, then what may only go once the entries are gone."""
        puts: dict[str, list[str]] = {}
        added: dict[str, list[str]] = {}
        for change in buckets:
            touched = sorted({*change.added, *change.removed})
            rules = self._callers(change.relaying)
            step = PutNotifications(
                id=f"bucket:{change.bucket}",
                target=change.bucket,
                bucket=change.bucket,
                put=change.put,
                remove=change.remove,
                targets=tuple(touched),
                switch_on=change.switch_on,
                needs=(
                    *(step for key in sorted(change.added) for step in self._gates.get(key, ())),
                    *rules,
                ),
            )
            self._add(step)
            for key in change.added:
                added.setdefault(key, []).append(step.id)
            for key in touched:
                puts.setdefault(key, []).append(step.id)
        for given in self._given:
            # A rule whose trigger comes by the bucket's notifications from now on calls until it does.
            first = added.get(given.target, ()) if is_relay(given.resource) else ()
            self._add(replace(given, needs=(*given.needs, *self._taken(given.resource), *first)))
        for key, one in assessed.items():
            if one.problem is None and one.live is not None:
                self._let_go(key, one, one.live, puts.get(key, []))

    def _callers(self, targets: Collection[str]) -> tuple[str, ...]:
        """What is made of rules of the targets: no entry goes before what is to call in its place."""
        return tuple(
            step.id
            for step in self.steps
            if isinstance(step, PutResource) and step.target in targets and is_relay(step.resource)
        )

    def add_delete(self, former: Former, buckets: Sequence[BucketChange]) -> None:
        """Delete a function once no bucket calls it and its successor is there; its policy goes with it.

        A preview's logs go too, where they are in the group that Lambda makes for the function alone.
        They go first, since nothing knows of them once the function is gone: a run that is killed in
        between must leave nothing. And once more, last: a call that was under way may have written.
        """
        owner = former.target.key
        function = former.target.function
        owners = {owner} | (remembered_sharers(function.tags) if function is not None else set())
        puts = (f"bucket:{change.bucket}" for change in buckets if owners & change.removed.keys())
        gates = (*self._gates.get(owner, ()), *puts)
        for one in sorted(outliving(former.target), key=_leads):
            step_id = f"{_beside_id(former.key, one)}:{one.qualifier or 'itself'}"
            name = str(former.target.function and former.target.function.name)
            needs = (*gates, *self._taken(one))
            self._add(RemoveResource(id=step_id, target=owner, function=name, resource=one, needs=needs))
            gates = (*gates, step_id)
        group = own_logs(former.target)
        delete, first, last = (
            f"{former.key}:{what}" for what in ("delete", "delete-logs", "delete-late-logs")
        )
        if group is not None:
            self._add(DeleteLogGroup(id=first, target=owner, log_group=group, needs=gates))
            gates = (*gates, first)
        self._add(DeleteFunction(id=delete, target=owner, function=former.arn, needs=gates))
        if group is not None:
            self._add(DeleteLogGroup(id=last, target=owner, log_group=group, needs=(delete,)))

    def _create(self, one: Assessment) -> None:
        key, wanted = one.target.key, one.wanted
        tags = {name: value for name, value in wanted.tags.items() if value is not None}
        self._add(
            CreateFunction(
                id=f"{key}:create",
                target=key,
                function=replace(wanted, tags=tags),
                needs=(
                    *self._led.get(key, ()),
                    *self._stage(wanted.code.package),
                    *self._publish_layers(one),
                ),
            )
        )
        self._separate(key, wanted, one.writes, needs=(f"{key}:create",))

    def _update(self, one: Assessment, live: Function) -> None:
        key, wanted = one.target.key, one.wanted
        self._shrink(one)
        by_config = tuple(c for c in one.writes if call_of(c.path) is Call.CONFIGURATION)
        by_code = tuple(c for c in one.writes if call_of(c.path) is Call.CODE)
        later = _after_code(wanted, live, by_config) if by_code else ()
        sooner = tuple(change for change in by_config if change not in later)
        led = tuple(self._led.get(key, ()))
        before = self._configure(f"{key}:configuration", key, one, sooner, needs=led)
        if any(call_of(change.path) is Call.SIGNING for change in one.writes):
            # Before the code, which it judges.
            config = wanted.settings.get("codeSigningConfigArn")
            self._add(
                SetCodeSigning(
                    id=f"{key}:signing",
                    target=key,
                    function=wanted.name,
                    config=str(config) if config else None,
                    needs=before,
                )
            )
            before = (f"{key}:signing",)
        if by_code:
            self._add(
                UpdateCode(
                    id=f"{key}:code",
                    target=key,
                    function=wanted,
                    changes=by_code,
                    needs=(*before, *self._stage(wanted.code.package)),
                )
            )
            before = (f"{key}:code",)
        name = "layers" if sooner else "configuration"
        before = self._configure(f"{key}:{name}", key, one, later, needs=before)
        tags = diff_tags(wanted.tags, live.tags)
        if tags:
            # The version tag says what runs, so it comes after the code, and before what may be refused.
            # Another version of the same bytes is staged as well: what lies there says which releases it is.
            if not by_code and any(change.path == f"tags.{VERSION_TAG}" and change.old for change in tags):
                before = (*before, *self._stage(wanted.code.package))
            final = one.final_tags
            self._add(_tag_step(f"{key}:tags", key, live.arn or live.name, tags, final, needs=before))
            before = (f"{key}:tags",)
        self._separate(key, wanted, one.writes, needs=before)

    def _version(self, one: Assessment) -> tuple[str, ...]:
        """Publish what the function has become, and try it; what the alias has to wait for.

        Everything of the function comes before, its limits too; what is to call the alias comes after. A
        version that is there already needs none of that: the alias that is called goes to it at once, where
        the tags remember it as ours, or as soon as they do.
        """
        key, target, shift = one.target.key, one.target, one.shift
        if shift.alias is None or not shift.puts:
            return ()
        needs = self._those(*(f"{key}:{what}" for what in _WRITING))
        if shift.publishes:
            self._add(
                PublishVersion(
                    id=f"{key}:publish",
                    target=key,
                    function=one.wanted,
                    description=f"{shift.description} {target.commit[:12] if target.commit else ''}".rstrip(),
                    ignore=target.ignore,
                    needs=needs,
                )
            )
            needs = (f"{key}:publish",)
        elif shift.live is not None:
            is_remembered = one.live is not None and shift.alias in remembered_qualifiers(one.live.tags)
            needs = () if is_remembered else self._those(f"{key}:tags")
        if shift.is_tried:
            self._add(_smoke_test(f"{key}:smoke", one, needs))
            needs = (*needs, f"{key}:smoke")
        return needs

    def _alias(self, one: Assessment, needs: tuple[str, ...]) -> None:
        """Point the alias at its version: all calls at once, or a share of them."""
        key, shift = one.target.key, one.shift
        if shift.alias is None or not shift.puts:
            return
        if shift.share is not None:
            self._add(_shift_step(f"{key}:alias", one, shift.share, needs))
        else:
            self._add(
                PutAlias(
                    id=f"{key}:alias",
                    target=key,
                    function=one.wanted.name,
                    alias=shift.alias,
                    version=shift.version,
                    description=shift.description,
                    revision=shift.live.revision if shift.live else None,
                    needs=needs,
                )
            )
        for version, reason in one.pruned.going:
            self._add(
                DeleteVersion(
                    id=f"{key}:delete-version:{version.number}",
                    target=key,
                    function=one.wanted.name,
                    version=version.number,
                    reason=reason,
                    needs=(f"{key}:alias",),
                )
            )

    def _configure(
        self, step_id: str, key: str, one: Assessment, changes: tuple[Change, ...], needs: tuple[str, ...]
    ) -> tuple[str, ...]:
        """A change of the configuration, where there is any; what the next step has to wait for."""
        if not changes:
            return needs
        if any(change.path == "layers" for change in changes):
            needs = (*needs, *self._publish_layers(one))
        revision = one.live.revision if one.live else None
        self._add(
            UpdateConfiguration(
                id=step_id, target=key, function=one.wanted, changes=changes, revision=revision, needs=needs
            )
        )
        return (step_id,)

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
                            needs=(*needs, *self._shrunk.get(key, ())),
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

    def _shrink(self, one: Assessment) -> None:
        """Give back what only published code has, or a part of it, first of all.

        What is reserved for the function may then get less, too, an alias that has none of it any more goes
        to another version at once, and another alias may have it: a version has it once.
        """
        for each in one.beside:
            if each.live is not None and shrinks(each):
                is_here = is_on(each.live, one.target)
                end = "" if is_here else f":{each.live.qualifier or 'itself'}"
                self._shrunk.setdefault(one.target.key, []).append(self._one_beside(one, each, end=end))

    def _warm(self, one: Assessment) -> tuple[str, ...]:
        """Make what only published code has before an alias gets weights, with which AWS makes none of it."""
        key, share, live = one.target.key, one.shift.share, one.shift.live
        if share is None or not share.weight or live is None or live.weights:
            return ()
        there = self._those(*(f"{key}:{what}" for what in ("tags", "concurrency")))
        return tuple(self._one_beside(one, each, there) for each in one.beside if warms(each))

    def _one_beside(
        self, one: Assessment, each: Difference, needs: tuple[str, ...] = (), *, end: str = ""
    ) -> str:
        """The step that makes a resource on the qualifier which is called, or removes one."""
        key, name = one.target.key, one.wanted.name
        if each.wanted is not None:
            step_id = _beside_id(key, each.wanted)
            if KINDS[each.wanted.kind].sole:
                self._taking[each.wanted.kind, each.wanted.identity] = step_id
            self._add(
                PutResource(
                    id=step_id,
                    target=key,
                    function=name,
                    resource=each.wanted,
                    changes=each.changes,
                    moves_from=each.moves_from,
                    needs=needs,
                )
            )
            return step_id
        assert each.live is not None  # noqa: S101 - a difference has one of the two
        step_id = _beside_id(key, each.live) + end
        self._add(RemoveResource(id=step_id, target=key, function=name, resource=each.live, needs=needs))
        return step_id

    def _beside(self, one: Assessment) -> None:
        """Resources beside the function, once the tags remember them; what invites callers comes last.

        What goes by itself goes first of all: nothing of the target needs it any more. So does what a new one
        takes the place of, but where both may be there: then no call falls between them.
        """
        key, name = one.target.key, one.wanted.name
        there = (
            *self._those(f"{key}:create", f"{key}:tags", f"{key}:alias"),
            *self._shrunk.get(key, ()),
        )
        formers = [each for each in one.beside if each.former is not None]

        def successor(each: Difference) -> Resource | None:
            return next((other.wanted for other in formers if other.former is each.live), None)

        def stays(each: Difference) -> bool:
            return each.wanted is None and _overlaps(successor(each))

        left = [
            each
            for each in one.beside
            if not (warms(each) or shrinks(each) or (each.wanted is not None and _leads(each.wanted)))
            or not self._has(key, each)
        ]
        for each in sorted(
            left, key=lambda each: (stays(each), each.wanted is not None, _invites(each.wanted))
        ):
            if each.wanted is not None:
                needs = tuple(self._gates.get(key, ())) if _invites(each.wanted) else there
                is_here = each.former is not None and is_on(each.former, one.target)
                if is_here and each.former is not None and not _overlaps(each.wanted):
                    needs = (*needs, f"{_beside_id(key, each.former)}:former")
                self._one_beside(one, each, needs)
            elif each.live is not None and is_on(each.live, one.target):
                step_id, new = _beside_id(key, each.live), successor(each)
                after = (_beside_id(key, new),) if new is not None and _overlaps(new) else ()
                if _leads(each.live):
                    after = (*after, *self._gates.get(key, ()))
                removal = RemoveResource(
                    id=f"{step_id}:former" if new is not None else step_id,
                    target=key,
                    function=name,
                    resource=each.live,
                    needs=after,
                )
                if KINDS[each.live.kind].sole:
                    self._given.append(removal)
                else:
                    self._add(removal)

    def _taken(self, resource: Resource) -> tuple[str, ...]:
        """The step that takes a resource over for another target, of which there is one for all functions."""
        step_id = self._taking.get((resource.kind, resource.identity))
        return (step_id,) if step_id is not None else ()

    def _has(self, key: str, each: Difference) -> bool:
        resource = each.wanted or each.live
        return resource is not None and _beside_id(key, resource) in self._ids

    def _let_go(self, key: str, one: Assessment, live: Function, puts: Sequence[str]) -> None:
        """Permissions go after the entries that used them, and then the bucket is forgotten.

        So does all that is on a qualifier which nothing calls any more, once its successor is there.
        """
        revokes = []
        for statement in one.permissions.remove:
            if (statement.qualifier, statement.sid) not in one.permissions.to_free:
                needs = tuple(puts)
                if statement.qualifier != one.target.qualifier:
                    needs = (*needs, *self._gates.get(key, ()))
                revokes.append(f"{key}:revoke:{_named(statement)}")
                self._add(_removal(f"{key}:revoke", key, live.name, statement, needs))
        moved = [
            _beside_id(key, each.wanted) for each in one.beside if each.wanted and each.moves_from is not None
        ]
        there = (*puts, *self._gates.get(key, ()), *self._those(*moved))
        for each in one.beside:
            if each.wanted is None and each.live and not is_on(each.live, one.target):
                step_id = _beside_id(key, each.live)
                revokes.append(f"{step_id}:{each.live.qualifier or 'itself'}")
                if revokes[-1] in self._ids:
                    continue
                needs = (*there, *self._those(step_id))
                self._add(
                    RemoveResource(
                        id=revokes[-1], target=key, function=live.name, resource=each.live, needs=needs
                    )
                )
        for alias in one.shift.leaving:
            needs = (*there, *revokes)
            revokes.append(f"{key}:delete-alias:{alias.name}")
            self._add(
                DeleteAlias(id=revokes[-1], target=key, function=live.name, alias=alias.name, needs=needs)
            )
        if one.final_tags != one.wanted.tags:
            leftover = diff_tags(one.final_tags, {**live.tags, **one.wanted.tags})
            leaving = [_beside_id(key, each.live) for each in one.beside if each.live and not each.wanted]
            gone = self._those(*leaving, *(f"{step_id}:former" for step_id in leaving), *self._those(*moved))
            needs = (*puts, *revokes, *gone, *self._those(f"{key}:tags"))
            step_id, final = f"{key}:tags-after", one.final_tags
            self._add(_tag_step(step_id, key, live.arn or live.name, leftover, final, needs=needs))

    def _publish_layers(self, one: Assessment) -> tuple[str, ...]:
        """Publish the layers that the function takes and AWS has no version of, once for all functions."""
        layers = one.wanted.settings.get("layers")
        named = layers if isinstance(layers, tuple) else ()
        published: list[str] = []
        for layer in one.target.layers:
            if layer.package is not None and layer.unpublished in named:
                step_id = f"layer:{layer.unpublished}"
                published.append(step_id)
                if step_id not in self._ids:
                    needs = self._stage(layer.package)
                    self._add(PublishLayer(id=step_id, target="", layer=layer, needs=needs))
        return tuple(published)

    def _stage(self, package: Package | None) -> tuple[str, ...]:
        if package is None or package.is_staged:
            return ()
        step_id = f"package:{package.bucket}/{package.key}"
        if step_id not in self._ids:
            self._packages[step_id] = len(self.steps)
            self._add(StagePackage(id=step_id, target="", package=package))
        elif isinstance(step := self.steps[self._packages[step_id]], StagePackage):
            self.steps[self._packages[step_id]] = replace(step, package=step.package.also(package))
        return (step_id,)

    def _those(self, *ids: str) -> tuple[str, ...]:
        """Those of the given steps that there are."""
        return tuple(step_id for step_id in ids if step_id in self._ids)

    def _add(self, step: Step) -> None:
        is_free = isinstance(step, PutAlias) and step.version is not None and not step.needs
        if not is_free and not isinstance(step, StagePackage | PublishLayer):
            step = replace(step, needs=tuple(dict.fromkeys((*step.needs, *self._after))))
        self.steps.append(step)
        self._ids.add(step.id)
        match step:
            case PutResource(resource=resource) if not _invites(resource):
                self._gates.setdefault(step.target, []).append(step.id)
            case (
                StagePackage()
                | PublishLayer()
                | PutNotifications()
                | PutResource()
                | RemoveResource()
                | DeleteAlias()
                | DeleteVersion()
                | DeleteFunction()
                | DeleteLogGroup()
                | RunTerraform()
                | ApplyResource()
                | WriteManifests()
            ):
                pass
            case (
                CreateFunction()
                | UpdateConfiguration()
                | UpdateCode()
                | SetCodeSigning()
                | SetConcurrency()
                | SetLogRetention()
                | SetTags()
                | PublishVersion()
                | SmokeTest()
                | PutAlias()
                | ShiftAlias()
                | AddPermission()
                | RemovePermission()
            ):
                self._gates.setdefault(step.target, []).append(step.id)
            case _:
                assert_never(step)


def _smoke_test(step_id: str, one: Assessment, needs: tuple[str, ...]) -> SmokeTest:
    rollout = one.target.rollout
    assert rollout is not None  # noqa: S101 - only a rollout has a smoke call
    assert rollout.smoke is not None  # noqa: S101
    return SmokeTest(
        id=step_id,
        target=one.target.key,
        function=one.wanted.name,
        version=one.shift.version,
        payload=rollout.smoke.sent,
        expected=rollout.smoke.expected,
        timeout=timeout_of(one.wanted),
        place=rollout.smoke.place,
        needs=needs,
    )


def _shift_step(step_id: str, one: Assessment, share: CallShare, needs: tuple[str, ...]) -> ShiftAlias:
    shift, rollout = one.shift, one.target.rollout
    assert shift.live is not None  # noqa: S101 - calls are shared with what is stable
    assert rollout is not None  # noqa: S101 - and by what is declared
    return ShiftAlias(
        id=step_id,
        target=one.target.key,
        function=one.wanted.name,
        alias=shift.live.name,
        stable=shift.live.version,
        candidate=shift.version,
        weight=share.weight,
        state=share.state,
        digest=share.digest,
        policy=rollout.digest,
        step=share.step,
        steps=len(rollout.stages),
        description=share.mark,
        revision=shift.live.revision,
        begun=share.begun,
        reason=share.reason,
        needs=needs,
    )


def _after_code(wanted: Function, live: Function, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Changes of the configuration that have to wait for the code; usually none.

    Lambda refuses code and layers that unpack to more than 250 MB together, at each of the two updates. So
    code goes first where layers only grow (it gives up what they bring), configuration where they only
    shrink. Where some come and others go, a package that shrinks goes first: with what is there now it fits,
    as one that grows fits with what comes. A runtime always goes before code, which AWS may block for the
    one that is live; then the layers alone follow.
    Source: Lambda quotas, "Deployment package"; Lambda runtimes, "Runtime deprecation policy".
    """
    if all(change.path != "layers" for change in changes):
        return ()
    have, want = _layers(live), _layers(wanted)
    package = wanted.code.package
    if want < have:
        return ()
    if not want > have and not (package and 0 < package.size <= live.code.size):
        return ()
    is_bound = any(change.path == "runtime" for change in changes)
    return tuple(change for change in changes if change.path == "layers" or not is_bound)


def _layers(function: Function) -> frozenset[str]:
    layers = function.settings.get("layers")
    return frozenset(str(layer) for layer in layers) if isinstance(layers, tuple | list) else frozenset()


def own_logs(target: Target) -> str | None:
    """The log group of a preview's function that nobody shares; None for others."""
    if target.function is None or not target.is_preview:
        return None
    usual = f"/aws/lambda/{target.function.name}"
    return usual if target.function.settings.get("logging.group") in (None, usual) else None


def _beside_id(target: str, resource: Resource) -> str:
    """The step that makes or removes a resource of a target."""
    return ":".join(filter(None, (target, resource.kind, resource.name)))


def _invites(resource: Resource | None) -> bool:
    """Whether something calls the function once the resource is there."""
    return resource is not None and KINDS[resource.kind].invites


def _leads(resource: Resource) -> bool:
    """Whether the function needs it: it is there first, and goes once nothing of the target needs it.

    Before a function that is deleted, since nothing knows of it afterwards.
    """
    return KINDS[resource.kind].leads


def _overlaps(resource: Resource | None) -> bool:
    """Whether the one whose place the resource takes goes once the resource is there."""
    return resource is not None and KINDS[resource.kind].overlaps


def _named(statement: Statement) -> str:
    """A statement's id, with the alias whose policy it is in."""
    return statement.sid + (f"@{statement.qualifier}" if statement.qualifier else "")


def _removal(
    step_id: str, target: str, function: str, statement: Statement, needs: tuple[str, ...] = ()
) -> RemovePermission:
    return RemovePermission(
        id=f"{step_id}:{_named(statement)}",
        target=target,
        function=function,
        sid=statement.sid,
        qualifier=statement.qualifier,
        needs=needs,
    )


def _tag_step(
    step_id: str,
    target: str,
    function: str,
    changes: Sequence[Change],
    final: Mapping[str, str | None],
    needs: tuple[str, ...],
) -> SetTags:
    names = {change.path: change.path.removeprefix("tags.") for change in changes}
    put = {names[c.path]: str(c.new) for c in changes if c.new is not None}
    return SetTags(
        id=step_id,
        target=target,
        function=function,
        put=put,
        remove=tuple(names[c.path] for c in changes if c.new is None and c.old is not None),
        later={key: final[key] for key, value in put.items() if key in final and final[key] != value},
        needs=needs,
    )
