"""One account and Region: credentials, clients, quotas, and the one way to make a call."""

import contextlib
import functools
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from lockstep._version import __version__
from lockstep.engines.aws.answers import Untrue, believe_only_proofs
from lockstep.engines.aws.deadline import Deadline, check_on_time, within
from lockstep.engines.aws.errors import code_of, explain
from lockstep.engines.aws.hearing import note_request
from lockstep.engines.aws.library import import_session
from lockstep.engines.aws.patience import Patience, persist
from lockstep.engines.aws.quota import Quotas
from lockstep.errors import LONGEST, BadInput, CloudError, LockstepError, NotAllowed
from lockstep.fence import current_fence, fenced
from lockstep.model import Environment, Scope
from lockstep.model.blotting import blotted
from lockstep.tracing import here, span

__all__ = ["Connection", "Connections"]

log = logging.getLogger(__name__)

_AMAZON = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
    ".api.amazonwebservices.eu",
)
"""Ends of the names of AWS's endpoints, VPC endpoints among them."""

_AGAIN = "run again when it answers faster"
_GONE = (
    "NoSuchEntity",
    "ResourceNotFoundException",
    "NotFoundException",
    "ProvisionedConcurrencyConfigNotFoundException",
    "NotFound",
)
_READS = ("Get", "List", "Head", "Describe", "BatchGet", "Filter", "Lookup", "Simulate", "Assume")
"""How the names of operations begin that change nothing."""
_LONGEST_BODY = 16_000_000  # bytes
_QUOTAS: dict[tuple[str, str], Quotas] = {}
_QUOTAS_LOCK = threading.Lock()


class Connection:
    """Clients for one environment's account and Region.

    Calls are counted in ``calls``. Values added to ``secrets`` never appear in an error's text.
    """

    def __init__(
        self,
        environment: Environment,
        stop: threading.Event,
        patience: Patience | None = None,
        deadline: Deadline | None = None,
        trace: Any = None,
    ) -> None:
        self._fence = current_fence()
        self.environment = environment
        self.stop = stop
        self._patience = patience or Patience()
        self._deadline = deadline or Deadline()
        self.calls: Counter[str] = Counter()
        self.secrets: set[str] = set()
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._session: Any = None
        self._scope: Scope | None = None
        self._failure: LockstepError | None = None
        self._quotas: Quotas | None = None
        self._trace = trace or here()  # calls are made by threads that know of none

    @property
    def scope(self) -> Scope:
        """Account, Region and partition; asks STS once, whatever it says, and checks the declared account."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._scope is None:
                try:
                    self._scope = self._find_scope()
                except LockstepError as error:
                    self._failure = error
                    raise
            return self._scope

    def _find_scope(self) -> Scope:
        region = self._region()
        try:
            identity = self._raw_call("sts", "GetCallerIdentity", {})
        except Exception as error:
            raise self.explain(error, "sts", "GetCallerIdentity") from error
        account = str(identity["Account"])
        partition = str(identity.get("Arn", "arn:aws:")).split(":")[1] or "aws"
        wanted = self.environment.account
        if wanted and wanted != account:
            raise NotAllowed(
                f"the credentials are for account {account}, but {self.environment.name} is "
                f"declared in account {wanted}",
                where="sts:GetCallerIdentity",
                fix="use the other credentials, or `profile:`/`role:` for the environment",
            )
        return Scope(account=account, region=region, partition=partition)

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Make one call under the quotas. Raises LockstepError, or botocore's ClientError for ``codes``
        that the caller handles: see ``try_call``."""
        try:
            return self.try_call(service, operation, **params)
        except Exception as error:
            raise self.explain(error, service, operation) from error

    def find(self, service: str, operation: str, **params: Any) -> dict[str, Any] | None:
        """Make one call about something that need not be there; None where AWS says that it is not."""
        try:
            return self.try_call(service, operation, **params)
        except Exception as error:
            if code_of(error) in _GONE:
                return None
            raise self.explain(error, service, operation) from error

    def try_call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Make one call and let AWS's own error through, for callers that tell errors apart."""
        return self.ask(service, operation, params)

    def ask(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        region: str | None = None,
        streams: bool = False,
    ) -> dict[str, Any]:
        """As ``try_call``, in another Region where one is named.

        What is a stream in an answer is read within the call's time, at most 16 MB of it; with ``streams``
        that is left to the caller, who bounds it.
        """
        self._limits().wait(service, operation, self.stop)
        return self._raw_call(service, operation, params, region=region, streams=streams)

    def once(self, service: str, operation: str, seconds: float, **params: Any) -> dict[str, Any]:
        """Make one call with a single try, which is over within so many seconds."""
        self._limits().wait(service, operation, self.stop)
        return self._try(service, operation, params)(min(seconds, self._patience.call))

    def rest(self, seconds: float) -> None:
        """Pause between two looks at what is under way. A stop does not cut it short: that is finished."""
        time.sleep(seconds)

    def pages(
        self, service: str, operation: str, items: str, token_in: str, token_out: str, **params: Any
    ) -> Iterator[dict[str, Any]]:
        """All items of a paged listing. A page that fails raises: a listing is whole or an error."""
        for answer in self.whole_pages(service, operation, token_in, token_out, **params):
            yield from answer.get(items, ())

    def whole_pages(
        self, service: str, operation: str, token_in: str, token_out: str, **params: Any
    ) -> Iterator[dict[str, Any]]:
        """All answers of a paged listing. A page that fails raises: a listing is whole or an error."""
        token: str | None = None
        tokens: set[str] = set()
        while True:
            extra = {token_in: token} if token else {}
            answer = self.call(service, operation, **params, **extra)
            yield answer
            token = answer.get(token_out) or None
            if token is None:
                return
            if token in tokens:
                raise Untrue(
                    "a listing that begins again and never ends",
                    where=f"{service}:{operation}",
                    fix="look what answers in place of AWS (a proxy that keeps answers), then run again",
                )
            tokens.add(token)

    def explain(self, error: Exception, service: str, operation: str) -> LockstepError:
        """The error in Lockstep's words, with every known secret blotted out."""
        told = explain(error, service, operation, role=self.environment.role)
        told.problem = blotted(told.problem, self.secrets, longest=LONGEST)
        told.args = (str(told),)
        return told

    def _raw_call(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        region: str | None = None,
        streams: bool = False,
    ) -> dict[str, Any]:
        once = self._try(service, operation, params, region=region, streams=streams)
        return persist(once, self._patience, self._deadline, f"{service}:{operation}", params)

    def _try(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        region: str | None = None,
        streams: bool = False,
    ) -> Callable[[float], dict[str, Any]]:
        """One call, counted, that makes a single try within so many seconds."""
        from botocore import xform_name

        method = getattr(self.client(service, region), xform_name(operation))
        name = f"{service}:{operation}"

        def ask() -> dict[str, Any]:
            with fenced(self._fence):  # in the thread that sends
                answer: dict[str, Any] = method(**params)
            return answer if streams else _whole(answer, name)

        def once(seconds: float) -> dict[str, Any]:
            begun = time.monotonic()
            try:
                with span(name, within=self._trace, rpc__system="aws-api", cloud__region=region):
                    answer: dict[str, Any] = within(seconds, ask, name, self._deadline.cut)
                note_request(answer)
                return answer
            finally:
                # The name only: parameters and answers hold what nobody may see.
                log.debug("%s %.0f ms", name, (time.monotonic() - begun) * 1000)

        self.calls[name] += 1
        return once

    def client(self, service: str, region: str | None = None) -> Any:
        """The botocore client of a service, made when it is first needed. ``region`` None: our own."""
        key = (service, region)
        if key not in self._clients:
            with self._lock:
                if key not in self._clients:
                    self._clients[key] = self._make_client(service, region or self._region())
        return self._clients[key]

    def _make_client(self, service: str, region: str) -> Any:
        from botocore.config import Config

        session = self._make_session()
        config = Config(
            # Whether a call is made again is decided by ``persist``, which knows how much time there is.
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=self._patience.connect,
            read_timeout=self._patience.read,
            max_pool_connections=40,
            # Given whole, because botocore puts its own together anew for every call.
            user_agent=f"lockstep/{__version__} {session.user_agent()}",
            s3={"addressing_style": "path"} if _is_loopback(_endpoint(session, service)) else None,
        )
        try:
            client = session.create_client(service, region_name=region, config=config)
            client.meta.events.register("before-send", check_on_time)
            client.meta.events.register("before-send", _check_fence)
            return client
        except Exception as error:
            raise self.explain(error, service, "CreateClient") from error

    def _make_session(self) -> Any:
        with self._lock:
            if self._session is None:
                try:
                    session = import_session().Session(profile=self.environment.profile)
                    session.register_component("data_loader", _loader())
                    believe_only_proofs(session)
                    if self.environment.role:
                        _assume(session, self.environment.role, self._region_of(session))
                except Exception as error:
                    raise self.explain(error, "sts", "AssumeRole") from error
                self._session = session
            return self._session

    def _region(self) -> str:
        return self._region_of(self._make_session())

    def _region_of(self, session: Any) -> str:
        # botocore reads AWS_DEFAULT_REGION only; AWS's newer tools, and their users, AWS_REGION.
        region = self.environment.region or os.environ.get("AWS_REGION")
        region = region or session.get_config_variable("region")
        if not region:
            raise BadInput(
                f"no Region is known for the environment {self.environment.name}",
                where="lockstep.yaml",
                fix="write `region: eu-west-1` at the top of lockstep.yaml, or set AWS_REGION",
            )
        return str(region)

    def _limits(self) -> Quotas:
        if self._quotas is None:
            scope = self.scope
            with _QUOTAS_LOCK:
                key = (scope.account, scope.region)
                if key not in _QUOTAS:
                    _QUOTAS[key] = Quotas(self._quota_scale())
                self._quotas = _QUOTAS[key]
        return self._quotas

    @property
    def is_aws(self) -> bool:
        """Whether AWS answers, or what is to be taken for it: where its quotas are asked for."""
        host = urlsplit(self.client("lambda").meta.endpoint_url).hostname or ""
        return host.endswith(_AMAZON) or ("LOCKSTEP_QUOTAS" in os.environ and self._quota_scale() > 0)

    def _quota_scale(self) -> float:
        """AWS's quotas count for AWS; a cloud on this machine has none unless the user asks for them."""
        asked = os.environ.get("LOCKSTEP_QUOTAS")
        if asked is not None:
            try:
                scale = float(asked)
            except ValueError:
                scale = -1.0
            if not 0.0 <= scale <= 1000.0:
                raise BadInput(
                    f"{asked!r} is no share of AWS's quotas",
                    where="LOCKSTEP_QUOTAS",
                    fix="give the share to use, for example 0.5, or 0 for no limit",
                )
            return scale
        return 0.0 if _is_loopback(_endpoint(self._make_session(), "lambda")) else 1.0


class Connections:
    """The connections of a project, shared by environments that live in the same place.

    Once ``stop`` is set no call waits for its turn; ``cut`` is for who only reads: once it is set no call is
    made, or waited for, any more.
    """

    def __init__(
        self,
        stop: threading.Event | None = None,
        patience: Patience | None = None,
        cut: threading.Event | None = None,
    ) -> None:
        self.stop = stop or threading.Event()
        self.deadline = Deadline(cut)
        self._patience = patience
        self._trace = here()
        self._fence = current_fence()  # of the thread that works; connections may be made in others
        self._by_place: dict[tuple[str | None, ...], Connection] = {}

    def get(self, environment: Environment) -> Connection:
        """The connection of an environment; made on first use, without any call."""
        place = (environment.region, environment.account, environment.profile, environment.role)
        if place not in self._by_place:
            with fenced(self._fence):
                self._by_place[place] = Connection(
                    environment, self.stop, self._patience, self.deadline, self._trace
                )
        return self._by_place[place]

    def reading(self, count: int = 0, *, fix: str = _AGAIN) -> AbstractContextManager[None]:
        """Bound what is read in the block together, of so many targets."""
        return self.deadline.reading((self._patience or Patience()).for_targets(count), fix=fix)

    def all(self) -> list[Connection]:
        """Every connection made so far."""
        return list(self._by_place.values())

    @property
    def calls(self) -> Counter[str]:
        """How often each operation was called, over all connections."""
        return sum((connection.calls for connection in self._by_place.values()), Counter())


@functools.cache
def _loader() -> Any:
    """The service models, read once for all accounts and Regions: they are most of a client's cost."""
    import botocore.loaders

    class Models(botocore.loaders.Loader):  # type: ignore[misc]
        """Takes every folder for a service: looking into all 400 takes longer than reading a model."""

        def list_available_services(self, type_name: str) -> list[str]:
            places = [place for place in self.search_paths if os.path.isdir(place)]  # noqa: PTH112
            return sorted({name for place in places for name in os.listdir(place)})  # noqa: PTH208

    own = os.environ.get("AWS_DATA_PATH", "").split(os.pathsep)
    paths = [os.path.expandvars(os.path.expanduser(path)) for path in own if path]  # noqa: PTH111
    return Models(extra_search_paths=paths)


def _check_fence(event_name: str, **_: object) -> None:
    """Last thing before a request goes: none that writes does when what is done is somebody else's by now."""
    if not event_name.rpartition(".")[2].startswith(_READS):
        current_fence()()


def _assume(session: Any, role: str, region: str) -> None:
    """Give the session the credentials of a role, refreshed as long as it runs."""
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )

    def create_client(service: str, **kwargs: Any) -> Any:
        return session.create_client(service, **{**kwargs, "region_name": region})

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=create_client,
        source_credentials=session.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": "lockstep"},
    )
    # botocore offers no public way to set credentials that refresh themselves.
    session._credentials = DeferredRefreshableCredentials(
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )


def _whole(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """An answer with the bytes of what is a stream in it: reading that is part of the call."""
    from botocore.response import StreamingBody

    for member, value in answer.items():
        if isinstance(value, StreamingBody):
            with contextlib.closing(value):  # as a context it is what came, which nobody compares
                data = value.read(_LONGEST_BODY + 1)
                if len(data) <= _LONGEST_BODY:
                    value.read(1)  # at its end botocore compares its length and checksum
            if len(data) > _LONGEST_BODY:
                raise CloudError(
                    f"the answer is longer than {_LONGEST_BODY // 1_000_000} MB",
                    where=name,
                    fix="look what lies there: nothing that lockstep writes or asks for is so long",
                )
            return {**answer, member: data}
    return answer


def _endpoint(session: Any, service: str) -> str | None:
    names = {"lambda": "AWS_ENDPOINT_URL_LAMBDA", "s3": "AWS_ENDPOINT_URL_S3"}
    specific = os.environ.get(names.get(service, ""))
    return specific or os.environ.get("AWS_ENDPOINT_URL") or None


def _is_loopback(url: str | None) -> bool:
    host = urlsplit(url).hostname if url else None
    return host in {"localhost", "::1"} or bool(host and host.startswith("127."))
