"""What a reviewer of a promotion is told: commits, digests, who, and what a sync would do."""

from collections.abc import Mapping, Sequence

from lockstep.delivery.places.actor import Actor
from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.promotion.drafts import Draft
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from lockstep.errors import LockstepError
from lockstep.model.layer import DEPLOYMENT
from lockstep.model.move import Move
from lockstep.model.watching import Watcher
from lockstep.planning.gates import Gate
from lockstep.planning.takers import concerned
from lockstep.render.markdown import plan_markdown
from lockstep.render.promotion import body_markdown
from lockstep.values import dataclass

__all__ = ["Review"]

_MOST_LISTS = 20  # services whose commits are listed
_MOST_COMMITS = 50
_LONGEST_PLAN = 30_000  # characters


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Writes the text of a pull request."""

    gitops: GitOps
    draft: Draft
    actor: Actor
    reason: str | None = None
    overridden: tuple[Gate, ...] = ()
    notes: tuple[str, ...] = ()

    def body(self, options: Options, watcher: Watcher) -> str:
        """Markdown. Whatever cannot be found out is left out, with the reason where it matters."""
        watcher.progress("planning what the promotion would do")
        plan, problem = self._plan(options)
        watcher.progress("listing what is new")
        return body_markdown(
            self.draft.moves,
            who=self.actor.name,
            run=self.actor.run,
            reason=self.reason,
            commits=self._commits(self.draft.moves),
            overridden=self.overridden,
            notes=self.notes,
            plan=plan,
            no_plan=problem,
        )

    def _plan(self, options: Options) -> tuple[str | None, str | None]:
        targets = concerned(self.draft.workspace.fleet.targets, self.draft.moves)
        if not targets and any(move.deployment_type == DEPLOYMENT for move in self.draft.moves):
            return None, "no function takes these layers"
        if not targets:
            return None, "other tools deploy these services; Lockstep changes only what Git says of them"
        try:
            chosen = Options(patterns=targets, github_token=options.github_token)
            plan = make_plan(self.draft.workspace, chosen)
        except LockstepError as error:
            return None, f"AWS was not read: {error.problem}"
        return plan_markdown(plan, longest=_LONGEST_PLAN), None

    def _commits(self, moves: Sequence[Move]) -> Mapping[str, Sequence[str]]:
        forge = self.draft.source_forge
        found: dict[str, list[str]] = {}
        for move in moves[:_MOST_LISTS] if forge is not None else ():
            old, new = move.old_tag or move.old_commit, move.tag or move.commit
            if forge is None or old is None or new is None:
                continue
            try:
                commits = forge.commits(old, new, most=_MOST_COMMITS)
            except LockstepError:
                continue  # the old release may be gone; the rest of the text stands without it
            found[move.target] = [f"{one.sha[:8]} {one.subject} ({one.author})" for one in commits]
        return found
