"""Where refs are shared: a remote of a repository, or the repository itself when it has none.

Refs are moved by compare and swap only: each update says where its ref is expected to be. A push
that came too late raises Rejected, one that will never be let in Refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lockstep.errors import BadInput, GitError, Refused, Rejected
from lockstep.fence import current_fence
from lockstep.git.access import Access
from lockstep.git.command import NETWORK_SECONDS, Ended, Repository, explain_failure, mask
from lockstep.git.mirror import fetch_refs, is_url, make_mirror
from lockstep.git.refs import RefUpdate, read_refs, select_refs, update_refs
from lockstep.git.repository import find_repository
from lockstep.git.settings import remotes
from lockstep.regexes import regex
from lockstep.values import dataclass
from lockstep.waiting import Deadline

__all__ = ["Remote", "default_branch", "fetch", "list_heads", "list_refs", "open_remote", "push"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A place with refs, and the local repository that its objects come to and go from."""

    repository: Repository  # a clone, a bare repository, or a mirror
    name: str | None  # of the remote in its configuration; None: the repository itself

    def __str__(self) -> str:
        """As messages show it, without passwords."""
        return mask(self.repository.url or "") or self.name or str(self.repository.folder)


def open_remote(
    repo: str | Path | Repository,
    cache: Path,
    *,
    access: Access | None = None,
    deadline: Deadline | None = None,
) -> Remote:
    """Open the place that a repository's refs are shared at; nothing is fetched.

    ``repo`` is the URL of a repository, mirrored below ``cache``, or a folder in one: then it is the
    remote that it was cloned from, ``origin`` where there are several, and the repository itself where
    there is none; likewise of a clone that was opened before. ``access`` is used where its host is asked,
    in the time of ``deadline``.
    """
    if isinstance(repo, str) and is_url(repo):
        return Remote(repository=make_mirror(repo, cache, access=access, deadline=deadline), name="origin")
    found = repo if isinstance(repo, Repository) else find_repository(Path(repo))
    repository = replace(found, access=access, deadline=deadline)
    names = remotes(repository)
    if len(names) > 1 and "origin" not in names:
        raise BadInput(
            f"the repository has the remotes {', '.join(names)}, and none is called origin",
            where=str(repository.folder),
            fix="give the URL of the one to write to, or rename it: git remote rename NAME origin",
        )
    return Remote(repository=repository, name="origin" if "origin" in names else next(iter(names), None))


def list_refs(remote: Remote, *patterns: str) -> Mapping[str, str]:
    """Return the refs of a remote as they are now, full name to id.

    Each pattern is a full name, or a prefix that ends in ``/``. Tags are given by the id of the tag
    object when they have one.
    """
    if remote.name is None:
        return read_refs(remote.repository, *patterns)
    # The host sends all refs unless told that only branches or only tags are wanted.
    kinds = [
        option
        for option, prefix in (("--heads", "refs/heads/"), ("--tags", "refs/tags/"))
        if all(pattern.startswith(prefix) for pattern in patterns)
    ]
    listing = remote.repository.run(
        *("ls-remote", "--quiet", "--refs", *kinds[:1], "--", remote.name),
        doing=f"asking {remote} for its refs",
        seconds=NETWORK_SECONDS,
    )
    return select_refs(listing, patterns, separator="\t")


def default_branch(remote: Remote) -> str:
    """Return the branch that a remote's HEAD names; in a repository without a remote, the current one.

    BadInput when HEAD names no branch.
    """
    return _default(remote)[0]


def list_heads(remote: Remote) -> tuple[str, Mapping[str, str]]:
    """Return the branch of ``default_branch``, and all branches as ``list_refs`` does, in one request."""
    branch, listing = _default(remote)
    if remote.name is None:
        return branch, read_refs(remote.repository, _HEADS)
    return branch, select_refs(listing, (_HEADS,), separator="\t")


def _default(remote: Remote) -> tuple[str, bytes]:
    """The default branch, and the listing of the remote's branches that said so."""
    if remote.name is None:
        arguments: tuple[str, ...] = ("symbolic-ref", "--quiet", "HEAD")
    else:
        arguments = ("ls-remote", "--quiet", "--symref", "--", remote.name, "HEAD", f"{_HEADS}*")
    listing = remote.repository.run(
        *arguments, doing=f"asking {remote} for its branch", seconds=NETWORK_SECONDS, allowed=(0, 1)
    )
    found = _HEAD.search(listing.decode("utf-8", "surrogateescape"))
    if found is None:
        raise BadInput(
            f"nothing says which branch of {remote} is deployed from",
            fix="add forge: {branch: main} to lockstep.yaml, or check out a branch",
        )
    return found[1], listing


def fetch(remote: Remote, refs: Mapping[str, str], *, with_history: bool = False) -> None:
    """Fetch what is missing of the objects of refs, as ``list_refs`` returned them.

    What is fetched comes as a shallow clone or mirror has it, or ``with_history`` into a mirror, whole.

    No branch, no tag and no file of a clone is touched. In a partial clone and in a mirror the
    contents of files come when they are read. Raises Rejected when a ref has moved since and the host
    no longer hands out its old object.
    """
    repository = remote.repository
    whole = repository.facts.whole
    wanted = {ref: id_ for ref, id_ in refs.items() if id_ not in whole}
    if remote.name is None or not wanted:
        return
    if not _has(repository, wanted.values()):
        _fetch(remote, remote.name, wanted, with_history=with_history)
    whole.update(wanted.values())


def _fetch(remote: Remote, name: str, refs: Mapping[str, str], *, with_history: bool) -> None:
    repository = remote.repository
    doing = f"fetching from {remote}"
    try:
        if repository.url:
            fetch_refs(repository, refs, with_history=with_history)
        else:
            repository.run(
                *("fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head"),
                *("--no-recurse-submodules", "--update-shallow", "--stdin", name),
                doing=doing,
                data="".join(f"{id_}\n" for id_ in dict.fromkeys(refs.values())).encode(),
                seconds=NETWORK_SECONDS,
            )
    except (GitError, BadInput) as error:
        if re.search(r"not our ref|unadvertised object", error.problem):
            raise Rejected("a ref was moved while it was fetched", doing=doing, fix="run again") from error
        raise


def push(remote: Remote, *updates: RefUpdate) -> None:
    """Move refs of a remote, all of them or none.

    Raises Rejected when a ref is not where it was expected, also when somebody else has brought them
    all to their new places: of several who create one ref exactly one is told that it did. Raises
    Refused when the host does not allow the push, and says which rule, and GitError when it cannot be
    reached.
    """
    if remote.name is None:
        return update_refs(remote.repository, updates)
    doing = f"pushing {', '.join(_short(update.ref) for update in updates[:3])} to {remote}"
    current_fence()()
    outcome = remote.repository.attempt(
        *("-c", f"remote.{remote.name}.mirror=false"),  # set by clone --mirror, it forbids to name refs
        *("push", "--porcelain", "--no-signed", "--no-follow-tags", "--no-recurse-submodules"),
        *("--no-verify", "--atomic" if len(updates) > 1 else "--no-atomic"),
        *(f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates),
        *("--", remote.name, *(f"{update.new or ''}:{update.ref}" for update in updates)),
        doing=doing,
        seconds=NETWORK_SECONDS,
    )
    _judge(outcome, updates, doing)
    remote.repository.facts.whole.update(update.new for update in updates if update.new)
    return None


def _judge(outcome: Ended, updates: Sequence[RefUpdate], doing: str) -> None:
    """Raise what a push deserves: nothing when the refs were moved by it."""
    answers = dict(_answers(outcome.output))
    flags = [answers.get(update.ref, ("", ""))[0] for update in updates]
    if all(flag in _DONE for flag in flags):
        # A push that found every ref at its new place moved none: somebody else did.
        if all(flag == "=" and update.old != update.new for flag, update in zip(flags, updates, strict=True)):
            raise _moved(updates[0].ref, "somebody else has moved it there already", doing)
        return
    failed = {ref: why for ref, (flag, why) in answers.items() if flag == "!" and why != "atomic push failed"}
    is_race = all(_RACE.search(why) for why in failed.values()) and not _CLASH.search(outcome.errors)
    if failed and is_race:
        ref, why = next(iter(failed.items()))
        raise _moved(ref, why, doing)
    if refusal := _refusal(outcome.errors, ", ".join(failed.values()), doing):
        raise refusal
    for ref, why in failed.items():
        if not _RACE.search(why):
            raise Refused(
                f"the host refused to move {_short(ref)}: {why}{_said(outcome.errors)}",
                doing=doing,
                fix="ask who looks after the repository what its rules allow",
            )
    if "remote ref does not exist" in outcome.errors:
        raise _moved(updates[0].ref, "it is gone", doing)
    raise explain_failure(outcome.errors, doing=doing)


def _answers(output: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield ref, flag and reason from ``git push --porcelain``; see git-push(1), "Output"."""
    for line in output.splitlines():
        if line.count("\t") == 2:
            flag, refs, summary = line.split("\t")
            _, is_given, reason = summary.partition("(")
            told = reason[:-1] if is_given and reason.endswith(")") else summary
            yield refs.rpartition(":")[2], (flag, mask(told))


def _refusal(errors: str, reasons: str, doing: str) -> Refused | None:
    # The line that names the URL says nothing about why.
    text = re.sub(r"(?m)^error: failed to push some refs.*", "", errors)
    for pattern, problem, fix in _REFUSALS:
        if re.search(pattern, f"{reasons}\n{text}", re.IGNORECASE):
            return Refused(f"{problem}{_said(errors) or f' ({reasons})'}", doing=doing, fix=fix)
    return None


def _said(errors: str) -> str:
    """What the host itself said about it, in brackets."""
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", " ", mask(errors))
    lines = [
        line.removeprefix("remote:").strip(" -*") for line in text.splitlines() if line.startswith("remote:")
    ]
    words = "; ".join(dict.fromkeys(line for line in lines if line))
    return f" ({words[:400]})" if words else ""


def _moved(ref: str, reason: str, doing: str) -> Rejected:
    return Rejected(
        f"{_short(ref)} is not where it was expected: {mask(reason)}", doing=doing, fix="run again"
    )


def _short(ref: str) -> str:
    return re.sub(r"^refs/(heads|tags)/", "", ref)


def _has(repository: Repository, ids: Iterable[str]) -> bool:
    """Say whether objects are here with all that they consist of, without asking any host for them."""
    wanted = "".join(f"{id_}\n" for id_ in dict.fromkeys(ids))
    outcome = repository.attempt(
        *("rev-list", "--objects", "--no-walk", "--quiet", "--missing=allow-promisor", "--stdin"),
        doing="looking for commits",
        data=wanted.encode(),
    )
    return outcome.code == 0


_HEADS = "refs/heads/"
# What a remote's HEAD is listed as; of a repository itself git writes the name alone.
_HEAD = regex(r"^(?:ref: )?refs/heads/(\S+)(?:\tHEAD)?$", re.MULTILINE)
_DONE = frozenset(" +-*=")  # fast-forward, forced, removed, new, already there
_RACE = regex(
    r"stale info|fetch first|non-fast-forward|already exists|needs force|remote ref updated|cannot lock ref|"
    r"failed to (update|lock) ref|unable to lock|incorrect old value|reference already exists|"
    r"transaction|internal server error",
    re.IGNORECASE,
)
_CLASH = regex(r"refs/[^']*' exists; cannot create|directory/file conflict", re.IGNORECASE)
# What hosts say, what it means, and the way out. GitHub's GH codes, GitLab's and Git's own words.
_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        r"verified signature|unsigned commit|commits? (must be|is not|are not) signed|not signed",
        "the host takes signed commits only",
        "git config commit.gpgsign true, with a signing key that the host knows and nobody has to unlock",
    ),
    (
        r"\bGH006:|\bGH013:|protected branch|repository rule violations|not allowed to push code",
        "the branch is protected",
        "change it by pull request, or let this account pass the branch's rules",
    ),
    (
        r"without `?workflows?`? (permission|scope)",
        "the token may not change workflow files",
        "give it the permission to write workflows",
    ),
    (
        r"\bGH007:|email privacy|would publish a private email",
        "the host keeps this e-mail address private",
        "commit with the noreply address: git config user.email",
    ),
    (
        r"hook declined",
        "a hook of the host declined the push",
        "do as it says, or ask who looks after the repository",
    ),
    (
        r"archived so it is read-only|repository (is|has been|was) archived",
        "the repository is archived, so nothing can be pushed",
        "take it out of the archive, or push to the one that replaced it",
    ),
    (
        r"branch is currently checked out",
        "the branch is checked out in the repository that is pushed to",
        "push to a bare repository, or check out another branch there",
    ),
    (
        _CLASH.pattern,
        "the name clashes with another branch's: one would be a folder of the other",
        "remove or rename one of the two",
    ),
    (
        r"shallow update not allowed",
        "the host takes nothing from a shallow clone",
        "git fetch --unshallow, or in GitHub Actions: actions/checkout with fetch-depth: 0",
    ),
    (
        r"denyDeletes|deletion prohibited|refusing to delete",
        "the host does not let this be deleted",
        "delete it there, or ask who looks after the repository",
    ),
    (
        r"permission to \S+ denied|write access .* not granted|returned error: 403|not authorized to push|"
        r"deploy key is read.?only|you do not have permission",
        "the credentials may read the repository and not write to it",
        "use a token or key with write access (in GitHub Actions: permissions: contents: write)",
    ),
    (
        r"does not support --atomic",
        "the host cannot move several refs at once",
        "use a host with a newer Git",
    ),
)
