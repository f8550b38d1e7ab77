"""What the package index shows of a release follows from where it is built: its links, and the README's.

A release is built by a workflow, which knows its repository (``GITHUB_SERVER_URL``, ``GITHUB_REPOSITORY``)
and its commit or tag (``GITHUB_REF_NAME``). Elsewhere the README stays as it is, and there are no links.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?<=\]\()(?!https?://|#)([^)\s]+)")


class Links(MetadataHookInterface):
    """Fills in the readme and the URLs."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = os.environ.get("GITHUB_REPOSITORY")
        if repository:
            home = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}"
            blob = f"{home}/blob/{os.environ.get('GITHUB_REF_NAME', 'main')}"
            text = _LINK.sub(lambda found: f"{blob}/{found[1]}", text)
            metadata["urls"] = {
                "Homepage": home,
                "Documentation": f"{blob}/docs/README.md",
                "Changelog": f"{blob}/CHANGELOG.md",
                "Issues": f"{home}/issues",
                "Security": f"{blob}/SECURITY.md",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
