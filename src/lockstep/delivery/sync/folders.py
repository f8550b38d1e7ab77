"""Where Terraform's folders lie, and how their templates are filled in."""

import os
import posixpath
from collections.abc import Mapping

from lockstep.config import templates
from lockstep.delivery.places.workspace import Workspace
from lockstep.engines.terraform.base import Source
from lockstep.errors import BadInput, LockstepError
from lockstep.git.command import mask
from lockstep.git.repository import open_commit
from lockstep.model import Terraform

__all__ = ["fill", "folder_of"]


def folder_of(workspace: Workspace, settings: Terraform) -> Source:
    """The folder of a run: in the project's repository at its commit, or in another at a revision."""
    if settings.repository is None:
        folder = posixpath.normpath(workspace.prefix + settings.folder)
        return Source(tree=workspace.whole, folder=folder, name="")
    repository = settings.repository
    root = workspace.root
    if "://" not in repository and root is not None and not os.path.isabs(repository):  # noqa: PTH117
        repository = str(root / repository)
    where = workspace.where
    try:
        found = open_commit(repository, settings.revision or "HEAD", where.cache, access=where.access)
    except LockstepError as error:
        raise type(error)(
            error.problem, where=settings.place, fix=error.fix, doing="opening the folder of Terraform"
        ) from error
    return Source(tree=found, folder=settings.folder, name=mask(settings.repository))


def fill(text: str, names: Mapping[str, str]) -> str:
    """A template of ``lockstep.yaml`` filled in. Raises BadInput for a name that the target does not have."""
    try:
        return templates.fill(text, names)
    except templates.TemplateError as error:
        raise BadInput(error.problem, fix=error.fix) from None
