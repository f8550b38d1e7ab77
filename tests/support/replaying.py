"""Replaying steps as AWS would take them: a step that AWS would refuse is an error of the plan."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lockstep.model import (
    FIELDS,
    AddPermission,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Fleet,
    Function,
    Package,
    Plan,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    RemovePermission,
    RemoveResource,
    Resource,
    Secret,
    StagePackage,
    Step,
    Target,
    UpdateCode,
    UpdateConfiguration,
)
from lockstep.model.alias import qualified, unversioned, versioned
from lockstep.model.kinds import KINDS
from lockstep.model.kinds.base import digest_of
from lockstep.planning.aliases import differing
from lockstep.planning.diff import with_ignored
from lockstep.planning.notifications import LAMBDA, clashes, entry_for, function_of, is_same, merge, owner_of
from lockstep.planning.policy import Rules, may_adopt, remembered_words
from lockstep.planning.replay import replay

__all__ = ["closed_subset", "foreign_parts", "perform", "plain", "unreached"]


def perform(steps: Iterable[Step], live: Fleet) -> Fleet:
    """The live fleet after the steps. AssertionError where AWS would have refused one of them."""
    staged: set[Package] = set()
    for step in steps:
        _check(step, live, staged)
        live = replay(Plan(engine="aws", project=live.project, steps=(step,)), live)
    return live


def _check(step: Step, live: Fleet, staged: set[Package]) -> None:
    target = live.targets.get(step.target)
    function = target.function if target else None
    match step:
        case StagePackage():
            staged.add(step.package)
        case CreateFunction():
            assert function is None, f"{step.id}: the function exists"
            _check_code(step.function, staged)
        case UpdateConfiguration():
            assert function is not None, f"{step.id}: no function"
        case UpdateCode():
            assert function is not None, f"{step.id}: no function"
            assert bool(function.code.image) == bool(step.function.code.image), f"{step.id}: other kind"
            _check_code(step.function, staged)
        case AddPermission():
            assert target is not None, f"{step.id}: no function"
            assert step.statement.sid == step.statement.content_id
            place = (step.statement.qualifier, step.statement.sid)
            taken = {(s.qualifier, s.sid) for s in target.statements}
            assert place not in taken, f"{step.id}: the id is taken"
            _check_there(target, step.statement.qualifier)
        case RemovePermission():
            assert target is not None, f"{step.id}: no function"
            taken = {(s.qualifier, s.sid) for s in target.statements}
            assert (step.qualifier, step.sid) in taken, f"{step.id}: no such statement"
        case PutNotifications():
            _check_put(step, live)
        case PutResource() if KINDS[step.resource.kind].leads and function is None:
            pass  # the function is made with what it needs, and its tags with it
        case PutResource():
            assert function is not None, f"{step.id}: no function"
            # A run may be killed here: what was made has to be found again.
            assert step.resource.word in remembered_words(function.tags)
            assert target is not None
            if not KINDS[step.resource.kind].unversioned:
                _check_there(target, step.resource.qualifier)
        case RemoveResource():
            known = [each for each in (target, *live.others.values()) if each is not None]
            named = [each for each in known if each.function and each.function.name == step.function]
            there = [one for each in named for one in each.resources]
            assert step.resource in there, f"{step.id}: no such resource"
        case PublishVersion():
            assert function is not None, f"{step.id}: no function"
            assert not differing(step.function, function, step.ignore), f"{step.id}: not what is wanted"
        case PutAlias():
            assert target is not None, f"{step.id}: no function"
            there = next((one for one in target.aliases if one.name == step.alias), None)
            assert step.revision == (there.revision if there else None)
            known = {one.number for one in target.versions} | ({there.version} if there else set())
            assert step.version is None or step.version in known, f"{step.id}: no such version"
            assert step.alias in _remembered(target), f"{step.id}: a run that is killed here loses it"
        case DeleteAlias():
            assert target is not None, f"{step.id}: no function"
            assert step.alias in {one.name for one in target.aliases}, f"{step.id}: no such alias"
            assert not [s for s in target.statements if s.qualifier == step.alias], f"{step.id}: is called"
            assert not [r for r in target.resources if r.qualifier == step.alias], f"{step.id}: is used"
            assert function is not None
            callers = [
                entry["Id"]
                for bucket in live.buckets.values()
                for entry in bucket.raw.get(LAMBDA, ())
                if entry["LambdaFunctionArn"] == f"{function.arn}:{step.alias}"
                and owner_of(entry["Id"]) == (live.project, step.target)
            ]
            assert not callers, f"{step.id}: {callers} still call it"
        case DeleteVersion():
            assert target is not None, f"{step.id}: no function"
            (version,) = (one for one in target.versions if one.number == step.version)
            assert not version.aliases, f"{step.id}: {version.aliases} name it"
            assert version.description.startswith(f"lockstep {live.project} "), f"{step.id}: not ours"
        case DeleteFunction():
            assert step.function in live.others, f"{step.id}: no function"
            callers = [
                entry["Id"]
                for bucket in live.buckets.values()
                for entry in bucket.raw.get(LAMBDA, ())
                if function_of(entry["LambdaFunctionArn"]) == step.function
                and (owner_of(entry["Id"]) or (live.project,))[0] == live.project
            ]
            assert not callers, f"{step.id}: {callers} still call it"
        case DeleteLogGroup():
            writers = [
                arn
                for arn, other in live.others.items()
                if other.function
                and step.log_group == f"/aws/lambda/{other.function.name}"
                and other.key != step.target.partition(" ")[0]  # its own function goes next
            ]
            assert not writers, f"{step.id}: {writers} still write to it"
            assert step.target.startswith("preview/"), f"{step.id}: not a preview's"
        case _:
            assert function is not None, f"{step.id}: no function"


def _check_there(target: Target, qualifier: str) -> None:
    """What is put on an alias needs the alias, and the tags remember it: a run may be killed there."""
    assert not qualifier or qualifier in {one.name for one in target.aliases}, f"no alias {qualifier}"
    assert qualifier in _remembered(target)


def _remembered(target: Target) -> set[str]:
    assert target.function is not None
    names = str(target.function.tags.get("lockstep:alias") or "@latest").split()
    return {"" if name == "@latest" else name for name in names}


def _check_code(function: Function, staged: set[Package]) -> None:
    if function.code.image is None:
        package = function.code.package
        assert package is not None, "no package to deploy"
        assert package.is_staged or package in staged, "the package is not staged yet"


def _check_put(step: PutNotifications, live: Fleet) -> None:
    raw = live.buckets[step.bucket].raw
    merged = merge(raw, put=step.put, remove=step.remove)
    assert not clashes(merged), f"{step.id}: S3 refuses an overlap"
    for entry in step.put:
        owner = owner_of(entry["Id"])
        assert owner is not None
        target = live.targets[owner[1]]
        assert target.function is not None, f"{step.id}: no function to call"
        called = entry["LambdaFunctionArn"]
        _, _, qualifier = called.removeprefix(str(target.function.arn)).partition(":")
        assert called == qualified(str(target.function.arn), qualifier)
        _check_there(target, qualifier)
        scope = live.scope(target.environment)
        assert any(
            (s.source_arn, s.source_account, s.qualifier)
            == (scope.bucket_arn(step.bucket), scope.account, qualifier)
            for s in target.statements
        ), f"{step.id}: S3 may not call {owner[1]} yet"
        # While an entry calls it, the function remembers the bucket: a run may be killed here.
        assert step.bucket in " ".join(str(value) for value in target.function.tags.values()).split()


def closed_subset(steps: Sequence[Step], wanted: Iterable[bool]) -> list[Step]:
    """The wanted steps without those that need a step that is left out: what a killed run has done."""
    done: list[Step] = []
    ids: set[str] = set()
    for step, is_wanted in zip(steps, wanted, strict=True):
        if is_wanted and ids.issuperset(step.needs):
            done.append(step)
            ids.add(step.id)
    return done


def plain(value: object) -> object:
    """A value without its masks."""
    match value:
        case Secret():
            return value.value
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def foreign_parts(fleet: Fleet, rules: Rules, desired: Fleet, *plans: Plan) -> dict[str, object]:
    """Everything on the buckets that Lockstep may never touch, in its order.

    Without the entries that an adopted function's target may take over, without those that call, for
    nobody, a function that one of the plans deletes, and without a switch for EventBridge that one puts on.
    """
    adoptable = {
        fleet.scope(t.environment).function_arn(t.function.name)
        for t in desired.targets.values()
        if t.function and may_adopt(rules, t)
    }
    adoptable |= {s.function for made in plans for s in made.steps if isinstance(s, DeleteFunction)}
    steps = [step for made in plans for step in made.steps]
    switched = {step.bucket for step in steps if isinstance(step, PutNotifications) and step.switch_on}
    parts: dict[str, object] = {}
    for name, bucket in fleet.buckets.items():
        entries = [
            entry
            for entry in bucket.raw.get(LAMBDA, ())
            if (owner_of(entry["Id"]) or ("",))[0] != fleet.project
            and not (owner_of(entry["Id"]) is None and function_of(entry["LambdaFunctionArn"]) in adoptable)
        ]
        left_out = {LAMBDA, *(["EventBridgeConfiguration"] if name in switched else [])}
        others = {member: value for member, value in bucket.raw.items() if member not in left_out}
        parts[name] = [entries, others]
    return parts


def _is_on(one: Resource, target: Target) -> bool:
    """Whether a resource is on what the target is called by, or is of the function as a whole."""
    return one.qualifier == ("" if KINDS[one.kind].unversioned else target.qualifier)


def _beside(target: Target, have: Target, before: Target | None) -> list[str]:
    """What differs of the resources beside a function, apart from what others manage."""
    function = have.function
    assert function is not None
    several = _several(target, have, before)
    target, have = _single(target), _single(have)
    before = _single(before) if before is not None else None
    wanted = {one.kind: one.settings for one in target.resources}
    here = [one for one in have.resources if _is_on(one, target)]
    found = {one.kind: one.settings for one in here}
    were = [one for one in (before.resources if before else ()) if _is_on(one, target)]
    was = {one.kind: one.settings for one in were}
    left = [one for one in have.resources if one not in here and one.kind not in target.ignore]
    differing = [f"{one.kind} is left on {one.qualifier or 'the function'}" for one in left]
    for name, kind in KINDS.items():
        if name in function.unread or kind.is_many:
            continue
        for row in kind.rows:
            goes = kind.stands_alone and name not in wanted and name not in target.ignore
            is_foreign = bool({name, kind.path(row)} & {*target.ignore}) and not goes
            value = (was if is_foreign else wanted).get(name, {}).get(row.name)
            if found.get(name, {}).get(row.name) != value:
                differing.append(f"{kind.path(row)} is {found.get(name)}, not {value}")
        if kind.stands_alone and name not in target.ignore and (name in wanted) != (name in found):
            differing.append(f"{name} is {'not ' if name in wanted else ''}there")
    remembered = remembered_words(function.tags)
    if not remembered >= wanted.keys() - function.unread:
        differing.append(f"remembers {remembered}, not {sorted(wanted)}")
    return differing + several


def _single(target: Target) -> Target:
    return replace(target, resources=tuple(r for r in target.resources if not KINDS[r.kind].is_many))


def _several(target: Target, have: Target, before: Target | None) -> list[str]:
    """What differs of kinds with several: what is declared is there, and what is ours and is not goes."""
    assert have.function is not None
    remembered = {tuple(word.split(":")[::2]) for word in remembered_words(have.function.tags)}
    made = remembered_words(before.function.tags) if before is not None and before.function else set()
    ours = {tuple(word.split(":")[::2]) for word in made}
    differing = []
    wanted = {}
    for one in target.resources:
        kind = KINDS[one.kind]
        if not kind.is_many or one.kind in have.function.unread or {one.kind, one.path} & {*target.ignore}:
            continue
        wanted[one.kind, one.identity] = one
        found = [r for r in have.resources if (r.kind, r.identity) == (one.kind, one.identity)]
        here = next((r for r in found if _is_on(r, target)), None)
        if here is None:
            differing.append(f"{one.path} is not there")
            continue
        for row in kind.rows:
            left = kind.path(row, one.name) in target.ignore or (row.kept and row.name not in one.settings)
            if not left and here.settings.get(row.name) != one.settings.get(row.name):
                differing.append(f"{one.path}: {row.name} is {here.settings.get(row.name)}")
        if (one.kind, digest_of(one.identity)) not in remembered:
            differing.append(f"{one.path} is not remembered")
    for one in have.resources:
        key = (one.kind, digest_of(one.identity))
        is_right = (one.kind, one.identity) in wanted and _is_on(one, target)
        is_left = one.kind in have.function.unread or any(i.startswith(one.kind) for i in target.ignore)
        is_left = is_left or KINDS[one.kind].stays(one.settings, False) is not None
        if KINDS[one.kind].is_many and key in ours and not is_right and not is_left:
            differing.append(f"{one.identity} of ours is left on {one.qualifier or 'the function'}")
    return differing


def _alias(target: Target, have: Target, wanted: Function, project: str) -> list[str]:
    """What is wrong with the alias that is to be called."""
    if target.alias is None:
        return []
    found = next((one for one in have.aliases if one.name == target.alias), None)
    if found is None or found.function is None:
        return [f"no alias {target.alias}, or of nothing published"]
    published = found.function
    wanted = with_ignored(wanted, published, target.ignore)
    one, other = versioned(wanted.settings), versioned(published.settings)
    differing = [name for name in sorted({*one, *other}) if plain(one.get(name)) != plain(other.get(name))]
    wrong = [f"{name} of the version is {other.get(name)}" for name in differing]
    if published.code != replace(wanted.code, package=None):
        wrong.append("the version has other code")
    if found.weights or not found.description.startswith(f"lockstep {project} {target.key} {target.version}"):
        wrong.append(f"the alias is {found.words}, {found.description!r}")
    return wrong


def unreached(desired: Fleet, live: Fleet, keys: Iterable[str], before: Fleet) -> list[str]:
    """What differs between the desired and the live fleet, said without the planner's own diff."""
    found: list[str] = []
    for key in keys:
        target = desired.targets[key]
        have = live.targets.get(key)
        if target.function is None:
            continue
        if have is None or have.function is None:
            found.append(f"{key}: missing")
            continue
        found += [f"{key}: {what}" for what in _differences(target, have, before.targets.get(key), live)]
    return found


def _is_void(name: str, wanted: Function) -> bool:
    """Whether AWS keeps no such setting of a function like this: a key without anything to encrypt."""
    serves = {row.name: row.serves for row in FIELDS}.get(name, ())
    there = {*wanted.settings, *(["image"] if wanted.code.image else [])}
    return bool(serves) and there.isdisjoint(serves)


def _differences(target: Target, have: Target, before: Target | None, live: Fleet) -> list[str]:
    function, wanted = have.function, target.function
    assert function is not None
    assert wanted is not None
    wanted = with_ignored(wanted, before.function if before is not None else None, target.ignore)
    found = []
    # What a version keeps is looked at where it is called: see ``_alias``.
    both = {**wanted.settings, **function.settings}
    for name in sorted(unversioned(both) if target.alias else both):
        same = plain(wanted.settings.get(name)) == plain(function.settings.get(name))
        if not same and name not in function.unread and not _is_void(name, wanted):
            found.append(f"{name} is {function.settings.get(name)}, not {wanted.settings.get(name)}")
    if not target.alias and function.code != replace(wanted.code, package=None):
        found.append("other code")
    tags = {
        **wanted.tags,
        "lockstep:project": live.project,
        "lockstep:target": target.key,
        "lockstep:version": None if target.alias else target.version,
    }
    found += [f"tag {k} is {function.tags.get(k)}" for k, v in tags.items() if function.tags.get(k) != v]
    buckets = sorted({trigger.bucket for trigger in target.triggers})
    if function.tags.get("lockstep:buckets") != (" ".join(buckets) or None):
        found.append(f"remembers {function.tags.get('lockstep:buckets')}, not {buckets}")
    found += _beside(target, have, before)
    found += _alias(target, have, wanted, live.project)
    remembered = function.tags.get("lockstep:alias")
    if remembered != target.alias:
        found.append(f"remembers to be called by {remembered}, not {target.alias}")
    scope = live.scope(target.environment)
    wants = {(scope.bucket_arn(name), scope.account, target.qualifier) for name in buckets}
    told = [((s.source_arn, s.source_account, s.qualifier), s.sid) for s in have.statements]
    haves = {what for what, _ in told}
    ours = {what for what, sid in told if sid.startswith("lockstep-")}
    if not wants <= haves or not ours <= wants:
        found.append(f"statements {have.statements}")
    for name, bucket in live.buckets.items():
        entries = bucket.raw.get(LAMBDA, ())
        mine = [entry for entry in entries if owner_of(entry["Id"]) == (live.project, target.key)]
        free = [entry for entry in entries if owner_of(entry["Id"]) is None]
        wanted_here = [
            entry_for(live.project, target.key, qualified(str(function.arn), target.alias), trigger)
            for trigger in target.triggers
            if trigger.bucket == name
        ]
        found += [
            f"no entry for {one}"
            for one in wanted_here
            if not any(is_same(one, entry) for entry in (*mine, *free))
        ]
        found += [
            f"stale entry {entry}" for entry in mine if not any(is_same(one, entry) for one in wanted_here)
        ]
    return found
