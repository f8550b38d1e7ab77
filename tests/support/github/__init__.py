"""GitHub for tests: a server with state, checked against GitHub's published description of its API."""

from tests.support.github.contract import Contract, load_contract
from tests.support.github.npm import NotThere
from tests.support.github.server import Fault, GitHubServer, Seen, github_server
from tests.support.github.world import Identity, Protection, Repository, World

__all__ = [
    "Contract",
    "Fault",
    "GitHubServer",
    "Identity",
    "NotThere",
    "Protection",
    "Repository",
    "Seen",
    "World",
    "github_server",
    "load_contract",
]
