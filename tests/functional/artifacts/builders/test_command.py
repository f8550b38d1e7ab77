"""The builder that runs a command."""

import threading
import zipfile
from pathlib import Path

import pytest

from lockstep.errors import ArtifactError, BadInput, Interrupted
from tests.functional.artifacts.builders.conftest import Shop, contents
from tests.support.waiting import until


def test_a_commands_output_is_packed(shop: Shop) -> None:
    """It runs in the source's folder and knows what it builds."""
    command = (
        'mkdir -p "$LOCKSTEP_OUTPUT" && echo "$LOCKSTEP_SERVICE $LOCKSTEP_VERSION [$LOCKSTEP_COMMIT]'
        ' $SOURCE_DATE_EPOCH" > "$LOCKSTEP_OUTPUT/about" && cp main.sh dist/'
    )
    shop.write("main.sh", "echo\n").chmod(0o755)
    built = shop.build("command", command=command, output="dist", version="1.2.3")
    assert contents(built) == {"about": b"app 1.2.3 [] 315532800\n", "main.sh": b"echo\n"}
    with zipfile.ZipFile(built.path) as archive:
        assert archive.getinfo("main.sh").external_attr >> 16 & 0o777 == 0o755


def test_a_zip_that_a_command_makes_is_packed_anew(shop: Shop) -> None:
    """It holds the time of the build; two builds still give the same bytes."""
    script = shop.write(
        "pack.py",
        "import sys, zipfile\n"
        "with zipfile.ZipFile('out.zip', 'w', zipfile.ZIP_DEFLATED) as archive:\n"
        "    for name in sys.argv[2:]:\n"
        "        time = (2000 + int(sys.argv[1]), 1, 1, 0, 0, 0)\n"
        "        archive.writestr(zipfile.ZipInfo(name, time), 'x' * 99)\n",
    )
    made = [
        shop.build("command", command=f"python3 {script.name} {year} {names}", output="out.zip", into=into)
        for year, names, into in ((1, "b a/c skip/d", "1.zip"), (2, "a/c skip/d b", "2.zip"))
    ]
    assert made[0].sha256 == made[1].sha256
    assert list(contents(made[0])) == ["a/c", "b", "skip/d"]
    left = shop.build("command", command="true", output="out.zip", exclude=("skip",))
    assert list(contents(left)) == ["a/c", "b"]


def test_a_command_that_fails_shows_what_it_said(shop: Shop) -> None:
    """And nothing is packed."""
    with pytest.raises(ArtifactError) as caught:
        shop.build("command", command="echo no rule >&2; exit 2", output="dist")
    assert str(caught.value) == (
        "running `echo no rule >&2; exit 2` in src/app: sh ended with exit code 2; its last lines:\n"
        "    no rule\n"
        "  fix: run it there yourself to see more"
    )
    assert not (shop.root / "out.zip").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("true", r"lockstep\.yaml:4: there is no output 'dist' in src/app"),
        ("mkdir dist", r"lockstep\.yaml:4: the package of app would be empty"),
        ("ln -s /etc dist", r"output 'dist' leads out of the repository"),
        ("mkdir dist; ln -s /etc/hostname dist/a", "is a link that leads"),
    ],
)
def test_an_output_that_cannot_be_packed_is_told(shop: Shop, command: str, says: str) -> None:
    """Missing, empty, or outside the repository."""
    with pytest.raises(BadInput, match=says):
        shop.build("command", command=command, output="dist")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("echo text > out.zip", "src/app/out.zip: this is not a zip"),
        (
            "python3 -c \"import zipfile; zipfile.ZipFile('out.zip','w').writestr('../x','')\"",
            "src/app/out.zip: the name ../x leads out of the package",
        ),
    ],
)
def test_a_zip_that_is_none_is_told(shop: Shop, command: str, says: str) -> None:
    """It is checked before it is unpacked."""
    with pytest.raises(ArtifactError, match=says):
        shop.build("command", command=command, output="out.zip")


def test_a_stop_ends_the_command(shop: Shop) -> None:
    """And leaves no package."""
    stop = threading.Event()
    raised: list[BaseException] = []

    def build() -> None:
        try:
            shop.build("command", command="touch started; sleep 600", output="dist", stop=stop)
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    until(lambda: (shop.folder / "started").exists())
    stop.set()
    thread.join(20)
    assert isinstance(raised[0], Interrupted)
    assert not (shop.root / "out.zip").exists()


def test_a_build_writes_its_package_whole_or_not_at_all(shop: Shop, tmp_path: Path) -> None:
    """An earlier package stays when the next build fails, and no other file is left beside it."""
    folder = tmp_path / "packages"
    folder.mkdir()
    target = folder / "app.zip"
    shop.build("command", command="mkdir -p dist; echo 1 > dist/a", output="dist", into=str(target))
    before = target.read_bytes()
    with pytest.raises(ArtifactError):
        shop.build("command", command="false", output="dist", into=str(target))
    assert target.read_bytes() == before
    assert list(folder.iterdir()) == [target]
