"""What may be wrong with a command, its options, the settings of a process and the machine it runs on."""

from collections.abc import Callable

from tests.support.badinput.desk import SECRETS, STAGING, Desk, Row, git
from tests.support.git_http import git_server

__all__ = ["GIT", "SHELL"]


def nothing(desk: Desk) -> None:
    """Everything is well but the command."""


def setting(**variables: str) -> Callable[[Desk], object]:
    """Set variables of the process."""
    return lambda desk: desk.env.update(variables)


def plan_file(text: str | bytes) -> Callable[[Desk], object]:
    """Leave a saved plan."""
    return lambda desk: desk.write("plan.json", text)


def another_project(desk: Desk) -> None:
    """A plan that was saved before the project had another name."""
    desk.run("plan", "-o", "plan.json")
    desk.change("lockstep.yaml", "project: syrf", "project: other")


def edited_plan(desk: Desk) -> None:
    """A plan that somebody edited after it was saved."""
    desk.run("plan", "-o", "plan.json")
    text = (desk.folder / "plan.json").read_text()
    assert '"version": "0.1.6"' in text
    desk.write("plan.json", text.replace('"version": "0.1.6"', '"version": "0.1.7"'))


def truncated_plan(desk: Desk) -> None:
    """A plan that was not written to its end."""
    desk.run("plan", "-o", "plan.json")
    desk.write("plan.json", (desk.folder / "plan.json").read_text()[:-40])


def later_plan(desk: Desk) -> None:
    """A plan in a format of a later release."""
    desk.run("plan", "-o", "plan.json")
    text = (desk.folder / "plan.json").read_text()
    desk.write("plan.json", text.replace("lockstep.plan/1", "lockstep.plan/9"))


SHELL: dict[str, Row] = {
    "command: unknown": Row(spoil=nothing, words=("plna",), says=("plna",)),
    "option: unknown": Row(
        spoil=nothing, words=("plan", "--ful"), says=("--ful", "lockstep plan --help", "did you mean --full")
    ),
    "option: no value": Row(spoil=nothing, words=("plan", "--since"), says=("--since",)),
    "option: form": Row(spoil=nothing, words=("plan", "-o", "yaml"), says=("yaml", "markdown")),
    "option: form of a report": Row(spoil=nothing, words=("sync", "-o", "yaml"), says=("yaml", "markdown")),
    "option: number": Row(spoil=nothing, words=("sync", "--allow-deletes", "-1"), says=("--allow-deletes",)),
    "option: word for a number": Row(spoil=nothing, words=("sync", "--allow-deletes", "all"), says=("all",)),
    "option: folder": Row(spoil=nothing, words=("plan", "-C", "nowhere"), says=("nowhere", "-C")),
    "option: a file for a folder": Row(spoil=nothing, words=("plan", "-C", STAGING), says=(STAGING, "-C")),
    "option: plan and targets": Row(
        spoil=plan_file("{}"), words=("sync", "plan.json", "staging"), says=("plan.json", "alone")
    ),
    "option: plan and --since": Row(
        spoil=lambda desk: desk.run("plan", "-o", "plan.json"),
        words=("sync", "plan.json", "--since", "HEAD"),
        says=("--since", "saved plan"),
    ),
    "option: plan and --adopt": Row(
        spoil=lambda desk: desk.run("plan", "-o", "plan.json"),
        words=("sync", "plan.json", "--adopt"),
        says=("--adopt", "saved plan"),
    ),
    "target: unknown": Row(spoil=nothing, words=("sync", "stagin"), says=("stagin", "did you mean staging")),
    "target: unknown glob": Row(spoil=nothing, words=("plan", "qa/*"), says=("qa/*", "lockstep status")),
    "target: empty": Row(spoil=nothing, words=("sync", ""), says=("no target matches",)),
    "target: unknown to status": Row(spoil=nothing, words=("status", "prod"), says=("prod", "production")),
    "explain: unknown target": Row(
        spoil=nothing, words=("explain", "staging/s3"), says=("staging/s3-notifier",)
    ),
    "explain: unknown key": Row(
        spoil=nothing, words=("explain", "staging/s3-notifier", "lambda.memry"), says=("memory",)
    ),
    "plan file: missing": Row(
        spoil=nothing, words=("sync", "plan.json"), says=("plan.json", "lockstep plan -o")
    ),
    "plan file: empty": Row(spoil=plan_file(""), words=("sync", "plan.json"), says=("plan.json",)),
    "plan file: binary": Row(spoil=plan_file(b"\xff\x00"), words=("sync", "plan.json"), says=("plan.json",)),
    "plan file: a list": Row(spoil=plan_file("[1]"), words=("sync", "plan.json"), says=("plan.json",)),
    "plan file: deep": Row(spoil=plan_file("[" * 100_000), words=("sync", "plan.json"), says=("plan.json",)),
    "plan file: cut off": Row(spoil=truncated_plan, words=("sync", "plan.json"), says=("plan.json",)),
    "plan file: edited": Row(
        spoil=edited_plan,
        words=("sync", "plan.json"),
        says=("plan.json: it was edited after it was saved", "fix: plan again: lockstep plan -o plan.json"),
    ),
    "plan file: of a later release": Row(
        spoil=later_plan, words=("sync", "plan.json"), says=("plan.json", "/9")
    ),
    "plan file: of another project": Row(
        spoil=another_project, words=("sync", "plan.json"), code=1, says=("project syrf", "this is other")
    ),
    "plan file: no such folder": Row(
        spoil=nothing, words=("plan", "-o", "out/plan.json"), says=("out/plan.json", "No such file")
    ),
    "plan file: on a device": Row(
        spoil=nothing,
        words=("plan", "-o", "/dev/full/plan.json"),
        says=("/dev/full/plan.json",),
    ),
    "setting: LOCKSTEP_LOG": Row(spoil=setting(LOCKSTEP_LOG="loud"), says=("LOCKSTEP_LOG", "warning")),
    "setting: LOCKSTEP_QUOTAS": Row(spoil=setting(LOCKSTEP_QUOTAS="many"), says=("LOCKSTEP_QUOTAS", "0.5")),
    "setting: LOCKSTEP_QUOTAS is no number": Row(
        spoil=setting(LOCKSTEP_QUOTAS="nan"), says=("LOCKSTEP_QUOTAS", "0.5")
    ),
    "setting: LOCKSTEP_CACHE is a file": Row(
        spoil=lambda desk: desk.env.update(LOCKSTEP_CACHE=str(desk.folder / STAGING / "cache")),
        code=1,
        says=("LOCKSTEP_CACHE",),
    ),
    "setting: LOCKSTEP_CACHE on a device": Row(
        spoil=setting(LOCKSTEP_CACHE="/dev/null/cache"), code=1, says=("LOCKSTEP_CACHE",)
    ),
    "init: a project is there": Row(spoil=nothing, words=("init",), says=("lockstep.yaml", "--force")),
}


# Git


def no_git(desk: Desk) -> None:
    """A folder that is no repository."""
    desk.env["GIT_CEILING_DIRECTORIES"] = str(desk.folder.parent)
    for file in sorted((desk.folder / ".git").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
    (desk.folder / ".git").rmdir()


def bare(desk: Desk) -> None:
    """A bare clone."""
    git(desk.folder, "clone", "-q", "--bare", ".", "../bare.git")
    desk.cwd = desk.folder.parent / "bare.git"


def shallow(desk: Desk) -> None:
    """A clone of the last commit only."""
    desk.write("README.md", "second\n")
    git(desk.folder, "add", "README.md")
    git(desk.folder, "commit", "-qm", "Second")
    desk.env["FIRST"] = git(desk.folder, "rev-parse", "HEAD~1")
    git(desk.folder, "clone", "-q", "--depth", "1", f"file://{desk.folder}", "../shallow")
    desk.cwd = desk.folder.parent / "shallow"


def empty(desk: Desk) -> None:
    """A repository without commits and files."""
    (desk.folder.parent / "empty").mkdir()
    git(desk.folder.parent / "empty", "init", "-q")
    desk.cwd = desk.folder.parent / "empty"


def emptied(desk: Desk) -> None:
    """A commit that removed every file."""
    git(desk.folder, "rm", "-rq", "--cached", ".")
    git(desk.folder, "commit", "-qm", "Remove everything")


def served(status: int | None = None, password: str | None = None) -> Callable[[Desk], object]:
    """The repository behind HTTP; the URL is in $REPO."""

    def spoil(desk: Desk) -> None:
        git(desk.folder, "clone", "-q", "--bare", ".", "../served/gitops.git")
        server = desk.closing.enter_context(git_server(desk.folder.parent / "served"))
        server.failing, server.password = status, password
        user = f"someone:{SECRETS[4]}" if password else ""
        desk.env["REPO"] = server.url("gitops.git", user=user)

    return spoil


def served_without_project(desk: Desk) -> None:
    """A repository that takes the password and holds no project."""
    git(desk.folder, "rm", "-q", "lockstep.yaml")
    git(desk.folder, "commit", "-qm", "Not here")
    served(password=SECRETS[4])(desk)


def corrupt(desk: Desk) -> None:
    """A repository whose HEAD points at nothing that is there."""
    (desk.folder / ".git/HEAD").write_text("ref: refs/heads/gone\n")


def no_git_program(desk: Desk) -> None:
    """No git on PATH."""
    (desk.folder.parent / "bin").mkdir()
    desk.env["PATH"] = str(desk.folder.parent / "bin")


REPO = ("plan", "--repo")

GIT: dict[str, Row] = {
    "git: no repository and --rev": Row(
        spoil=no_git, words=("plan", "--rev", "HEAD"), says=("not a git repository",)
    ),
    "git: no repository and --since": Row(spoil=no_git, words=("plan", "--since", "HEAD"), says=("--since",)),
    "git: not installed": Row(spoil=no_git_program, words=("plan", "--rev", "HEAD"), code=1, says=("git",)),
    "git: bare repository": Row(spoil=bare, words=("plan",), says=("bare repository", "--rev")),
    "git: shallow clone and --since": Row(
        spoil=shallow, words=("plan", "--since", "$FIRST"), says=("fetch-depth: 0",)
    ),
    "git: shallow clone and --rev": Row(
        spoil=shallow, words=("plan", "--rev", "HEAD~1"), says=("fetch-depth: 0",)
    ),
    "git: unknown revision": Row(spoil=nothing, words=("plan", "--rev", "mian"), says=("mian", "main")),
    "git: unknown revision in --since": Row(
        spoil=nothing, words=("plan", "--since", "mian"), says=("mian", "main")
    ),
    "git: revision with a dash": Row(
        spoil=nothing, words=("plan", "--rev=--output=owned"), says=("--output=owned",)
    ),
    "git: --since with a dash": Row(
        spoil=nothing, words=("plan", "--since=--output=owned"), says=("--output=owned",)
    ),
    "git: revision of control characters": Row(
        spoil=nothing, words=("plan", "--rev", "a\x1b[2Jb"), says=("revision",)
    ),
    "git: empty revision": Row(spoil=nothing, words=("plan", "--rev", ""), says=("--rev", "empty")),
    "git: empty --since": Row(spoil=nothing, words=("plan", "--since", ""), says=("not a revision",)),
    "git: empty repository": Row(spoil=empty, says=("lockstep init",)),
    "git: empty repository and --rev": Row(
        spoil=empty, words=("plan", "--rev", "HEAD"), says=("no commits",)
    ),
    "git: empty commit": Row(spoil=emptied, words=("sync", "--rev", "HEAD"), says=("lockstep.yaml",)),
    "git: HEAD points at nothing": Row(
        spoil=corrupt, words=("plan", "--rev", "HEAD"), says=("revision HEAD",)
    ),
    "repo: unknown host": Row(
        spoil=nothing,
        words=(*REPO, f"https://ci:{SECRETS[4]}@gitops.invalid/x.git"),
        code=1,
        says=("gitops.invalid",),
    ),
    "repo: nobody listens": Row(
        spoil=nothing, words=(*REPO, "http://127.0.0.1:9/x.git"), code=1, says=("127.0.0.1:9",)
    ),
    "repo: wrong password": Row(
        spoil=served(password="right"), words=(*REPO, "$REPO"), code=1, says=("credentials",)
    ),
    "repo: no project in it": Row(
        spoil=served_without_project, words=(*REPO, "$REPO"), says=("gitops.git: there is no lockstep.yaml",)
    ),
    "repo: not found": Row(spoil=served(status=404), words=(*REPO, "$REPO"), says=("no such repository",)),
    "repo: server error": Row(spoil=served(status=503), words=(*REPO, "$REPO"), code=1, says=("gitops.git",)),
    "repo: no such branch": Row(
        spoil=served(), words=(*REPO, "$REPO", "--rev", "mian"), says=("mian", "main")
    ),
    "repo: a program": Row(spoil=nothing, words=(*REPO, "ext::sh -c 'touch owned'"), says=("ext::",)),
    "repo: an option": Row(
        spoil=nothing, words=("plan", "--repo=--upload-pack=touch owned"), says=("--upload-pack",)
    ),
    "repo: no such folder": Row(spoil=nothing, words=(*REPO, "../nowhere"), says=("nowhere",)),
    "repo: empty": Row(spoil=nothing, words=(*REPO, ""), says=("--repo", "empty")),
}
