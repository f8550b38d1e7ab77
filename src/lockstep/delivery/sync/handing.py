"""An engine whose environments a cluster applies: AWS is read as ever, and manifests are written into Git.

Its plan shows what differs in AWS; what is done about it is a change of files on the deployed branch, by the
merge policy of the environment. Of AWS nothing is changed but that packages are staged, which no cluster
does. So nothing is ever said to be applied here: that is seen when AWS is read again.

Manifests that have a branch of their own are written there. What is declared is looked at after that branch,
each time it is edited: so of two that write it at once the one that is later writes what is declared later.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockstep.delivery.places.workspace import declarations_in
from lockstep.delivery.sync.handed import Share
from lockstep.delivery.sync.manifest_place import ManifestPlace, begin_branch, manifest_place
from lockstep.delivery.sync.manifests import Fate, FileChange, TreeFiles
from lockstep.delivery.sync.options import Purpose
from lockstep.delivery.sync.rendering import ground_of
from lockstep.engines.aws import AwsEngine
from lockstep.engines.base import Look
from lockstep.errors import Interrupted, LockstepError, NotAllowed
from lockstep.git.history import changed_paths
from lockstep.git.writing import head
from lockstep.model import (
    Check,
    Fleet,
    Outcome,
    Plan,
    Report,
    StagePackage,
    StepResult,
    WriteManifests,
)
from lockstep.model.engines import EngineTraits
from lockstep.model.move import Reached
from lockstep.model.tree import Tree
from lockstep.planning.handing import handed_over, strictest
from lockstep.planning.parts import part_of
from lockstep.planning.policy import deletion_problem
from lockstep.roads.base import Need, Road
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.delivery.places.gitops import GitOps
    from lockstep.delivery.places.proposal import Proposed
    from lockstep.delivery.sync.engines import Means

__all__ = ["Handing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Batch:
    """Files that come to the branch together, as the step says that stands for them."""

    step: WriteManifests
    texts: Mapping[str, str | None]  # by path from the repository's root; None: it goes
    before: Mapping[str, str | None]
    targets: tuple[str, ...]


class Handing:
    """Reads by the aws engine, and hands the rest to a cluster by manifests of a road."""

    def __init__(self, traits: EngineTraits, road: Road, means: "Means", aws: AwsEngine) -> None:
        self.name = traits.name
        self._traits = traits
        self._road = road
        self._means = means
        self._project = means.workspace.project
        self._aws = aws
        self._gitops: GitOps | None = None
        self._made: tuple[Plan, Plan, tuple[_Batch, ...]] | None = None  # as handed over, as read, and files

    @property
    def stale(self) -> frozenset[str]:
        """None: of AWS only packages are written."""
        return frozenset()

    @property
    def calls(self) -> Counter[str]:
        """How often AWS was asked."""
        return self._aws.calls

    def part(self, desired: Fleet) -> Fleet | None:
        """The environments that name it."""
        return part_of(self._project, desired, self.name)

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """Just what is selected."""
        return desired.selection

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """As AWS shows them."""
        return self._aws.leftovers(desired)

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """None."""
        return iter(())

    def close(self) -> None:
        """Nothing is kept."""

    def preview(self, desired: Fleet) -> Look:
        """What differs in AWS, and which manifests are not what the declarations give. Changes nothing.

        Before a sync they are compared with the deployed branch, else with the tree that was read. NotAllowed
        where a sync would write something else than that branch declares.
        """
        if self._means.purpose is Purpose.SYNC:
            self._open_branch()
        look = self._aws.preview(desired)
        if self._means.purpose is Purpose.STATUS:
            return replace(look, plan=replace(look.plan, engine=self.name, steps=()))
        plan, batches = self._plan(desired, look.plan)
        self._made = (plan, look.plan, batches)
        return replace(look, plan=plan)

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Stage packages, then bring the manifests to the branch. Nothing of it is applied to AWS."""
        if self._made is None or self._made[0] is not plan:
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        _, made, batches = self._made
        self._made = None
        if plan.problems:
            raise NotAllowed("; ".join(plan.problems))
        begun = time.monotonic()
        report = Report()
        if any(isinstance(step, StagePackage) for step in plan.steps):
            report = self._aws.stage(made, on_step)
        results = list(report.results)
        pending: list[str] = []
        stop = self._means.stop or threading.Event()
        for batch in batches:
            lost = {one.step for one in results if one.outcome is not Outcome.DONE}
            if stop.is_set() or lost & set(batch.step.needs):
                result = StepResult(step=batch.step.id, target=batch.step.target, outcome=Outcome.NOT_TRIED)
            else:
                result = self._do(batch, on_step, pending)
            results.append(result)
            on_step(result)
        return replace(
            report,
            results=tuple(results),
            seconds=time.monotonic() - begun,
            interrupted=stop.is_set(),
            pending=tuple(pending),
        )

    def _do(self, batch: _Batch, on_step: Callable[[StepResult], None], pending: list[str]) -> StepResult:
        step = batch.step
        on_step(StepResult(step=step.id, target=step.target, outcome=Outcome.STARTED))
        begun = time.monotonic()
        outcome, error = Outcome.DONE, None
        try:
            done = self._write(batch)
            if done.reached is Reached.BLOCKED:
                outcome = Outcome.FAILED
                error = self._came(done)
            else:
                pending.append(f"{step.target}: {self._words(done)}")
        except Interrupted:
            outcome = Outcome.NOT_TRIED
        except LockstepError as problem:
            outcome, error = Outcome.FAILED, str(problem)
        seconds = time.monotonic() - begun
        return StepResult(step=step.id, target=step.target, outcome=outcome, seconds=seconds, error=error)

    def _words(self, done: "Proposed") -> str:
        return f"{self._came(done)}; then the cluster has to apply it, by {self._road.title}"

    def _came(self, done: "Proposed") -> str:
        from lockstep.delivery.places.proposal import told

        deployed = self._gitops.branch if self._gitops is not None else "the branch"
        return told(done, self._project.kubernetes.branch or deployed)

    def _open_branch(self) -> None:
        """Fetch the branch that the cluster follows. NotAllowed when it declares something else."""
        from lockstep.delivery.places.gitops import open_gitops

        means = self._means
        if means.credentials is None:
            raise NotAllowed(
                f"{self.name} writes manifests into Git, and this command does not", fix="run `lockstep sync`"
            )
        workspace = means.workspace
        if workspace.uncommitted:
            raise NotAllowed(
                "a cluster applies what is in Git, and this is not committed",
                where=workspace.uncommitted[0],
                fix="commit it, and push it to the branch that is deployed from",
            )
        where = replace(workspace.where, rev=None, about=None, previews=None)
        self._gitops = open_gitops(where, means.credentials)
        self._check_declared(self._gitops, self._gitops.workspace.tree.commit)

    def _check_declared(self, gitops: "GitOps", newest: str | None) -> None:
        workspace = self._means.workspace
        commit = workspace.tree.commit
        if newest is None or commit is None or newest == commit:
            return
        paths = changed_paths(gitops.remote.repository, commit, newest)
        if paths is None:
            changed = ["it has another history"]
        else:
            changed = declarations_in(paths, workspace.prefix, self._project.folder)
        if changed:
            raise NotAllowed(
                f"{gitops.branch} is at {newest[:12]} and declares something else than commit {commit[:12]}: "
                f"{changed[0]}{f' and {len(changed) - 1} more' if len(changed) > 1 else ''}",
                doing="writing manifests",
                fix=f"check out the newest {gitops.branch} and sync that",
            )

    def _check_previews(self, gitops: "GitOps") -> None:
        """NotAllowed when previews that have a branch of their own are not as they were planned."""
        branch, known = self._project.preview.branch, self._means.workspace.fleet.previews
        if branch is not None and head(gitops.remote, branch) != known:
            raise NotAllowed(
                f"{branch} has moved since it was read, and may declare other previews",
                doing="writing manifests",
                fix="sync again",
            )

    def _plan(self, desired: Fleet, made: Plan) -> tuple[Plan, tuple[_Batch, ...]]:
        means = self._means
        # `render` looks for no package that its road does not need, and both have to write the same.
        has_packages = Need.PACKAGES in self._road.needs
        workspace = replace(means.workspace, fleet=desired) if has_packages else means.workspace
        ground = ground_of(
            workspace, self._road, None, token=means.options.github_token, watcher=means.watcher
        )
        rendering = self._road.render(ground)
        read = self._gitops.workspace if self._gitops is not None else means.workspace
        place = manifest_place(read, self._gitops.remote if self._gitops is not None else None)
        there = place.files
        share = Share(project=self._project, traits=self._traits, road=self._road, fleet=desired)
        problems = share.problems(
            rendering,
            there,
            self._aws.live.others.values(),
            is_apart=means.workspace.previews is not None and place.branch is None,
        )
        held = {one.target for one in made.targets if one.problem is not None} | problems.keys()
        changes, losses = share.changes(rendering, there, held)
        problems |= share.refused(losses) | share.in_the_way(changes)
        moving = [one for one in changes if one.fate in (Fate.WRITTEN, Fate.REMOVED)]
        needs = tuple(one for one in made.steps if isinstance(one, StagePackage))
        staged = needs if has_packages else ()
        batches = tuple(self._batches(share, moving, place, tuple(one.id for one in staged)))
        written = {user for one in moving for user in (one.owner, *share.users(one.owner))}
        plan = handed_over(
            made,
            self._traits,
            steps=(*staged, *(one.step for one in batches)),
            problems=problems,
            written=written,
            notes=share.losses((*rendering.losses, *losses)),
        )
        gone = sum(one.fate is Fate.REMOVED and "/" in one.owner for one in moving)
        guard = deletion_problem(means.aws.rules, gone, desired, gone)
        return (replace(plan, problems=(guard,)) if guard and not plan.problems else plan), batches

    def _batches(
        self, share: Share, changes: Iterable[FileChange], place: ManifestPlace, needs: tuple[str, ...]
    ) -> Iterator[_Batch]:
        """One for the files of each environment, and for those that several share."""
        groups: dict[str, list[FileChange]] = {}
        for one in changes:
            groups.setdefault(share.label(one.owner), []).append(one)
        start = place.start
        for label, files in sorted(groups.items()):
            before = {f"{start}{one.path}": place.files.read(one.path) for one in files}
            texts = {f"{start}{one.path}": None if one.fate is Fate.REMOVED else one.text for one in files}
            actions = {
                path: "delete" if text is None else "create" if before[path] is None else "update"
                for path, text in texts.items()
            }
            step = WriteManifests(
                id=f"manifests:{self.name}:{label}",
                target=label,
                needs=needs,
                road=self._road.name,
                merge=strictest(self._project.environment(name).merge for name in label.split("+")),
                files=actions,
                branch=place.branch,
                digest=hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest(),
            )
            users = {user for one in files for user in share.users(one.owner)}
            yield _Batch(step=step, texts=texts, before=before, targets=tuple(sorted(users)))

    def _write(self, batch: _Batch) -> "Proposed":
        """Bring the files to the branch, as they were planned; what is as it should be stays."""
        from lockstep.delivery.places.proposal import Proposal, propose

        gitops = self._gitops
        if gitops is None:
            raise NotAllowed("the branch was not read", fix="sync again")

        step, own = batch.step, batch.step.branch
        has_previews = own is not None and "preview" in step.target.split("+")

        def edit(tree: Tree) -> Mapping[str, bytes | None]:
            self._check_declared(gitops, tree.commit if own is None else head(gitops.remote, gitops.branch))
            if has_previews:
                self._check_previews(gitops)
            now = TreeFiles(tree, "")
            files: dict[str, bytes | None] = {}
            for path, text in batch.texts.items():
                found = now.read(path)
                if found == text:
                    continue
                if found != batch.before[path]:
                    raise NotAllowed("it was changed since it was planned", where=path, fix="sync again")
                files[path] = None if text is None else text.encode()
            return files

        if own is not None:
            begin_branch(gitops.remote, self._project, own)
        fleet = self._means.workspace.fleet
        count = len(step.files)
        title = f"{step.target}: {count} {'manifest' if count == 1 else 'manifests'} for {self._road.name}"
        told = "\n".join(f"{key}@{fleet.targets[key].version}" for key in batch.targets)
        files = "\n".join(f"- {action} `{path}`" for path, action in step.files.items())
        body = (
            f"What is declared, as manifests for {self._road.title}. The cluster applies them once they are "
            f"merged; `lockstep status` tells from AWS when that is so.\n\n{files}\n"
        )
        proposal = Proposal(
            branch=f"lockstep/manifests/{step.target}",
            edit=edit,
            title=title,
            message=f"{title}\n\n{told}".rstrip(),
            body=lambda: body,
        )
        into = gitops if own is None else replace(gitops, branch=own)
        return propose(into, proposal, step.merge, gitops.forge)
