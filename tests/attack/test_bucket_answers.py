"""A bucket that others use too: what is wrong at one of its readings costs nobody an entry."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.errors import LockstepError
from tests.attack.hostile import Answer as Wrong
from tests.strict import Call, Proxy, Rule
from tests.strict.wire import Answer
from tests.support.clouds import make_queue
from tests.support.engine import Lab, prepare
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger

GET = "s3.GetBucketNotificationConfiguration"
XML = {"content-type": "application/xml", "x-amz-request-id": "1"}
WRONG = {
    "a page of a proxy": Wrong(
        body=b"<html><body>Sign in</body></html>", headers={"content-type": "text/html"}
    ),
    "nothing": Wrong(headers=XML),
    "another document": Wrong(body=b"<ListBucketResult><Name>x</Name></ListBucketResult>", headers=XML),
    "half a document": Wrong(body=b"<NotificationConfiguration><QueueConf", headers=XML),
    "no entries": Wrong(body=b"<NotificationConfiguration/>", headers=XML),
}


class Once(Rule):
    """One reading of the notifications, counted from 1, has a wrong answer."""

    def __init__(self, number: int, says: Wrong) -> None:
        self._number, self._says, self._seen = number, says, 0

    def before(self, call: Call) -> Answer | None:
        """Answer in place of S3."""
        if call.name != GET:
            return None
        self._seen += 1
        if self._seen != self._number:
            return None
        return Answer(status=self._says.status, headers=dict(self._says.headers), body=self._says.body)


@pytest.fixture
def lab(
    strict: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch, moto: object, tmp_path: Path
) -> Callable[..., Lab]:
    """A lab on moto, with rules."""

    def make(*rules: Rule) -> Lab:
        aws = strict(moto, *rules)
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        return prepare(aws, tmp_path)

    return make


@pytest.mark.parametrize("number", [1, 2, 3], ids=["the plan's", "before the write", "the read-back"])
@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_answer_costs_nobody_an_entry(lab: Callable[..., Lab], name: str, number: int) -> None:
    """Whichever reading is answered wrongly: what others made is there afterwards, and the next run mends."""
    here = lab(Once(number + 1, WRONG[name]))  # the first reading is this test's own
    queue = make_queue(here.aws.behind, "audit")
    foreign = {"Id": "audit", "QueueArn": queue, "Events": ["s3:ObjectRemoved:*"]}
    here.put_notifications({"QueueConfigurations": [foreign]})
    assert len(here.notifications()["QueueConfigurations"]) == 1
    fleet = make_fleet(make_target("staging/a", trigger("a/")))
    with contextlib.suppress(LockstepError):
        run = here.run(fleet)
        assert not any("bug" in text for text in run.failures.values())
    found = here.notifications(UPLOADS)
    assert [one["Id"] for one in found["QueueConfigurations"]] == ["audit"]
    here.sync(fleet)
    assert [one["Id"] for one in here.notifications(UPLOADS)["QueueConfigurations"]] == ["audit"]
