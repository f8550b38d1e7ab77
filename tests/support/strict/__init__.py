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
"""

from tests.support.strict.faults import Fault, Faults, Mode
from tests.support.strict.notifications import Notifications
from tests.support.strict.proxy import Call, Proxy, Rule

__all__ = ["Call", "Fault", "Faults", "Mode", "Notifications", "Proxy", "Rule"]
