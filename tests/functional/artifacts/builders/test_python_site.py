"""What an installer wrote, without what it says of this machine."""

import csv
from pathlib import Path

import pytest

from lockstep.artifacts.builders.python_install import PythonRuntime
from lockstep.artifacts.builders.python_site import fixed_names, installed, tidy, unfit

ARM = PythonRuntime(version="3.13", architecture="arm64")


def _dist(site: Path, name: str, *tags: str) -> Path:
    info = site / f"{name}.dist-info"
    info.mkdir(parents=True)
    (info / "WHEEL").write_text("Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))
    return info


@pytest.mark.parametrize(
    ("tags", "fits"),
    [
        (["py3-none-any"], True),
        (["py2-none-any", "py3-none-any"], True),
        (["py38-none-any"], True),
        (["cp313-cp313-manylinux_2_28_aarch64"], True),
        (["cp313-cp313-manylinux2014_aarch64", "cp313-cp313-manylinux_2_17_aarch64"], True),
        (["cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64"], True),
        (["cp38-abi3-manylinux_2_34_aarch64"], True),
        (["cp313-cp313-linux_aarch64"], True),
        ([], True),
        (["py2-none-any"], False),
        (["py314-none-any"], False),
        (["cp312-cp312-manylinux_2_28_aarch64"], False),
        (["cp313-cp313t-manylinux_2_28_aarch64"], False),
        (["cp314-abi3-manylinux_2_28_aarch64"], False),
        (["cp313-cp313-manylinux_2_28_x86_64"], False),
        (["cp313-cp313-manylinux_2_39_aarch64"], False),
        (["cp313-cp313-musllinux_1_2_aarch64"], False),
        (["cp313-cp313-macosx_11_0_arm64"], False),
    ],
)
def test_tags_tell_whether_a_wheel_fits(tmp_path: Path, tags: list[str], fits: bool) -> None:
    """Python, ABI and platform; a distribution without tags is not judged."""
    _dist(tmp_path, "Some_Thing-1.0", *tags)
    assert unfit(tmp_path, ARM.version, ARM.platforms) == ([] if fits else [("some-thing", "1.0")])


def test_platforms_are_those_of_the_runtime() -> None:
    """Amazon Linux 2 until Python 3.11, Amazon Linux 2023 since; the newest first."""
    assert ARM.platforms[0] == "manylinux_2_34_aarch64"
    assert ARM.platforms[-3:] == ["manylinux_2_17_aarch64", "manylinux2014_aarch64", "linux_aarch64"]
    old = PythonRuntime(version="3.11", architecture="x86_64").platforms
    assert (old[0], old[1], old[-1]) == ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "linux_x86_64")
    assert "manylinux_2_5_x86_64" in old


def test_two_installers_leave_the_same(tmp_path: Path) -> None:
    """Notes, scripts and caches go, RECORD is of what is left, in one order."""
    for kind in ("pip", "uv"):
        site = tmp_path / kind
        info = _dist(site, "pure-1.0", "py3-none-any")
        (site / "pure").mkdir()
        (site / "pure" / "__init__.py").write_text("x = 1\n")
        (site / "pure" / "a,b.py").write_text("y = 1\n")
        (info / "INSTALLER").write_text(kind)
        (info / "direct_url.json").write_text(f'{{"url": "file:///home/{kind}"}}')
        (site / "bin").mkdir()
        (site / "bin" / "tool").write_text(f"#!/home/{kind}/python\n")
        (site / "pure" / "__init__.cpython-313.pyc").write_bytes(kind.encode())
        names = ["pure/__init__.py", "pure-1.0.dist-info/WHEEL", "pure-1.0.dist-info/INSTALLER"]
        names += ["../../bin/tool" if kind == "pip" else "bin/tool", "pure/a,b.py"]
        with (info / "RECORD").open("w", newline="") as file:
            csv.writer(file).writerows(
                [name, "sha256=x", "1"] for name in sorted(names, reverse=kind == "uv")
            )
        assert fixed_names(site) == {"pure"}
        tidy(site)
        assert installed(site) == [("pure", "1.0")]
    files = [
        {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}
        for site in (tmp_path / "pip", tmp_path / "uv")
    ]
    assert files[0] == files[1]
    assert sorted(files[0]) == [
        "pure-1.0.dist-info/RECORD",
        "pure-1.0.dist-info/WHEEL",
        "pure/__init__.py",
        "pure/a,b.py",
    ]
    record = files[0]["pure-1.0.dist-info/RECORD"].decode().splitlines()
    assert record[-1] == "pure-1.0.dist-info/RECORD,,"
    assert record[1].startswith("pure/__init__.py,sha256=")
    assert record[2].startswith('"pure/a,b.py",sha256=')
