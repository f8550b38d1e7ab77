"""GitHub as a forge: github.com and GitHub Enterprise, with a token or as a GitHub App.

Law: every request is one of GitHub's documented ones, and can be repeated; the credential is sent to
the API's own hosts and nowhere else.
"""

from lockstep.forge.github.auth import App
from lockstep.forge.github.forge import GitHub

__all__ = ["App", "GitHub"]
