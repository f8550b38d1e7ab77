"""The one table of what roads cannot express: reports and the documentation are made of it.

Sources: code and issues of lambda-controller 1.14.1, s3-controller 1.10.0 and ACK's runtime 0.61.0,
tofu-controller 0.16.5 and Argo CD 3.5.1, as far as a row names nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from lockstep.model.kinds import KINDS
from lockstep.roads.ack_fields import CONTROLLER, lacking
from lockstep.roads.base import EVERY, Ground, Loss, Weight
from lockstep.values import dataclass

__all__ = ["LOSSES", "Row", "always", "loss", "placed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that a road cannot express. Braces in ``problem`` and ``instead`` are filled in."""

    road: str
    field: str  # path under ``lambda:``, or what else it is about
    weight: Weight
    problem: str
    instead: str
    always: bool = False  # of the road as such, whatever is declared


def _rows() -> Iterator[Row]:
    yield from _ACK
    yield from _FLUX
    yield from _JOB
    yield from _ARGOCD
    for kind in KINDS.values():
        if not kind.terraform:
            yield Row(
                road="flux",
                field=kind.name,
                weight=Weight.LOST if kind.setting is None else Weight.REFUSED,
                problem="the module lambda-fleet has none",
                instead=kind.instead or "what is there stays; write resources of your own for it",
            )
    told = {row.field for row in _ACK}
    for name in lacking():
        if name in told:
            continue
        yield Row(
            road="ack",
            field=name,
            weight=Weight.LOST,
            problem=f"{CONTROLLER} has no field for it",
            instead="AWS's default, or what is there, stays",
        )


def _always(road: str, field: str, problem: str, instead: str) -> Row:
    return Row(road=road, field=field, weight=Weight.DIFFERS, problem=problem, instead=instead, always=True)


def _differs(road: str, field: str, problem: str, instead: str) -> Row:
    return Row(road=road, field=field, weight=Weight.DIFFERS, problem=problem, instead=instead)


def _lost(road: str, field: str, problem: str, instead: str) -> Row:
    return Row(road=road, field=field, weight=Weight.LOST, problem=problem, instead=instead)


def _refused(road: str, field: str, problem: str, instead: str) -> Row:
    return Row(road=road, field=field, weight=Weight.REFUSED, problem=problem, instead=instead)


def _common(road: str) -> tuple[Row, ...]:
    return (
        _refused(road, "code", "the package is not known: {why}", "mend that, or pin it with lambda.sha256"),
        _refused(road, "name", "{why}", "rename the folder, or leave it to another road"),
    )


def _named_layers(road: str) -> Row:
    return _refused(
        road,
        "layers (named)",
        "{names} is read or published when a function is deployed, and what is rendered holds the ARN itself",
        "declare the ARN of the layer's version",
    )


def _namespaces(road: str) -> tuple[Row, ...]:
    return (
        _refused(road, "namespace", "{why}", "tell them apart in kubernetes.namespace, by {{env}}"),
        _refused(road, "namespace (name)", "{why}", "write another kubernetes.namespace"),
    )


def _promotion(road: str) -> Row:
    return _always(
        road,
        "promotion",
        "the cluster knows no soak time, freeze or hold",
        "they count before, for the commit that is rendered",
    )


_ACK: tuple[Row, ...] = (
    *_common("ack"),
    *_namespaces("ack"),
    _named_layers("ack"),
    _promotion("ack"),
    _always(
        "ack",
        "drift",
        "a controller looks again after 10 hours, one resource at a time",
        "`lockstep drift` tells it at once",
    ),
    _always(
        "ack",
        "update",
        "code and configuration are two updates of one function, code first",
        "between them new code runs with the old configuration",
    ),
    _always(
        "ack",
        "packages",
        "nothing on this road puts a package into its bucket",
        "it has to lie there before the manifest is applied",
    ),
    _always(
        "ack",
        "tags",
        "ACK takes the tags of a function for a whole",
        "tags of others are removed, and one that changes is away for a moment",
    ),
    _always(
        "ack",
        "adopt",
        "a function of that name that is there already is taken over unasked",
        "`lockstep plan` says before whose it is",
    ),
    _always(
        "ack",
        "prune",
        "no manifest is there any more to say that a function is to go",
        "outside previews it stays in AWS, whatever `prune` says; remove it there",
    ),
    _lost(
        "ack",
        "deletion",
        "{what} is not declared any more, and its object says deletion-policy: retain",
        "what AWS has of it stays there, and goes on as it is; delete it in AWS",
    ),
    _refused(
        "ack",
        "account",
        "{why}, and manifests hold ARNs",
        "write account and region for the environment in lockstep.yaml",
    ),
    _refused(
        "ack",
        "functionName",
        "{others} has the same function, and ACK would make it what each declares in turn",
        "give each target its own functionName, or use another road",
    ),
    _refused(
        "ack",
        "triggers",
        "S3 cannot be allowed to call a function itself: ACK has permissions on aliases only",
        "declare lambda.alias, or use another road",
    ),
    _lost(
        "ack",
        "triggers.bucket",
        "the object of the bucket {bucket} would hold the whole of its notifications: ACK removes those of "
        "others, and switches EventBridge off",
        "it is not written; kubernetes.ownBuckets names buckets of which every notification is declared here",
    ),
    _differs(
        "ack",
        "bucket",
        "the object of the bucket {bucket} holds the whole of its notifications",
        "ACK removes what others put there, and switches EventBridge off",
    ),
    _lost(
        "ack",
        "alias",
        "an alias needs the number of a version, which nobody knows before ACK has published it",
        "it stands at $LATEST: calls run what changes in place, and no version is kept to go back to; "
        "kubernetes.versions has it published, and moves the alias with a second commit",
    ),
    _differs(
        "ack",
        "version",
        "ACK gives a version its number when it publishes it, and the alias {alias} stays at {number} until "
        "somebody writes that number down",
        "a second commit with the number under kubernetes.versions moves it; versions are never removed",
    ),
    _refused(
        "ack",
        "versions",
        "kubernetes.versions names it, and it is no target with an alias",
        "declare lambda.alias for it, or take the line away",
    ),
    _lost(
        "ack",
        "rollout",
        "ACK knows no steps and no gates, and has no version to send a share of calls to",
        "all calls run what was deployed, at once",
    ),
    _lost(
        "ack",
        "provisionedConcurrency",
        "AWS keeps environments ready for a published version, and the alias begins at $LATEST",
        "calls start them",
    ),
    _differs(
        "ack",
        "policy",
        "ACK removes every statement from the alias that its object does not list",
        "what others let call the alias {alias} is refused from then on",
    ),
    _differs(
        "ack",
        "layers",
        "an empty list of layers is never sent",
        "layers that are removed from Git stay on the function",
    ),
    _differs(
        "ack",
        "fileSystems",
        "an empty list of file systems is never sent",
        "one that is removed from Git stays mounted",
    ),
    *(
        _refused(
            "ack",
            f"{name} (removed)",
            "{member} of the function stood in its manifest, and ACK never sends that they are gone",
            "take them away in AWS, then render with --force",
        )
        for name in ("layers", "fileSystems")
    ),
    _differs(
        "ack",
        "eventSources",
        "an event source mapping has no name by which ACK would find one that is there already",
        "Lambda refuses a second one of the same source, so delete the live one first; and one that is not "
        "declared any more stays in AWS and calls on, but for previews",
    ),
    _refused(
        "ack",
        "eventSources (removed)",
        "{member} of an event source stood in its manifest, and ACK never sends that it is gone",
        "take it away in AWS, then render with --force",
    ),
    _refused(
        "ack",
        "eventSources (fixed)",
        "{member} of an event source is taken only when it is made, and ACK makes no new one for it",
        "give it another name under lambda.eventSources, and delete the old one in AWS",
    ),
    _refused(
        "ack",
        "environment",
        "{names} would have to stand in the manifest, and no secret is ever written there",
        "let the function read it itself, from Parameter Store or Secrets Manager by its name",
    ),
    _refused(
        "ack",
        "ignore",
        "a part of {glob} is left to others, and ACK takes all of it for its own",
        "ignore the whole field, or use another road",
    ),
    _refused(
        "ack",
        "role (made)",
        "a role of the function's own is declared, and lambda-controller makes none",
        "make it by other means, and write its ARN as lambda.role",
    ),
    _refused(
        "ack",
        "url.authType",
        "an address for everybody needs a statement that ACK has no field for (invokedViaFunctionUrl)",
        "write authType: AWS_IAM, or use another road",
    ),
)

_FLUX: tuple[Row, ...] = (
    *_common("flux"),
    _named_layers("flux"),
    _promotion("flux"),
    _always(
        "flux",
        "drift",
        "Terraform looks at the interval of its object, and puts everything right that it finds",
        "shorten kubernetes.flux.interval; `lockstep drift` tells it at once",
    ),
    _always(
        "flux",
        "packages",
        "nothing on this road puts a package into its bucket",
        "it has to lie there before the manifest is applied",
    ),
    _always(
        "flux",
        "bucket",
        "Terraform's notification of a bucket is the whole of it",
        "entries of others go, unless the module gets them as foreign_notifications",
    ),
    _always(
        "flux",
        "program",
        "the runner is OpenTofu 1.12, whatever `binary` says",
        "what only Terraform knows fails there",
    ),
    _always(
        "flux",
        "prune",
        "Terraform destroys what is not among its variables any more, and its plans approve themselves",
        "a function goes with its declaration, whatever `prune` says; prevent_destroy in the folder keeps it",
    ),
    _lost(
        "flux",
        "deletion",
        "{what} is not declared any more, and its object neither destroys anything nor is pruned by Flux",
        "what AWS has of it stays there, and where Flux applies manifests the object stays, too, and is "
        "applied on; delete it",
    ),
    _refused(
        "flux",
        "terraform",
        "nothing says which folder and state of Terraform's the environment has",
        "add terraform: {{folder: ..., backend: {{...}}}} to it; the block needs no `engine: terraform`",
    ),
    _refused(
        "flux",
        "state",
        "{why}",
        "an object stands for the whole state, so all its targets wait",
    ),
    _refused(
        "flux",
        "state (name)",
        "{why}",
        "rename an environment: an object stands for one state, and its name for its environments",
    ),
    _refused(
        "flux",
        "repository",
        "{why}",
        "name a URL that the cluster reaches",
    ),
    _refused(
        "flux",
        "backend",
        "the folder declares no backend that a cluster reaches ({backend})",
        'tofu-controller would begin an empty state beside the real one; declare for example backend "s3"',
    ),
    _refused(
        "flux",
        "environment",
        "{names} would have to stand in the manifest, and no secret is ever written there",
        "let the function read it itself, or give the folder the name of a parameter in place of its value",
    ),
    _refused(
        "flux",
        "rollout",
        "Terraform leaves the alias of a rollout alone, and in a cluster nobody takes its steps",
        "write rollout: allAtOnce, or use another road",
    ),
    _lost(
        "flux",
        "mapping",
        "the mapping {mapping} carries versions, commits and digests, and no other setting",
        "what the folder says of {fields} counts",
    ),
    _lost(
        "flux",
        "ignore",
        "Terraform writes what is left to others, too ({glob})",
        "ignore_changes in the folder leaves it to them",
    ),
)

_JOB: tuple[Row, ...] = (
    *_common("argocd-job"),
    *_namespaces("argocd-job"),
    _promotion("argocd-job"),
    _always(
        "argocd-job",
        "drift",
        "Argo CD's self-heal runs no hooks",
        "nothing is corrected until the next sync; `lockstep drift` tells it",
    ),
    _always(
        "argocd-job",
        "revision",
        "a hook is not told which commit is synced",
        "the Job deploys the newest commit of {revision}",
    ),
    _differs(
        "argocd-job",
        "bucket",
        "{engine} applies it in the Job, whose notification of a bucket is the whole of it",
        "entries of others go, unless the module gets them as foreign_notifications",
    ),
    _always(
        "argocd-job",
        "retries",
        "Argo CD tries a commit that failed no second time by itself",
        "the ApplicationSet of `--as argocd` sets syncPolicy.retry; an Application of yours needs it, too",
    ),
    _always(
        "argocd-job",
        "prune",
        "no Job runs for a target that is not declared any more",
        "outside previews its function stays in AWS, whatever `prune` says; remove it there",
    ),
    _lost(
        "argocd-job",
        "deletion",
        "the target of {what} is not declared any more, and no Job is there to remove it",
        "what AWS has of it stays there, and goes on as it is; delete it in AWS",
    ),
    _refused(
        "argocd-job",
        "job",
        "the Job has no {what}",
        "add kubernetes: {{job: {{{key}: ...}}}}",
    ),
    _refused(
        "argocd-job",
        "repository",
        "{why}",
        "add kubernetes: {{repository: URL}}",
    ),
)

_ARGOCD: tuple[Row, ...] = (
    _refused("argocd", "name", "{why}", "rename the folder, or the project"),
    _refused("argocd", "namespace (name)", "{why}", "write another kubernetes.namespace"),
    _always(
        "argocd",
        "manifests",
        "Applications deploy what lies in the folder of a target",
        "render the targets as ack or argocd-job into the same folder",
    ),
    _always(
        "argocd",
        "prune",
        "an Application that no generator makes any more leaves its objects in the cluster "
        "(preserveResourcesOnDeletion), but for previews",
        "delete them there; what AWS has goes by what the road of the objects does",
    ),
    _always(
        "argocd",
        "services",
        "services that other tools deploy get no Application",
        "theirs stay as they are",
    ),
    _refused(
        "argocd",
        "repository",
        "{why}",
        "add kubernetes: {{repository: URL}}",
    ),
    _refused(
        "argocd",
        "serviceName",
        "the generators go by what files say, and {file} does not say {name}",
        "add it there",
    ),
)

LOSSES: Mapping[tuple[str, str], Row] = {(row.road, row.field): row for row in _rows()}
"""Every row, by road and field."""


def loss(road: str, field: str, target: str, place: str = "", **words: str) -> Loss:
    """The loss of a target, as its row says it. KeyError for what is not in the table.

    ``place`` is the ``file:line`` of what it is about, where that is another than the target's.
    """
    row = LOSSES[(road, field)]
    return Loss(
        target=target,
        field=field,
        weight=row.weight,
        problem=row.problem.format(**words),
        instead=row.instead.format(**words),
        place=place,
    )


def placed(ground: Ground, losses: Iterable[Loss]) -> tuple[Loss, ...]:
    """The losses, each with a place: the one that it names, or that of the target."""
    return tuple(
        one if one.place or one.target == EVERY else replace(one, place=ground.place(one.target))
        for one in losses
    )


def always(road: str, **words: str) -> tuple[Loss, ...]:
    """What is so of a road whatever is declared."""
    return tuple(
        loss(road, row.field, EVERY, **words) for row in LOSSES.values() if row.road == road and row.always
    )
