"""A strict AWS for tests: a proxy in front of either emulator that answers as AWS documents.

Switch on what a test is about, one rule each, in the order in which calls should meet them::

    def test_something(cloud: Cloud, strict: Strict) -> None:
        aws = strict(cloud, Notifications())         # an endpoint with rules
        lockstep("sync", env=aws.environment())      # or clients.client(aws, "lambda")
        assert aws.counts()["lambda.CreateFunction"] == 3

``strict`` is a fixture (tests/conftest.py); the proxy it returns is closed after the test. Outside of
pytest: ``with Proxy(cloud, Notifications()) as aws``.

- ``aws.calls``: every request as ``Call`` (number, mutation, name "s3.PutObject", params, status,
  summary); ``aws.counts(mutating=None|True|False)``, ``aws.named("lambda.GetPolicy")``,
  ``aws.forget()`` starts counting again at 1.
- ``aws.on_call(k, callback, when="before"|"after", counting="all"|"mutating")``: the callback runs
  exactly before call k reaches the emulator or after it took effect; it may kill the client::

      aws.on_call(7, lambda call: os.kill(process.pid, signal.SIGKILL), counting="mutating")

- Faults: ``Faults(Fault(mode="error_after", at=3))`` fails the third mutating call after it took
  effect. Modes: see ``Mode``. ``persist=True`` fails the retries of that request too, so that the
  client gives up. ``operation="lambda.AddPermission"`` chooses by name (``at`` counts within it).
  Put ``Faults`` first.

The rules, in the order in which ``everything()`` puts them:

======================  ====================================================================
``Faults``              failures by schedule
``Quotas``              429 above AWS's rates (``scale``, ``burst``; ``throttled`` counts)
``Revisions``           412 for a stale RevisionId, on both emulators
``ListingLag``          ListFunctions and GetResources are ``calls`` behind
``Pages``               50 functions a page without State; 50 to 100 tagged resources a page
``UpdatesInProgress``   Pending and InProgress for ``calls`` looks, 409 meanwhile; ``fail={...}``
``RoleLag``             "cannot be assumed" for ``calls`` attempts after CreateRole
``PermissionLag``       "Unable to validate" for ``calls`` attempts after AddPermission
``Notifications``       S3's validation, overlap, ExpectedBucketOwner, EventBridge kept
``Statements``          409 for a statement id that is there, 404 for one that is not
``Versions``            versions take time or fail; aliases of what there is, weights as AWS takes and draws
``Provisioned``         provisioned concurrency takes time or fails, and AWS holds an alias's calls back
``Checksums``           ``BadDigest`` for an upload whose SHA-256 is not that of its bytes
``Limits``              the model's patterns and ranges, and what does not go together
``UnpackedSize``        code and layers together, at each of the two updates
``BlockedRuntimes``     no function of these is created or updated
``RoleExists``, ``PackageExists``, ``KnownRuntime``, ``DryRun``   as their names say
``FilledIn``            defaults that AWS fills in; what it does not keep
``KeptPackage``         the key of a package and whether it is a copy, as the last call with code said
``CodeSigning``         code signing configurations, with the calls that moto does not know
``Managed``             recursive loop detection and runtime management, which no emulator has
``Mappings``            event source mappings: states for ``calls`` looks, 409 and ResourceInUse meanwhile
``Trail``               who wrote aliases, as CloudTrail tells it
``EventRules``          EventBridge: no rule goes with its targets, a sixth target fails in a 200
``Schedules``           EventBridge Scheduler: expressions, time zones and windows have to be some
``LogFilters``          CloudWatch Logs: who may not call subscribes nothing, two filters a group
``Topics``              SNS: an endpoint is subscribed once, policies have lists, queues and topics are there
``HttpRoutes``          HTTP APIs: one route of a key, and no integration goes that a route calls
======================  ====================================================================

``strict(cloud, *everything())`` is the strictest AWS without throttling; add ``quotas=1.0`` for AWS's
own rates. Rules keep state: make new ones for each proxy.
"""

from tests.strict.faults import Fault, Faults, Mode
from tests.strict.functions import DryRun, KnownRuntime, PackageExists, RoleExists, Statements
from tests.strict.lag import ListingLag, PermissionLag, RoleLag
from tests.strict.limits import Limits
from tests.strict.log_filters import LogFilters
from tests.strict.mappings import Mappings
from tests.strict.notifications import Notifications
from tests.strict.objects import Checksums
from tests.strict.pages import Pages
from tests.strict.provisioned import Provisioned
from tests.strict.proxy import Call, Proxy, Rule
from tests.strict.quotas import Quotas
from tests.strict.revisions import Revisions
from tests.strict.routes import HttpRoutes
from tests.strict.rules import EventRules
from tests.strict.schedules import Schedules
from tests.strict.settings import CodeSigning, FilledIn, KeptPackage, Managed
from tests.strict.sizes import BlockedRuntimes, UnpackedSize
from tests.strict.topics import Topics
from tests.strict.trails import Trail
from tests.strict.updates import UpdatesInProgress
from tests.strict.versions import Versions

__all__ = [
    "BlockedRuntimes",
    "Call",
    "Checksums",
    "CodeSigning",
    "DryRun",
    "EventRules",
    "Fault",
    "Faults",
    "FilledIn",
    "HttpRoutes",
    "KeptPackage",
    "KnownRuntime",
    "Limits",
    "ListingLag",
    "LogFilters",
    "Managed",
    "Mappings",
    "Mode",
    "Notifications",
    "PackageExists",
    "Pages",
    "PermissionLag",
    "Provisioned",
    "Proxy",
    "Quotas",
    "Revisions",
    "RoleExists",
    "RoleLag",
    "Rule",
    "Schedules",
    "Statements",
    "Topics",
    "Trail",
    "UnpackedSize",
    "UpdatesInProgress",
    "Versions",
    "everything",
]


def everything(*faults: Fault, lag: int = 1, quotas: float | None = None) -> tuple[Rule, ...]:
    """Return every rule in its right order; ``lag`` is for all delays in calls, ``quotas`` a scale."""
    return (
        Faults(*faults),
        *((Quotas(scale=quotas),) if quotas is not None else ()),
        Revisions(),
        ListingLag(calls=lag),
        Pages(),
        UpdatesInProgress(calls=lag),
        RoleLag(calls=lag),
        PermissionLag(calls=lag),
        Notifications(),
        Statements(),
        Versions(calls=lag),
        Provisioned(calls=lag),
        Checksums(),
        RoleExists(),
        PackageExists(),
        KnownRuntime(),
        Limits(),
        DryRun(),
        FilledIn(),
        KeptPackage(),
        CodeSigning(),
        Managed(),
        Mappings(calls=lag),
        EventRules(),
        Schedules(),
        Topics(),
        HttpRoutes(),
        LogFilters(calls=lag),
    )
