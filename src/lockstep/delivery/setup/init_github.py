"""``init --github``: the workflows of a repository, for GitHub Actions.

The workflows are files of this package, complete and the same for everybody. What differs between
repositories are variables and secrets of GitHub, which the files name; so they are written as they are,
after a header.
"""

from collections.abc import Iterator
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from lockstep._version import __version__
from lockstep.delivery.places.writing import write_whole
from lockstep.errors import BadInput

__all__ = ["Kind", "what_to_set_up", "workflow_files", "write_workflows"]

_ACTION = ".github/actions/lockstep/action.yml"
_LOCK = ".github/actions/lockstep/requirements.txt"


class Kind(StrEnum):
    """What a repository holds."""

    MONOREPO = "monorepo"  # the sources of services
    GITOPS = "gitops"  # what runs where
    INFRASTRUCTURE = "infrastructure"  # what runs where, applied by Terraform
    COMBINED = "combined"  # sources and what runs where


_FOLDERS = {
    Kind.MONOREPO: ("monorepo",),
    Kind.GITOPS: ("gitops",),
    Kind.INFRASTRUCTURE: ("infrastructure",),
    Kind.COMBINED: ("monorepo", "gitops"),
}

_SERVICES = "lockstep.yaml here: services: with the source and build of each"
_GITOPS = "variable LOCKSTEP_GITOPS: URL of the GitOps repository, https://github.com/OWNER/NAME"
_BOT = (
    "secret LOCKSTEP_TOKEN in {environments}: a fine-grained token of a bot, with contents and "
    "pull requests of {where} to write; what a workflow's own token pushes starts no workflow"
)
_PRIVATE = (
    "where terraform.repository or a module is another private repository: that token, and a secret "
    "LOCKSTEP_PLAN_TOKEN for the plan, with contents of that repository to read"
)
_PREVIEW = "label preview; and preview: {label: preview} in the GitOps repository's lockstep.yaml"
_AWS = (
    "variables AWS_REGION, LOCKSTEP_PLAN_ROLE and LOCKSTEP_DEPLOY_ROLE: roles that trust GitHub's OpenID "
    "Connect for this repository, the second one only for its environment lockstep"
)
_DRIFT = (
    "variable LOCKSTEP_DRIFT_ROLE: a role for main alone that may read values (`lockstep iam-policy plan "
    "values`), since the one that plans for pull requests may not, and drift of variables is seen by them"
)
_PROTECTION = "protection of main: the check plan is required, and pull requests are"
_AUTO_MERGE = (
    'the setting "Allow auto-merge" (Settings, General), which is off at first: promotions with merge: auto '
    "wait for their checks by it; `lockstep doctor` looks at it"
)
_BRANCH = (
    "a branch for previews, since they are pushed and a protected main refuses that: preview: {{branch: "
    "previews}} in {where}, `lockstep preview compact` to begin it, and .github of main on it, since GitHub "
    "runs the workflows of the commit that is pushed; or let the bot pass the protection"
)
_ENVIRONMENT = "environment lockstep: for main and previews only, and who has to approve, if somebody has"
_DIRECT = (
    "where preview.mode is record or none: variables AWS_REGION and LOCKSTEP_PREVIEW_ROLE, a role that "
    "trusts the environment lockstep-preview and may do what `lockstep iam-policy previews` prints"
)
_PREVIEWS = "environment lockstep-preview: for any branch, since pull requests use it"


def workflow_files(kind: Kind) -> dict[str, str]:
    """The files of a repository by their paths: its workflows, and the action that they use."""
    folder = files("lockstep.delivery.setup") / "workflows"
    found = {
        f".github/workflows/lockstep-{file.name}": file.read_text(encoding="utf-8")
        for name in _FOLDERS[kind]
        for file in sorted((folder / name).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yml")
    }
    action = (folder / "action" / "action.yml").read_text(encoding="utf-8")
    found[_ACTION] = action.replace('newest one when empty\n    default: ""', _pinned(), 1)
    found[_LOCK] = (folder / "action" / "requirements.txt").read_text(encoding="utf-8")
    return {path: f"{_header(kind)}{text}" for path, text in found.items()}


def write_workflows(root: Path, kind: Kind, *, force: bool = False) -> tuple[str, ...]:
    """Write the workflows below a repository's root; their paths.

    A file that is there already with the same text stays; BadInput when one has another text and
    ``force`` is not given, or cannot be written. Nothing is written before all of them were looked at.
    """
    wanted = workflow_files(kind)
    try:
        differing = [path for path, text in wanted.items() if not _is_free(root / path, text)]
        if differing and not force:
            raise BadInput(
                f"the {'file exists' if len(differing) == 1 else 'files exist'}",
                where=", ".join(str(root / path) for path in differing),
                fix="edit them, or write them anew with --force",
            )
        for path, text in wanted.items():
            write_whole(root / path, text)
    except OSError as error:
        raise BadInput(
            f"cannot write: {error.strerror}",
            where=str(error.filename or root),
            fix="check the folder, its permissions and the room on its disk",
        ) from None
    return tuple(wanted)


def what_to_set_up(kind: Kind) -> Iterator[str]:
    """What GitHub and AWS need beside the files, a line each."""
    if kind is Kind.MONOREPO:
        yield _SERVICES
        yield _GITOPS
    where = "both repositories" if kind in (Kind.MONOREPO, Kind.GITOPS) else "this repository"
    is_one = kind in (Kind.GITOPS, Kind.INFRASTRUCTURE)
    environments = "the environment lockstep" if is_one else "both environments"
    yield _BOT.format(where=where, environments=environments)
    if kind is Kind.INFRASTRUCTURE:
        yield _PRIVATE
    if kind in (Kind.MONOREPO, Kind.COMBINED):
        yield _PREVIEW
    yield _ENVIRONMENT
    if kind in (Kind.MONOREPO, Kind.COMBINED):
        yield _PREVIEWS
        yield _DIRECT
    if kind is not Kind.MONOREPO:
        yield _AWS
        if kind is not Kind.INFRASTRUCTURE:
            yield _DRIFT
        yield _PROTECTION
        yield _AUTO_MERGE
        yield _BRANCH.format(where="lockstep.yaml")


def _pinned() -> str:
    return f'that of lockstep init when absent\n    default: "{__version__}"'


def _header(kind: Kind) -> str:
    return f"# Written by `lockstep init --github {kind}` of Lockstep {__version__}; yours to edit.\n"


def _is_free(path: Path, text: str) -> bool:
    """Whether a file can be written without a loss."""
    if path.is_symlink():
        return False
    return not path.exists() or (path.is_file() and path.read_bytes() == text.encode())
