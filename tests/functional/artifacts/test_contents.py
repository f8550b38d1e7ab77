"""What a package's summary says."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.artifacts import contents
from lockstep.artifacts.checks import MAX_UNPACKED
from lockstep.artifacts.contents import check_size, find_faults, parts_of, sizes_in
from lockstep.artifacts.package import make_zip_of
from lockstep.errors import ArtifactError
from lockstep.model import Part
from tests.support.wheels import elf

KEY = b"-----BEGIN RSA PRIVATE KEY-----\nabc\n"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nabc\n"


def _faults(folder: Path, architecture: str = "arm64", **files: bytes) -> tuple[str, ...]:
    named = {name.replace("__", "/"): data for name, data in files.items()}
    make_zip_of(named, folder / "x.zip")
    return find_faults(folder / "x.zip", architecture)


def test_files_belong_to_what_they_came_with() -> None:
    """Top folders, single files, and packages of node_modules; the largest first."""
    sizes = {
        "numpy/a.so": 50,
        "numpy/b/c.py": 5,
        "app.py": 7,
        "node_modules/left/index.js": 8,
        "node_modules/@aws/s3/a/b.js": 9,
        "node_modules/@aws/sts/a.js": 1,
        "node_modules/loose.js": 2,
    }
    assert parts_of(sizes) == (
        Part(name="numpy", size=55, files=2),
        Part(name="node_modules/@aws/s3", size=9, files=1),
        Part(name="node_modules/left", size=8, files=1),
        Part(name="app.py", size=7, files=1),
        Part(name="node_modules/loose.js", size=2, files=1),
        Part(name="node_modules/@aws/sts", size=1, files=1),
    )


@given(st.dictionaries(st.text("ab/@", min_size=1).filter(lambda n: n[0] != "/"), st.integers(0, 99)))
def test_no_byte_is_lost(sizes: dict[str, int]) -> None:
    """The parts are all of the files, each once."""
    parts = parts_of(sizes)
    assert sum(part.size for part in parts) == sum(sizes.values())
    assert sum(part.files for part in parts) == len(sizes)
    assert len({part.name for part in parts}) == len(parts)


def test_what_is_too_large_names_what_makes_it_so() -> None:
    """At the limit it is fine; above, the largest parts are told."""
    check_size({"a": MAX_UNPACKED}, origin="app")
    with pytest.raises(ArtifactError) as caught:
        check_size({"torch/a.so": 200 << 20, "scipy/b": 60 << 20, "app.py": 1}, origin="the package of app")
    assert str(caught.value).startswith(
        "the package of app: it unpacks to 260 MB, over Lambda's 250 MB (zip and layers together); "
        "largest: torch 200 MB, scipy 60 MB, app.py 0 MB\n  fix: "
    )


def test_limits_that_are_near_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both limits, made small here: packing 250 MB takes a while."""
    monkeypatch.setattr(contents, "MAX_DIRECT", 50 << 10)
    monkeypatch.setattr(contents, "MAX_UNPACKED", 250 << 10)
    for kilobytes, says in ((30, []), (45, ["at most 50 MB directly"]), (60, ["from S3 only"])):
        found = _faults(tmp_path, a=bytes(kilobytes << 10))
        assert [text in warning for text, warning in zip(says, found, strict=True)] == [True] * len(says)
    near, direct = _faults(tmp_path, a=bytes(210 << 10))
    assert "Lambda's limit is 250 MB, layers included" in near
    assert "from S3 only" in direct


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (".env", b"A=1"),
        ("app/.env.production", b"A=1"),
        (".aws/credentials", b"x"),
        ("lib/.git/config", b"x"),
        (".ssh/known_hosts", b"x"),
        ("keys/id_rsa", b"x"),
        ("id_ed25519", b"x"),
        (".npmrc", b"x"),
        ("a/.pypirc", b"x"),
        (".netrc", b"x"),
        ("store.p12", b"x"),
        ("terraform.tfstate", b"{}"),
        ("server.pem", CERTIFICATE + KEY),
        ("server.key", KEY),
        ("config/signing", KEY),
    ],
)
def test_what_looks_secret_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    """By name, or by a private key in it."""
    (warning,) = _faults(tmp_path, **{name: data})
    assert warning == f"{name}: looks secret and is in the package; leave it out (build.exclude)"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("certifi/cacert.pem", CERTIFICATE),
        ("app/environment.py", b"x"),
        (".env.example", b"A="),
        ("env", b"x"),
        ("git/x", b"x"),
        ("translations/en.key", b"hello"),
        ("id_rsa.pub", b"ssh-rsa"),
    ],
)
def test_what_only_sounds_like_it_is_not(tmp_path: Path, name: str, data: bytes) -> None:
    """Certificates and examples belong into packages."""
    assert _faults(tmp_path, **{name: data}) == ()


def test_programs_for_another_machine_are_named(tmp_path: Path) -> None:
    """Lambda would find out when the function is called."""
    files = {"a.so": elf("arm64"), "b.so": elf("x86_64"), "c.node": elf("x86_64"), "d": b"\x7fELF"}
    (warning,) = _faults(tmp_path, "arm64", **files)
    assert warning.startswith("b.so, c.node: is a program for another machine than the function's, arm64")
    (warning,) = _faults(tmp_path, "x86_64", **files)
    assert warning.startswith("a.so: ")


def test_pointers_of_git_lfs_are_named(tmp_path: Path) -> None:
    """A model that was never fetched."""
    (warning,) = _faults(
        tmp_path, model=b"version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 9\n"
    )
    assert warning.startswith("model: is a pointer of Git LFS, not the file itself; git lfs install")


def test_many_files_with_one_fault_are_counted(tmp_path: Path) -> None:
    """Three are named."""
    (warning,) = _faults(tmp_path, **{f"{number}.p12": b"x" for number in range(5)})
    assert warning.startswith("0.p12, 1.p12, 2.p12 (and 2 more): looks secret")


def test_sizes_are_those_unpacked(tmp_path: Path) -> None:
    """Of files, not of folders."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/", b"")
        archive.writestr("a/b", bytes(5000))
    assert sizes_in(tmp_path / "x.zip") == {"a/b": 5000}
