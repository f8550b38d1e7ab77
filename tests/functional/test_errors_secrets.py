"""Nothing secret leaves the engine: no output, log, exception, repr, event or file shows it."""

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator

import pytest

from lockstep.errors import LockstepError
from lockstep.model import Reference, Secret
from lockstep.render.codec import encode_plan
from tests.attack.spelling import SPELLINGS, readings
from tests.strict import Call, Notifications
from tests.strict.proxy import Rule
from tests.strict.wire import Answer
from tests.support.clouds import Cloud, make_function
from tests.support.engine import Lab, Refuse
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger

KEY, NAME = "staging/notifier", "notifier-staging"
PARAMETER, STORED, LITERAL, LIVE = "pArAm3ter-Xq", "st0red-Yw", "l1teral-Zv", "l1ve-Ku"
SIGNATURE = "X-Amz-Signature"
HIDDEN = (PARAMETER, STORED, LITERAL, LIVE, SIGNATURE, "presigned.example")


class Presigned(Rule):
    """GetFunction's Code.Location is a URL that lets anybody download the code, as on AWS."""

    def after(self, call: Call, answer: Answer) -> Answer:
        """Put such a URL into the answer."""
        if call.name == "lambda.GetFunction" and answer.is_success:
            url = b'"Location": "https://presigned.example/?X-Amz-Signature=abc", "RepositoryType"'
            answer.body = answer.body.replace(b'"RepositoryType"', url, 1)
        return answer


@pytest.fixture
def seen() -> Iterator[io.StringIO]:
    """Everything that this project's code logs, at debug level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("lockstep")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def declared(**more: str) -> object:
    """Return a fleet with secrets of all kinds."""
    variables = {
        "PARAMETER": Reference(store="ssm", name="/shop/p"),
        "STORED": Reference(store="secret", name="shop/s"),
        "API_PASSWORD": Secret(LITERAL),
        "PLAIN": "plain",
        **more,
    }
    return make_fleet(make_target(KEY, trigger("x/"), settings={"environment": variables}))


def fill(lab: Lab) -> None:
    """Write the stored values."""
    lab.client("ssm").put_parameter(Name="/shop/p", Value=PARAMETER, Type="SecureString")
    lab.client("secretsmanager").create_secret(Name="shop/s", SecretString=STORED)


def assert_hidden(*texts: object) -> None:
    """None of the texts holds any of the secrets."""
    for text in texts:
        assert not [one for one in HIDDEN if one in str(text)], text


def test_a_whole_run_shows_no_secret(
    cloud: Cloud,
    lab_on: Callable[..., Lab],
    seen: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Plan, events, report, live fleet and saved plan of creation, drift and update hold no secret."""
    lab = lab_on(cloud, Presigned(), Notifications())
    fill(lab)
    run = lab.sync(declared())
    assert_hidden(run, run.plan, run.report, run.told, run.engine.live, repr(run.engine.__dict__))
    assert_hidden(encode_plan(run.plan))
    lab.somebody("lambda").update_function_configuration(
        FunctionName=NAME,
        Environment={"Variables": {"API_PASSWORD": LIVE, "SOMEBODYS": LIVE, "PLAIN": "plain"}},
    )
    lab.settle(NAME)
    plan = lab.plan(declared())
    assert {change.path for change in plan.targets[0].changes} == {
        "environment.PARAMETER",
        "environment.STORED",
        "environment.API_PASSWORD",
        "environment.SOMEBODYS",
    }
    assert_hidden(plan, encode_plan(plan))
    run = lab.sync(declared(PLAIN="other"))
    assert_hidden(run, run.engine.live, encode_plan(run.plan), seen.getvalue(), *capfd.readouterr())


@pytest.mark.parametrize("name", ["lambda.CreateFunction", "lambda.UpdateFunctionConfiguration"])
def test_an_error_that_repeats_the_request_shows_no_secret(
    cloud: Cloud, lab_on: Callable[..., Lab], seen: io.StringIO, name: str
) -> None:
    """AWS's message may quote what was sent; the step's error does not, nor does its repr."""
    message = f"Value {{A={PARAMETER}, B={STORED}, C={LITERAL}}} at 'environment' is not valid"
    refuse = Refuse(name, "ValidationException", message, times=1)
    lab = lab_on(cloud, refuse)
    fill(lab)
    if name.endswith("Configuration"):
        make_function(cloud, NAME)
    run = lab.run(declared(), adopt=True)
    assert refuse.refused == 1
    assert "is not valid" in run.error
    assert_hidden(run, run.error, seen.getvalue())


def test_an_exception_shows_no_secret_in_its_words(
    cloud: Cloud, lab_on: Callable[..., Lab], seen: io.StringIO
) -> None:
    """An error that ends a plan carries no value in message, repr, fields or args."""
    message = f"not possible for {PARAMETER} and {STORED}"
    lab = lab_on(cloud, Refuse("tagging.GetResources", "InvalidParameterValueException", message))
    fill(lab)
    lab.client("s3").delete_bucket(Bucket=UPLOADS)
    with pytest.raises(LockstepError) as caught:
        lab.plan(declared())
    error = caught.value
    assert "not possible for (secret) and (secret)" in str(error)
    assert_hidden(error, repr(error), error.args, vars(error), seen.getvalue())
    assert_hidden("".join(traceback.format_exception(error, chain=False)))


def test_a_target_that_could_not_be_read_shows_no_secret(
    cloud: Cloud, lab_on: Callable[..., Lab], seen: io.StringIO
) -> None:
    """What AWS says of one target stands in the plan without the values that it repeats."""
    message = f"not possible for {PARAMETER} and {STORED}"
    lab = lab_on(cloud, Refuse("lambda.GetFunction", "InvalidParameterValueException", message))
    fill(lab)
    (one,) = lab.plan(declared()).targets
    assert "not possible for (secret) and (secret)" in str(one.problem)
    assert_hidden(one, repr(one), seen.getvalue())


def test_a_short_secret_does_not_blot_out_other_words(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A value such as "no" is masked where it stands by itself, and other words stay readable."""
    lab = lab_on(cloud, Refuse("lambda.CreateFunction", "ValidationException", "cannot take 'no' for now"))
    lab.client("ssm").put_parameter(Name="/shop/p", Value="no", Type="String")
    variables = {"P": Reference(store="ssm", name="/shop/p")}
    run = lab.run(make_fleet(make_target(KEY, settings={"environment": variables})))
    assert "cannot take '(secret)' for now" in run.error


@pytest.mark.parametrize("name", SPELLINGS)
def test_an_error_shows_no_spelling_of_a_secret(
    moto: Cloud, lab_on: Callable[..., Lab], seen: io.StringIO, name: str
) -> None:
    """AWS, or a proxy before it, quotes what was sent in its own way; also one field of a document."""
    password = 'hu"nt/er2 & <co>'
    document = json.dumps({"user": "app", "password": password})
    spelled = SPELLINGS[name](password)
    refuse = Refuse("lambda.CreateFunction", "ValidationException", f"cannot take <<{spelled}>> now")
    lab = lab_on(moto, refuse)
    lab.client("secretsmanager").create_secret(Name="shop/s", SecretString=document)
    variables = {"P": Reference(store="secret", name="shop/s")}
    run = lab.run(make_fleet(make_target(KEY, settings={"environment": variables})))
    assert refuse.refused == 1
    assert "cannot take <<" in run.error
    assert not [text for text in readings(f"{run.error} {run!r} {seen.getvalue()}") if password in text]
    assert spelled not in run.error


def test_variables_that_are_too_large_with_their_values_are_never_sent(
    moto: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """Lambda's refusal quotes all of them; so it is known before, and names the target alone."""
    lab = lab_on(moto)
    lab.client("ssm").put_parameter(Name="/shop/p", Value="x" * 4_000, Type="String")
    variables = {"PARAMETER": Reference(store="ssm", name="/shop/p"), "PLAIN": "y" * 100}
    plan = lab.plan(make_fleet(make_target(KEY, settings={"environment": variables})))
    (one,) = plan.targets
    assert "4,114 bytes with the values that they refer to; Lambda allows 4,096" in str(one.problem)
    assert plan.steps == ()
