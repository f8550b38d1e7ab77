"""Running git: one place, argument lists only, nothing of the user's set-up that could surprise.

Prompts, pagers, hooks, external diffs, file-system monitors and replaced objects are switched off;
only the transports ``file``, ``http``, ``https`` and ``ssh`` are allowed. Messages never hold a
password: user and query parts of URLs are masked.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from lockstep.children import Child, environment_of
from lockstep.errors import BadInput, GitError, bounded
from lockstep.git.access import Access
from lockstep.git.facts import Facts
from lockstep.regexes import regex
from lockstep.values import dataclass
from lockstep.waiting import SOON, Deadline, tell

__all__ = ["Ended", "Repository", "check_revision", "explain_failure", "mask", "run_git", "start_git"]

LOCAL_SECONDS = 120.0
NETWORK_SECONDS = 600.0
_TOLD = 32_000  # characters of the beginning and of the end of what git says
_SILENCE = {"fetch": 30.0, "ls-remote": 30.0, "push": 120.0}  # seconds; a push waits for the host's hooks
_PROGRESS = regex(
    r"(remote: )?((Enumerating|Counting|Compressing|Receiving|Resolving|Unpacking|Writing|Checking|Updating)"
    r" [\w ]+: |Total \d|Delta compression )"
)

# Odd, and common in old histories. Source: git-fsck(1), "FSCK MESSAGES". Heeded in whole clones; in partial
# ones Git 2.39 has no such list.
_HARMLESS = (
    "badDate",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
_OPTIONS = (
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    *("-c", "core.quotePath=false"),
    *("-c", "core.fsmonitor=false"),  # would run a program that the repository's config names
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "log.showSignature=false"),  # would run gpg
    *("-c", "i18n.logOutputEncoding=UTF-8"),
    *("-c", "i18n.commitEncoding=UTF-8"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "http.lowSpeedLimit=1000"),  # bytes a second
    *("-c", "http.lowSpeedTime=30"),  # seconds
    # Git takes its headers, the token's among them, along to wherever a host sends it, and to plain HTTP.
    *("-c", "http.followRedirects=false"),
    *("-c", "fetch.fsckObjects=true"),  # names such as .. and .git, entries that are there twice
    *(word for id_ in _HARMLESS for word in ("-c", f"fetch.fsck.{id_}=ignore")),
)
_TRANSPORTS = frozenset({"file", "http", "https", "ssh"})
# They say which repository to use; git sets them for its hooks.
_PLACES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_EXTERNAL_DIFF",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
)

Configuration = Sequence[tuple[str, str]]  # keys and values; a key may come several times


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a git command ended, for callers who read its refusals themselves."""

    code: int
    output: str
    errors: str = field(repr=False)  # as git wrote it, passwords and all


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """Where git runs: the top of a working tree, a bare repository, or a mirror of ``url``.

    ``url`` may hold a password, so it is handed to git through the environment and neither shown
    nor written to the mirror's configuration. So is ``access``, a token for the remote's host.
    ``mend`` makes a mirror anew and says whether the error came from it. What asks the host has the time
    that is left of ``deadline``, where a reading is under way. ``facts`` is what was found out so far.
    """

    folder: Path
    url: str | None = field(default=None, repr=False)
    access: Access | None = field(default=None, repr=False)
    mend: "Callable[[Repository, GitError | BadInput], bool] | None" = field(
        default=None, repr=False, compare=False
    )
    deadline: Deadline | None = field(default=None, repr=False, compare=False)
    facts: Facts = field(default_factory=Facts, repr=False, compare=False)

    def run(
        self,
        *arguments: str,
        doing: str,
        data: bytes | None = None,
        allowed: tuple[int, ...] = (0,),
        seconds: float = LOCAL_SECONDS,
        keep_open: tuple[int, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run one git command here and return what it wrote; see ``run_git``.

        One that fails because a mirror is damaged is run once more, in the mirror that was made anew.
        """

        def run() -> bytes:
            return run_git(
                self._place() + arguments,
                doing=doing,
                data=data,
                allowed=allowed,
                seconds=seconds,
                keep_open=keep_open,
                configuration=self._configuration(),
                environment=environment,
                deadline=self.deadline,
            )

        try:
            return run()
        except (GitError, BadInput) as error:
            if self.mend is None or not self.mend(replace(self, mend=None), error):
                raise
        return run()

    def attempt(
        self,
        *arguments: str,
        doing: str,
        data: bytes | None = None,
        seconds: float = LOCAL_SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run one git command here that may well fail, and return how it ended."""
        code, output, errors = _finish_git(
            self._place() + arguments,
            doing=doing,
            data=data,
            seconds=seconds,
            configuration=self._configuration(),
            environment=environment,
            deadline=self.deadline,
        )
        return Ended(code=code, output=output.decode("utf-8", "replace"), errors=errors)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one git command here whose output is read while it runs."""
        return start_git(self._place() + arguments, configuration=self._configuration())

    def _place(self) -> tuple[str, ...]:
        return (f"--git-dir={self.folder}",) if self.url else ("-C", str(self.folder))

    def _configuration(self) -> Configuration:
        url = (("remote.origin.url", self.url),) if self.url else ()
        return url + (self.access.configuration if self.access else ())


def run_git(
    arguments: Sequence[str],
    *,
    doing: str,
    data: bytes | None = None,
    allowed: tuple[int, ...] = (0,),
    seconds: float = LOCAL_SECONDS,
    keep_open: tuple[int, ...] = (),
    configuration: Configuration = (),
    environment: Mapping[str, str] | None = None,
    deadline: Deadline | None = None,
) -> bytes:
    """Run git with ``data`` on its input and return its output.

    ``allowed`` lists the exit codes that are no error, ``keep_open`` file descriptors that git
    inherits, ``environment`` variables that it gets on top of ours. Raises GitError or BadInput, with
    what to do about it, when git is missing, takes longer than ``seconds`` or says no. Where the host is
    asked, what is left of the ``deadline`` counts as well.
    """
    code, output, errors = _finish_git(
        arguments,
        doing=doing,
        data=data,
        seconds=seconds,
        keep_open=keep_open,
        configuration=configuration,
        environment=environment,
        deadline=deadline,
    )
    if code not in allowed:
        raise explain_failure(errors, doing=doing)
    return output


def _finish_git(
    arguments: Sequence[str],
    *,
    doing: str,
    data: bytes | None,
    seconds: float,
    keep_open: tuple[int, ...] = (),
    configuration: Configuration = (),
    environment: Mapping[str, str] | None = None,
    deadline: Deadline | None = None,
) -> tuple[int, bytes, str]:
    is_remote = seconds > LOCAL_SECONDS
    left = deadline.remaining() if deadline is not None and is_remote else None
    if left is not None and left < seconds:
        seconds = max(0.0, left)
    verb = next((word for word in arguments if is_remote and word in _SILENCE), "")
    if verb in ("fetch", "push"):  # a sign of life, also where nobody looks on
        place = list(arguments).index(verb) + 1
        arguments = (*arguments[:place], "--progress", *arguments[place:])
    process = start_git(arguments, keep_open=keep_open, configuration=configuration, environment=environment)
    try:
        silence = _SILENCE.get(verb, seconds)
        output, errors = _listen(process, data, seconds=seconds, silence=silence, doing=doing)
    except subprocess.TimeoutExpired as late:
        if deadline is not None and left is not None and late.timeout == seconds:
            raise GitError(deadline.words, doing=doing, fix=deadline.fix) from None
        raise GitError(
            f"git did not answer within {late.timeout:.3g} seconds",
            doing=doing,
            fix="check the network and the repository, then run again",
        ) from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # git's own helpers hold on to the connection
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    lines = errors.decode("utf-8", "replace").replace("\r", "\n").splitlines(keepends=True)
    said = "".join(line for line in lines if not _PROGRESS.match(line))
    return process.returncode, output, _in_short(said)


def _in_short(errors: str) -> str:
    """What git wrote, or its beginning and its end: a host can make it write without an end."""
    if len(errors) <= 2 * _TOLD:
        return errors
    # Words at the cuts go, for half a URL may be half a password.
    head, tail = re.sub(r"\S+\Z", "", errors[:_TOLD]), re.sub(r"\A\S+", "", errors[-_TOLD:])
    return f"{head}\n({len(errors):,} characters in all; the middle is left out)\n{tail}"


def _listen(
    process: subprocess.Popen[bytes], data: bytes | None, *, seconds: float, silence: float, doing: str
) -> tuple[bytes, bytes]:
    """What a process writes; TimeoutExpired when it is silent for too long, or takes too long altogether."""
    begun = sign = time.monotonic()
    heard = 0
    while True:
        ends = min(begun + seconds, sign + silence)
        try:
            return process.communicate(data, timeout=max(0.0, min(ends - time.monotonic(), SOON)))
        except subprocess.TimeoutExpired as late:
            data, now = None, time.monotonic()  # what was given is on its way
            so_far = len(late.output or b"") + len(late.stderr or b"")
            if so_far > heard:
                heard, sign = so_far, now
            if now >= begun + seconds:
                raise subprocess.TimeoutExpired(process.args, seconds) from None
            if now >= sign + silence:
                raise subprocess.TimeoutExpired(process.args, silence) from None
            tell(f"{doing}: git runs for {now - begun:.0f} s, of {seconds:.0f} s that it may take")


def start_git(
    arguments: Sequence[str],
    *,
    keep_open: tuple[int, ...] = (),
    configuration: Configuration = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start git with pipes on all three streams; GitError when it is not installed."""
    try:
        return subprocess.Popen(
            ["git", *_OPTIONS, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(configuration) | dict(environment or {}),
            start_new_session=True,  # no terminal to ask on, and Ctrl-C is ours to pass on
            pass_fds=keep_open,
        )
    except FileNotFoundError:
        raise GitError("git is not installed", fix="install git 2.30 or later and put it on PATH") from None
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}", fix="check the git on PATH") from None


def check_revision(revision: str) -> str:
    """Return the revision when it is safe to hand to git; BadInput when it could be an option."""
    if not revision or revision.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", revision):
        raise BadInput(
            f"{revision!r} is not a revision",
            fix="name a branch, a tag or a commit, for example main or 3f1c2ab",
        )
    return revision


def mask(text: str) -> str:
    """Hide what may be secret in the URLs of a text: passwords, tokens as user names, queries.

    Also the passwords of proxies and of remotes as scp writes them (``user:password@host:path``), and
    those with characters that a URL cannot hold. Takes time in proportion to the text.
    """
    return re.sub(r"\S+", lambda word: _masked(word[0]), text)


_SCP = regex(
    r"(?<![^\s,;=\"'(])([^\s:@/,;=\"'(]{1,64}:)[^\s@/]{1,256}(@(?!sha256:)[\w.-]{1,253}:[\w/~])", re.ASCII
)


def _masked(word: str) -> str:
    """One word of a text, masked."""
    before, *rest = word.split("://")
    if not rest:
        return _SCP.sub(r"\1***\2", word) if "@" in word else word
    pieces = [before]
    for piece in rest:
        is_web = before[-5:].lower().endswith(("http", "https"))
        before = piece
        pieces.append(re.sub(r"\?[^'\"]+", "?***", _without_user(piece, is_web=is_web)))
    return "://".join(pieces)


def _without_user(rest: str, *, is_web: bool) -> str:
    """What follows ``://`` without a password, and without a user of the web, who may be a token."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, at, _ = authority.rpartition("@")
    name, colon, password = (user if at else authority).partition(":")
    if not at:
        # A "port" that is no number is the beginning of a password with a slash in it.
        is_port = name.startswith("[") or password.rstrip("'\"`),.;:>]}").isdecimal()
        if not colon or is_port or "@" not in rest:
            return rest
        user = rest.rpartition("@")[0]
    if not is_web and not colon:
        return rest
    return f"{'***' if is_web else f'{name}:***'}@{rest[len(user) + 1 :]}"


def explain_failure(errors: str, *, doing: str) -> GitError | BadInput:
    """Turn what git wrote on its error stream into an error that says what to do."""
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", " ", mask(errors))  # the host wrote some of it
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:", "remote: "))]
    reason = (
        "; ".join(dict.fromkeys(bounded(line, 1_000) for line in (said or lines)[:3]))
        or "git failed without saying why"
    )
    for pattern, is_input, problem, fix in _KNOWN:
        if re.search(pattern, text, re.IGNORECASE):
            kind = BadInput if is_input else GitError
            return kind(f"{problem} ({reason})", doing=doing, fix=fix)
    return GitError(reason, doing=doing, fix="run the same with git itself to see more")


# What git says, whether the user's input is to blame, our words, and the way out.
_KNOWN: tuple[tuple[str, bool, str, str], ...] = (
    (
        "returned error: 30[1-8]|unable to update url base from redirection",
        True,
        "the host sends this URL elsewhere, which is not followed",
        "give the URL that the repository has now; some hosts want .git at its end, others https",
    ),
    (
        "fsck error|fsck failed",
        False,
        "the repository holds an object that is not as it should be, so nothing was taken from it",
        "find out who pushed it: git fsck in a clone names it; then take it out of the history",
    ),
    (
        "dubious ownership",
        False,
        "the repository belongs to another user, so git refuses to read it",
        "git config --global --add safe.directory FOLDER, or change the folder's owner",
    ),
    (
        "not a git repository|does not appear to be a git repository",
        True,
        "this is not a git repository",
        "name the folder or URL of a git repository",
    ),
    (
        "couldn't find remote ref|not our ref|no such ref|bad revision|unknown revision",
        True,
        "the repository has no such revision",
        "name a branch, a tag or a full commit id that has been pushed",
    ),
    (
        r"authentication failed|could not read (username|password)|permission denied|"
        r"terminal prompts disabled|invalid credentials|the requested url returned error: 40[13]",
        False,
        "the repository's host refused the credentials, or there are none",
        "set up a git credential helper, an SSH key or a token that may read the repository",
    ),
    (
        "host key verification failed",
        False,
        "the SSH host is not known yet",
        "connect once with ssh, or add the host's key to known_hosts",
    ),
    (
        "transport '[^']{0,100}' not allowed|unable to find remote helper|is not a supported",
        True,
        "this kind of URL is not allowed",
        "use https, ssh or a folder",
    ),
    (
        r"repository not found|repository '[^']{0,2000}' not found|returned error: 404",
        True,
        "there is no such repository, or it is private and the credentials may not see it",
        "check the URL, and the credentials that git uses for it",
    ),
    # What curl says with OpenSSL, and with GnuTLS as on Debian and Ubuntu.
    (
        "wrong version number|unexpected tls packet|packet length too long|ssl routines:[^:]*:http request",
        False,
        "the host answers without TLS at that port",
        "name the port that speaks https; or, if that was a proxy, write its URL with http:// in https_proxy",
    ),
    (
        "ssl certificate|certificate verif(y|ication)|unable to get local issuer|self[- ]signed certificate|"
        "certificate subject|certificate has expired|error (setting|adding|reading) [^:]{0,40}(ca|verif)|"
        "problem with the ssl ca cert|error in the certificate|server certificate|server verification failed",
        False,
        "the host's certificate is not trusted",
        "name the certificate authority's file in GIT_SSL_CAINFO",
    ),
    (
        "gnutls_handshake|gnutls recv error|tls connection was non-properly terminated|ssl_connect|"
        "ssl routines|tlsv?1[^ ]* alert|handshake failure|ssl connection",
        False,
        "the encrypted connection with the host failed",
        "run again; if it stays so, check the proxy settings, and which versions of TLS the host speaks",
    ),
    (
        "could ?n.t resolve host|failed to connect|couldn't connect|connection (refused|timed out|reset)|"
        "network is unreachable|no route to host|operation (too slow|timed out)|early eof|"
        "remote end hung up|returned error: 5",
        False,
        "the repository's host cannot be reached",
        "check the network, the proxy settings and the URL, then run again",
    ),
)


def _environment(configuration: Configuration) -> dict[str, str]:
    environment = {key: value for key, value in environment_of(Child.GIT).items() if key not in _PLACES}
    allowed = _TRANSPORTS.intersection(
        environment.get("GIT_ALLOW_PROTOCOL", ":".join(_TRANSPORTS)).split(":")
    )
    environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    environment.update(
        GIT_ALLOW_PROTOCOL=":".join(sorted(allowed)),
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        LC_ALL="C",
        SSH_ASKPASS_REQUIRE="never",
    )
    count = environment.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    for number, (key, value) in enumerate(configuration, first):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
        environment["GIT_CONFIG_COUNT"] = str(number + 1)
    return environment
