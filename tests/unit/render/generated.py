"""Hypothesis strategies for plans and reports with every kind of step."""

from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from lockstep.model import (
    AddPermission,
    ApplyResource,
    Change,
    Code,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Function,
    Health,
    Merge,
    Outcome,
    Package,
    Plan,
    PublishLayer,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    Reference,
    RemovePermission,
    RemoveResource,
    Report,
    Resource,
    RunTerraform,
    Secret,
    SetCodeSigning,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    ShiftAlias,
    SmokeTest,
    StagePackage,
    Statement,
    StepResult,
    SyncStatus,
    TargetPlan,
    Unread,
    UpdateCode,
    UpdateConfiguration,
    Verb,
    WriteManifests,
)
from lockstep.model.kinds import KINDS
from lockstep.model.layer import BuiltLayer
from lockstep.model.rollout import Finding, Progress, Ruling

SECRET = "S3CR3T"
"""Stands in every secret value that is generated, so that a leak is seen."""

texts = st.text(max_size=12)
names = st.text("abcdefghijklmnopqrstuvwxyz/-", min_size=1, max_size=12)
maybe_text = st.none() | texts
secret_texts = texts.map(lambda text: SECRET + text)
references = st.builds(Reference, store=st.sampled_from(["ssm", "secret"]), name=texts)
secrets = st.builds(Secret, secret_texts | st.none(), st.none() | references)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
leaves = st.none() | st.booleans() | numbers | texts | secrets | references | st.builds(Unread, texts)
keys = texts | st.sampled_from(["$secret", "$reference", "$unread", "$$", "$x", "PASSWORD", "environment"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
changes = st.builds(
    Change,
    path=st.sampled_from(["memorySize", "environment.X", "code", "trigger"]) | texts,
    old=values,
    new=values,
) | st.builds(
    Change,
    path=st.sampled_from(["environment.DB_PASSWORD", "environment.apiToken"]),
    old=secret_texts | st.none(),
    new=secret_texts | st.none(),
)
some_changes = st.lists(changes, max_size=3).map(tuple)
packages = st.builds(
    Package,
    sha256=texts,
    size=st.integers(0, 10**9),
    bucket=texts,
    key=texts,
    origin=texts,
    object_version=maybe_text,
    is_staged=st.booleans(),
)
functions = st.builds(
    Function,
    name=texts,
    settings=st.dictionaries(texts, values, max_size=2)
    | st.builds(
        lambda text, other: {"environment": {"DB_PASSWORD": text, "PLAIN": other}}, secret_texts, values
    ),
    code=st.builds(Code, sha256=maybe_text, image=maybe_text, package=st.none() | packages),
    tags=st.dictionaries(texts, maybe_text, max_size=2),
    arn=maybe_text,
    revision=maybe_text,
    modified=maybe_text,
    health=st.sampled_from(Health),
    reason=maybe_text,
    unread=st.frozensets(texts, max_size=2),
)
statements = st.builds(
    Statement,
    source_arn=texts,
    source_account=maybe_text,
    principal=texts,
    action=texts,
    qualifier=texts,
    sid=texts,
)
resources = st.builds(
    Resource,
    kind=st.sampled_from(list(KINDS)),
    qualifier=texts,
    identity=texts,
    name=texts,
    settings=st.dictionaries(texts, values, max_size=2),
    place=texts,
)
rules = st.fixed_dictionaries({"Name": st.sampled_from(["prefix", "suffix"]), "Value": texts})
entries = st.fixed_dictionaries(
    {
        "Id": texts,
        "LambdaFunctionArn": texts,
        "Events": st.lists(texts, max_size=2) | st.lists(texts, max_size=2).map(tuple),
        "Filter": st.fixed_dictionaries(
            {"Key": st.fixed_dictionaries({"FilterRules": st.lists(rules, max_size=2)})}
        ),
    }
)
some_texts = st.lists(texts, max_size=2).map(tuple)


def _kind(kind: type[Any], **members: st.SearchStrategy[Any]) -> tuple[type[Any], st.SearchStrategy[Any]]:
    needs = st.lists(texts, max_size=2).map(tuple)
    return kind, st.builds(kind, id=texts, target=texts, needs=needs, **members)


layers = st.builds(
    BuiltLayer,
    target=texts,
    service=texts,
    version=texts,
    name=texts,
    runtimes=some_texts,
    architectures=some_texts,
    license=maybe_text,
    package=st.none() | packages,
    arn=texts,
    place=texts,
)

kinds_of_steps = dict(
    (
        _kind(StagePackage, package=packages),
        _kind(PublishLayer, layer=layers),
        _kind(CreateFunction, function=functions),
        _kind(UpdateConfiguration, function=functions, changes=some_changes, revision=maybe_text),
        _kind(UpdateCode, function=functions, changes=some_changes),
        _kind(SetCodeSigning, function=texts, config=maybe_text),
        _kind(SetConcurrency, function=texts, reserved=st.none() | st.integers(0, 1000)),
        _kind(SetLogRetention, log_group=texts, days=st.none() | st.integers(1, 3653)),
        _kind(SetTags, function=texts, put=st.dictionaries(texts, texts, max_size=2), remove=some_texts),
        _kind(AddPermission, function=texts, statement=statements),
        _kind(RemovePermission, function=texts, sid=texts, qualifier=texts),
        _kind(
            PutNotifications,
            bucket=texts,
            put=st.lists(entries, max_size=2).map(tuple),
            remove=some_texts,
            targets=some_texts,
        ),
        _kind(PutResource, function=texts, resource=resources, changes=some_changes, moves_from=maybe_text),
        _kind(RemoveResource, function=texts, resource=resources),
        _kind(PublishVersion, function=functions, description=texts, ignore=some_texts),
        _kind(
            PutAlias,
            function=texts,
            alias=texts,
            version=maybe_text,
            description=texts,
            revision=maybe_text,
        ),
        _kind(
            ShiftAlias,
            function=texts,
            alias=texts,
            stable=texts,
            candidate=maybe_text,
            weight=shares,
            state=texts,
            digest=texts,
            policy=texts,
            step=st.integers(0, 50),
            steps=st.integers(0, 50),
            description=texts,
            revision=maybe_text,
            begun=maybe_text,
            reason=texts,
        ),
        _kind(
            SmokeTest,
            function=texts,
            version=maybe_text,
            payload=texts,
            expected=texts,
            timeout=st.integers(1, 900),
            place=texts,
        ),
        _kind(DeleteAlias, function=texts, alias=texts),
        _kind(DeleteVersion, function=texts, version=texts, reason=texts),
        _kind(DeleteFunction, function=texts),
        _kind(DeleteLogGroup, log_group=texts),
        _kind(RunTerraform, folder=texts, workspace=texts),
        _kind(ApplyResource, address=texts, action=texts),
        _kind(
            WriteManifests,
            road=texts,
            merge=st.sampled_from(Merge),
            files=st.dictionaries(texts, st.sampled_from(["create", "update", "delete"]), max_size=3),
            digest=texts,
        ),
    )
)
steps = st.one_of(*kinds_of_steps.values())
findings = st.builds(Finding, gate=texts, ruling=st.sampled_from(Ruling), words=texts)
moments = st.none() | st.datetimes().map(lambda at: at.replace(tzinfo=UTC).isoformat(timespec="seconds"))
progresses = st.builds(
    Progress,
    health=st.sampled_from(Health),
    release=texts,
    weight=shares,
    step=st.integers(0, 50),
    steps=st.integers(0, 50),
    due=moments,
    at=moments,
    way=texts,
    gates=st.lists(texts, max_size=2).map(tuple),
    reason=texts,
    findings=st.lists(findings, max_size=2).map(tuple),
    is_asked=st.booleans(),
)
targets = st.builds(
    TargetPlan,
    progress=st.none() | progresses,
    target=texts,
    verb=st.sampled_from(Verb),
    function=maybe_text,
    version=maybe_text,
    changes=some_changes,
    status=st.sampled_from(SyncStatus),
    health=st.sampled_from(Health),
    problem=maybe_text,
    place=texts,
)
plans = st.builds(
    Plan,
    engine=texts,
    project=texts,
    commit=maybe_text,
    fingerprint=texts,
    targets=st.lists(targets, max_size=3).map(tuple),
    steps=st.lists(steps, max_size=4).map(tuple),
    problems=some_texts,
    notes=some_texts,
    selection=some_texts,
)
reports = st.builds(
    Report,
    results=st.lists(
        st.builds(
            StepResult,
            step=texts,
            target=texts,
            outcome=st.sampled_from(Outcome),
            seconds=st.floats(0, 1e6),
            error=maybe_text,
        ),
        max_size=4,
    ).map(tuple),
    seconds=st.floats(0, 1e6),
    calls=st.integers(0, 10**6),
    interrupted=st.booleans(),
    mismatches=some_texts,
)
