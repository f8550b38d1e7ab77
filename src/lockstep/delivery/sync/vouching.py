"""Whether a function that is no longer declared was ever this project's: by what Git says, not by its tags.

Who may tag a function may write any owner into its tags. So a function is deleted only when the name that it
has is the one that the repository gives, or once gave, to the target that its tags name.
"""

from collections.abc import Iterator, Mapping

from lockstep.config.load import load
from lockstep.delivery.places.joined import Joined
from lockstep.delivery.places.nobody import NOBODY, any_preview
from lockstep.delivery.places.workspace import PROJECT_FILE, Subtree, Workspace
from lockstep.errors import LockstepError
from lockstep.git.command import Repository
from lockstep.git.mirror import fetch_history
from lockstep.git.tree import CommitTree
from lockstep.model import Target
from lockstep.model.tree import Tree

__all__ = ["Vouching"]

_MOST = 50  # earlier states of a target's files that are looked at


class Vouching:
    """Answers for one workspace; what was read of Git is kept."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._of_any: Mapping[str, str] | None = None
        self._earlier: dict[str, Mapping[str, str]] = {}  # state -> names of its functions by target

    def __call__(self, target: Target) -> bool:
        """Whether Git says that the target has, or had, a function of this name."""
        name = target.function.name if target.function else ""
        return name == self._by_template(target) or any(
            names.get(target.key) == name for names in self._states(target)
        )

    def _by_template(self, target: Target) -> str | None:
        """The name that a preview of this number would have."""
        kind, _, number = target.environment.partition("/pr-")
        if kind != "preview" or not number.isdigit():
            return None
        if self._of_any is None:
            try:
                self._of_any = _names(any_preview(self._workspace))
            except LockstepError:
                self._of_any = {}
        name = self._of_any.get(f"preview/pr-{NOBODY}/{target.service}")
        return name and name.replace(str(NOBODY), number)

    def _states(self, target: Target) -> Iterator[Mapping[str, str]]:
        """What was declared before each change of the target's files, newest first."""
        workspace, folder = self._workspace, self._workspace.project.folder
        base = f"{workspace.prefix}{folder}/" if folder not in {"", "."} else workspace.prefix
        environment = f"{base}environments/{target.environment}"
        any_preview_of_it = f"{base}environments/preview/services/{target.service}"
        paths = [environment, any_preview_of_it, f"{base}services/{target.service}"]
        whole, previews = workspace.whole, workspace.previews
        lines = [(whole.repository, whole.commit, False)]
        if previews is not None and target.is_preview:
            lines.insert(0, (previews.repository, previews.commit, True))
        for repository, commit, is_apart in lines:
            if repository is None or commit is None:
                continue
            for sha in _before(repository, commit, paths):
                if sha not in self._earlier:
                    self._earlier[sha] = self._read(CommitTree(repository, sha), is_apart)
                yield self._earlier[sha]

    def _read(self, whole: CommitTree, is_apart: bool) -> Mapping[str, str]:
        prefix, project = self._workspace.prefix, self._workspace.project
        tree: Tree = Subtree(whole, prefix) if prefix else whole
        if is_apart:
            main = self._workspace.whole
            tree = Joined(Subtree(main, prefix) if prefix else main, tree, project.folder)
        try:
            return _names(load(tree, project_file=PROJECT_FILE).fleet.targets)
        except LockstepError:
            return {}  # what was not valid then was not applied either


def _names(targets: Mapping[str, Target]) -> dict[str, str]:
    return {key: one.function.name for key, one in targets.items() if one.function is not None}


def _before(repository: Repository, commit: str, paths: list[str]) -> list[str]:
    """Commits that changed one of the paths, and those before them, as far as this clone has them."""
    try:
        if repository.url:
            fetch_history(repository, commit)
        output = repository.run(
            *("log", f"--max-count={_MOST}", "--full-history", "--format=%H %P", commit, "--", *paths),
            doing="looking for what was declared before",
        )
    except LockstepError:
        return []
    lines = [line.split() for line in output.decode("ascii").splitlines()]
    return list(dict.fromkeys(sha for line in lines for sha in (*line[1:], line[0])))
