"""Tags that AWS does not tell are not the same as no tags."""

import json
from collections.abc import Callable

from lockstep.model import SyncStatus, Verb
from tests.strict import Call, everything
from tests.strict.proxy import Rule
from tests.strict.wire import Answer
from tests.support.clouds import Cloud, make_function
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target


class NoListTags(Rule):
    """GetFunction as AWS answers it to a caller without lambda:ListTags: no tags, and why."""

    def after(self, call: Call, answer: Answer) -> Answer:
        """Take the tags out of the answer."""
        if call.name != "lambda.GetFunction" or not answer.is_success:
            return answer
        body = json.loads(answer.body)
        body.pop("Tags", None)
        body["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": "not authorized"}
        text = json.dumps(body).encode()
        headers = {**answer.headers, "content-length": str(len(text))}
        return Answer(status=answer.status, headers=headers, body=text)


def test_unread_tags_are_an_error_and_never_no_owner(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Without lambda:ListTags another project's function would look like nobody's; the plan says so."""
    lab = lab_on(cloud, NoListTags(), *everything())
    tags = {"lockstep:project": "other", "lockstep:target": "staging/notifier"}
    make_function(cloud, "notifier-staging", Tags=tags)
    desired = make_fleet(make_target("staging/notifier", name="notifier-staging"))
    (one,) = lab.engine(adopt=True).preview(desired).plan.targets
    assert (one.verb, one.status) == (Verb.UNKNOWN, SyncStatus.UNKNOWN)
    assert "allow lambda:ListTags" in str(one.problem)
