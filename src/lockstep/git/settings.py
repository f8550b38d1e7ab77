"""Git's configuration as far as it matters here, read once: remotes, who commits, partial clones."""

from collections.abc import Mapping

from lockstep.git.command import Repository

__all__ = ["is_true", "remotes", "settings", "url_of"]

_MATTERS = (
    r"^((user|author|committer)\.(name|email)|commit\.gpgsign|extensions\.partialclone|remote\..+\..+)$"
)


def settings(repository: Repository) -> Mapping[str, str | None]:
    """What is configured, by keys as git writes them; None: a key without value. Read once."""

    def read() -> Mapping[str, str | None]:
        listing = repository.run(
            *("config", "--null", "--get-regexp", _MATTERS),
            doing="reading git's configuration",
            allowed=(0, 1),
        )
        entries = listing.decode("utf-8", "replace").split("\0")[:-1]
        parts = (entry.partition("\n") for entry in entries)
        return {key: value if separator else None for key, separator, value in parts}

    return repository.facts.once("settings", read)


def remotes(repository: Repository) -> list[str]:
    """The names of the remotes, as ``git remote`` lists them."""
    keys = (key for key in settings(repository) if key.startswith("remote."))
    names = {key.removeprefix("remote.").rpartition(".")[0] for key in keys}
    return sorted(name for name in names if not name.startswith("/"))  # which git ignores


def url_of(repository: Repository, remote: str) -> str:
    """The URL of a remote, after git's ``insteadOf``; it may hold a password."""

    def read() -> str:
        answer = repository.run("remote", "get-url", "--", remote, doing="reading the remote's URL")
        return answer.decode("utf-8", "surrogateescape").strip()

    return repository.facts.once(("url", remote), read)


def is_true(value: str | None) -> bool:
    """A boolean as git reads it; None stands for a key without value. Source: git-config(1), "Values"."""
    return value is None or value.lower() not in ("", "false", "no", "off", "0")
