"""Which file says what a Python function depends on."""

from pathlib import Path

import pytest

from lockstep.artifacts.builders.base import Job
from lockstep.artifacts.builders.requirements import canonical, find_requirements, pinned_names
from lockstep.errors import BadInput
from lockstep.model import Build, Builder
from tests.functional.artifacts.builders.conftest import Shop


@pytest.fixture
def job(shop: Shop, tmp_path: Path) -> Job:
    """A job on the shop's source."""
    work = tmp_path / "work"
    work.mkdir()
    build = Build(builder=Builder.PYTHON, path="src/app", runtime="python3.13", place="lockstep.yaml:4")
    return Job(service="app", build=build, root=shop.root, folder=shop.folder, work=work)


def test_the_files_are_looked_for_in_order(shop: Shop, job: Job) -> None:
    """requirements.txt, then uv.lock, then the list in pyproject.toml; none of them is none."""
    assert find_requirements(job) is None
    shop.write("pyproject.toml", '[project]\nname = "a"\ndependencies = ["b==1", "c>=2"]\n')
    found = find_requirements(job)
    assert found is not None
    assert (found.name, found.is_lock) == ("src/app/pyproject.toml", False)
    assert found.file.read_text() == "b==1\nc>=2\n"
    shop.write("uv.lock")
    found = find_requirements(job)
    assert found is not None
    assert (found.name, found.is_lock) == ("src/app/uv.lock", True)
    shop.write("requirements.txt")
    found = find_requirements(job)
    assert found is not None
    assert (found.name, found.is_lock) == ("src/app/requirements.txt", False)


def test_a_project_without_dependencies_has_none(shop: Shop, job: Job) -> None:
    """A pyproject.toml that only configures tools."""
    shop.write("pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    assert find_requirements(job) is None


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("poetry.lock", "", "src/app/poetry.lock: poetry.lock cannot be read by pip"),
        ("Pipfile.lock", "{}", "src/app/Pipfile.lock: Pipfile.lock cannot be read by pip"),
        ("pyproject.toml", "[project", "src/app/pyproject.toml: this is not TOML"),
        ("pyproject.toml", "[tool.poetry.dependencies]\nx='1'\n", "dependencies in Poetry's own form"),
        ("requirements.txt", "a==1\n\n-e ./lib\n", "src/app/requirements.txt:3: an editable requirement"),
        ("requirements.txt", "a==1 \\\n --hash=x\n--editable=.\n", "src/app/requirements.txt:3: an editable"),
    ],
)
def test_what_cannot_be_packed_is_refused(shop: Shop, job: Job, name: str, text: str, says: str) -> None:
    """With the place, and a way out."""
    shop.write(name, text)
    with pytest.raises(BadInput) as caught:
        find_requirements(job)
    assert says in str(caught.value)
    assert caught.value.fix


def test_nested_files_are_read_with_their_own_lines(shop: Shop, job: Job) -> None:
    """An editable requirement is found behind -r, and a circle of files ends."""
    shop.write("requirements.txt", "-r more/base.txt\n")
    shop.write("more/base.txt", "# none\n-r ../requirements.txt\n-e .\n")
    with pytest.raises(BadInput, match=r"src/app/more/base\.txt:3: an editable"):
        find_requirements(job)


def test_pinned_is_what_has_one_version(tmp_path: Path) -> None:
    """Exactly one, by == without a wildcard or by URL; comments, options and other lines are none."""
    file = tmp_path / "requirements.txt"
    (tmp_path / "nested.txt").write_text("Nested_One==2\n")
    file.write_text(
        "A.b==1.0  # why\nc[extra]==2 ; python_version < '4'\nd === 3\n"
        "e==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "url @ https://host/url-1.whl\n-r nested.txt\n--find-links wheels\n"
        "f\ng>=1\nh==1.*\ni==1,<2\nj~=1.0\n# k==1\n"
    )
    assert pinned_names(file) == {"a-b", "c", "d", "e", "url", "nested-one"}


def test_names_have_one_spelling() -> None:
    """As PyPI compares them."""
    assert {canonical(name) for name in ("Foo.Bar", "foo_bar", "FOO--bar")} == {"foo-bar"}
