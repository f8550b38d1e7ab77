"""How what a sync would apply stands to what everybody deploys: behind, beside, uncommitted, backwards."""

from collections.abc import Iterable, Sequence

from lockstep.delivery.places.forges import Credentials, as_app
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.records import read_records
from lockstep.errors import LockstepError
from lockstep.git.command import Repository
from lockstep.git.refs import branch_ref
from lockstep.git.relation import relation
from lockstep.git.remote import Remote, fetch, list_heads, list_refs
from lockstep.model import Plan, Verb
from lockstep.model.record import Done, Record
from lockstep.planning.asking import older_versions

__all__ = ["standing"]

_SHOWN = 3  # targets that a warning names


def standing(workspace: Workspace, plan: Plan, credentials: Credentials) -> tuple[str, ...]:
    """Warnings about a plan that is about to be applied; none where all is as usual.

    Asks the remote for the branch that is deployed from and for the records of syncs, and fetches what
    is missing to compare with them. Raises nothing that Git or its host can cause: what is not known
    is a warning too.
    """
    told = [f"{key} goes back from {live} to {new}" for key, live, new in older_versions(plan.targets)]
    if len(told) > _SHOWN:
        told = [*told[:_SHOWN], f"{len(told) - _SHOWN} more targets go back to older versions"]
    return (
        *_uncommitted(workspace),
        *_beside_branch(workspace, credentials),
        *_deployed_later(workspace, plan, credentials),
        *told,
    )


def _uncommitted(workspace: Workspace) -> Iterable[str]:
    if workspace.repository is None or workspace.tree.commit is None:
        yield "what is applied is in no commit, so nobody can say later what was deployed"
    elif workspace.uncommitted:
        first, *others = workspace.uncommitted
        more = f" and {len(others)} more" if others else ""
        yield f"{first}{more} is applied as it is on disk, which no commit says"


def _beside_branch(workspace: Workspace, credentials: Credentials) -> Iterable[str]:
    commit = workspace.tree.commit
    if commit is None or workspace.repository is None:
        return
    try:
        remote = workspace.remote(credentials.access())
        if remote.name is None:
            return
        remote = as_app(remote, workspace.project.sources.forge, credentials)
        named = workspace.project.sources.forge.branch
        if named is not None:
            branch, refs = named, list_refs(remote, branch_ref(named))
        else:
            branch, refs = list_heads(remote)
        yield from _compared(remote, branch, refs.get(branch_ref(branch)), commit)
    except LockstepError as error:
        yield f"whether this is what the deployed branch says is not known: {error.problem}"


def _compared(remote: Remote, branch: str, tip: str | None, commit: str) -> Iterable[str]:
    if tip is None or tip == commit:
        return
    fetch(remote, {branch_ref(branch): tip})
    found = relation(remote.repository, commit, tip)
    name = f"{branch} of {remote}"
    match found:
        case None:
            yield f"commit {commit[:8]} is not {name}, and how they stand to each other is not known here"
        case _ if found.ahead and found.behind:
            yield (
                f"commit {commit[:8]} stands beside {name}: {_commits(found.ahead)} of its own, and "
                f"{_commits(found.behind)} of {branch} missing; what those brought is taken back "
                "where it runs"
            )
        case _ if found.behind:
            yield (
                f"commit {commit[:8]} is {_commits(found.behind)} behind {name}; what those brought "
                "is taken back where it runs"
            )
        case _ if found.ahead:
            yield (
                f"commit {commit[:8]} is {_commits(found.ahead)} ahead of {name}; the next sync from "
                "there takes it back"
            )


def _deployed_later(workspace: Workspace, plan: Plan, credentials: Credentials) -> Iterable[str]:
    """A warning about targets that were deployed from a newer commit than the one that is applied now."""
    commit, repository = workspace.tree.commit, workspace.repository
    changed = [one.target for one in plan.targets if one.verb is not Verb.NOTHING and one.problem is None]
    if commit is None or repository is None or not changed:
        return
    records, problem = read_records(workspace, changed, credentials)
    if problem is not None:
        yield problem
    last = {key: found.commit for key in changed if (found := _last(records[key])) and found.commit}
    newer = {other for other in set(last.values()) if _is_newer(repository, other, commit)}
    names = [f"{key} (commit {last[key][:8]})" for key in changed if last.get(key) in newer]
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"a newer commit than {commit[:8]} was deployed last: {', '.join(names[:_SHOWN])}{more}"


def _last(records: Sequence[Record]) -> Record | None:
    return next((one for one in reversed(records) if one.done is Done.DEPLOYED), None)


def _is_newer(repository: Repository, other: str, commit: str) -> bool:
    found = relation(repository, other, commit)
    return found is not None and found.ahead > 0 and not found.behind


def _commits(count: int) -> str:
    return f"{count} {'commit' if count == 1 else 'commits'}"
