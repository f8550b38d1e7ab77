"""``lambdaVersion`` at the top of a file: what other tools write is the version, wherever it matters."""

import pytest

from lockstep.config.explain import explain
from lockstep.config.load import load
from lockstep.config.past import said_by
from lockstep.errors import BadInput, BadInputs
from tests.unit.config.conftest import STAGING_FILE, sample
from tests.unit.config.test_declaration import DIGEST, move, written

KEY = "staging/s3-notifier"
SHORT = """\
serviceName: s3-notifier
envName: staging
lambdaVersion: "0.1.5"
lambda:
  functionName: "syrfAppUploadS3Notifier-staging"
"""
ALONE = 'serviceName: s3-notifier\nenvName: staging\nlambdaVersion: "0.1.5"\n'


def test_it_is_the_version_of_the_target() -> None:
    """With its own line, and as the declaration of a function that has its name elsewhere."""
    loaded = load(sample({STAGING_FILE: SHORT}))
    target = loaded.fleet.targets[KEY]
    assert (target.version, target.place) == ("0.1.5", f"{STAGING_FILE}:3")
    values = "lambda: {functionName: 'x-{env}', runtime: dotnet8, handler: a, role: r}\n"
    tree = sample({STAGING_FILE: ALONE, "syrf/services/s3-notifier/values.yaml": values})
    assert load(tree).fleet.targets[KEY].version == "0.1.5"
    (explained,) = explain(tree, load(tree).project, KEY, "lambda.version")
    assert [origin.place for origin in explained.origins] == [f"{STAGING_FILE}:3"]


def test_a_new_version_is_written_where_the_old_one_stands() -> None:
    """And nothing else of the file changes but the pin."""
    (text,) = written(sample({STAGING_FILE: SHORT}), move(KEY, "0.1.7")).values()
    assert text == SHORT.replace("0.1.5", "0.1.7")
    (text,) = written(sample({STAGING_FILE: SHORT}), move(KEY, "0.1.7", sha256=DIGEST)).values()
    assert 'lambdaVersion: "0.1.7"' in text
    assert DIGEST in text


def test_said_twice_it_has_to_agree() -> None:
    """Two versions in one file are an error at the line; the same one twice is moved in both places."""
    both = SHORT.replace("lambda:\n", 'lambda:\n  version: "0.1.6"\n')
    with pytest.raises(BadInput, match="name two versions") as caught:
        load(sample({STAGING_FILE: both}))
    assert caught.value.where == f"{STAGING_FILE}:3"
    same = both.replace("0.1.6", "0.1.5")
    (text,) = written(sample({STAGING_FILE: same}), move(KEY, "0.1.7")).values()
    assert text == same.replace("0.1.5", "0.1.7")


def test_a_number_is_refused_as_it_is_below_lambda() -> None:
    """0.10 without quotes is another version."""
    with pytest.raises((BadInput, BadInputs), match=r"0\.10 without quotes"):
        load(sample({STAGING_FILE: SHORT.replace('"0.1.5"', "0.10")}))


def test_history_reads_it() -> None:
    """An old state of the file says which version it was."""
    assert said_by(SHORT.encode(), STAGING_FILE, "s3-notifier").version == "0.1.5"
