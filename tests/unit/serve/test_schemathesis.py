"""The API's description, held against the API by schemathesis: by what it allows, and by what it does not."""

import datetime
from collections.abc import Mapping

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from starlette.types import ASGIApp

from lockstep.model import SyncStatus
from lockstep.model.roles import Grants, Role
from lockstep.serve.access import Access, Token, digest_of, new_token
from lockstep.serve.following import Follower
from lockstep.serve.recording import Recorder
from lockstep.serve.web.admission import Admission
from lockstep.serve.web.app import make_app
from lockstep.store.history import History
from tests.unit.serve.test_deciding import row
from tests.unit.serve.test_openapi import DOCUMENT
from tests.unit.serve.test_page import follower, saw
from tests.unit.serve.test_past import RUN, history

__all__ = ["follower", "history"]

ADDRESS = "/api/v1/openapi.json"
NAMES: Mapping[str, str] = {"project": "shop", "target": "staging/api", "run": RUN.id}
TOKEN = new_token()
EXAMPLES = 5  # of each operation and mode: with 40, two seeds found nothing either
OPERATIONS = {
    f"{method.upper()} {path}"
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if path != ADDRESS  # which schemathesis has it from
}


@pytest.fixture
def app(follower: Follower, history: History) -> ASGIApp:
    """An API with something in it, of which nobody sees anything without a token, and with one all."""
    follower._recorder = Recorder(history, keep=1e9)
    saw(follower, row("staging/api", SyncStatus.OUT_OF_SYNC), row("production/api", SyncStatus.UNKNOWN))
    token = Token(name="ci", digest=digest_of(TOKEN), groups=frozenset({"all"}), expires=datetime.date.max)
    grants = Grants(everywhere={"all": frozenset(Role)})
    access = Access(tokens=(token,), anybody=frozenset(), grants=grants)
    return make_app([follower], history, secret=None, admission=Admission(access, history.sessions, None))


def test_what_is_asked_is_answered_as_described(app: ASGIApp) -> None:
    """Of what is there and what is not, of what makes sense and what does not, with a token and without."""
    headers = {"host": "127.0.0.1"}
    schema = schemathesis.openapi.from_asgi(ADDRESS, app, headers=headers)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert {one.label for one in operations} == OPERATIONS

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[*HealthCheck], database=None)
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(strategy)
        if mode is GenerationMode.POSITIVE and data.draw(st.booleans()):
            for given in (case.path_parameters, case.query, case.body):
                if isinstance(given, dict):
                    given.update({name: NAMES[name] for name in given if name in NAMES})
        known = {"authorization": f"Bearer {TOKEN}"} if data.draw(st.booleans()) else {}
        case.call_and_validate(headers=headers | known)

    for operation in operations:
        for mode in GenerationMode:
            if mode is GenerationMode.POSITIVE or operation.query or operation.body:  # a name can be any text
                strategy = operation.as_strategy(generation_mode=mode)
                ask()
