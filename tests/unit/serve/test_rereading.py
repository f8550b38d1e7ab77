"""The controller's file, changed while it runs."""

import threading
import time
from pathlib import Path

import pytest

from lockstep.delivery.places.forges import Credentials
from lockstep.model.roles import Role, Who
from lockstep.serve.file import read_serve_file
from lockstep.serve.following import Follower
from lockstep.serve.rereading import Rereader

TEXT = "projects: {shop: {repository: 'https://git.example.org/shop.git', roles: {developers: [sync]}}}\n"
WHO = Who(name="Ada", groups=frozenset({"developers"}))


@pytest.mark.parametrize(
    ("text", "may", "says"),
    [
        (TEXT.replace("[sync]", "[view]"), False, "who may what is as the file says now"),
        (f"poll: 5s\n{TEXT}".replace("[sync]", "[view]"), False, "counts from the next start"),
        (TEXT.replace("[sync]", "[synk]"), True, "the file is wrong"),
        (None, True, "the file is wrong"),
    ],
)
def test_rights_are_those_of_the_file_and_what_is_wrong_changes_none(
    tmp_path: Path, text: str | None, may: bool, says: str
) -> None:
    """Once for each change; a token that is taken out is not taken any more."""
    path = tmp_path / "lockstep-serve.yaml"
    token = f"tokens: {{ci: {{sha256: {64 * 'a'}, expires: '2999-01-01'}}}}\n"
    path.write_text(token + TEXT)
    settings = read_serve_file(path, {})
    follower = Follower(
        settings.projects[0],
        data=tmp_path,
        credentials=Credentials(cache=tmp_path),
        tell=pytest.fail,
        clock=time.monotonic,
        stop=threading.Event(),
    )
    said: list[str] = []
    rereader = Rereader(settings, {}, [follower], tell=said.append, stop=threading.Event())
    rereader.step()
    assert not said
    path.unlink()
    if text is not None:
        path.write_text(text)
    rereader.step()
    rereader.step()
    assert follower.project.grants.may(WHO, Role.SYNC, "staging") is may
    assert len(rereader.access.tokens) == int(may)
    (line,) = said
    assert says in line
    assert follower.project.poll == 60
