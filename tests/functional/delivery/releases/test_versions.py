"""``version`` and ``changed`` on real repositories."""

import json
import subprocess
from pathlib import Path

import pytest

from lockstep.delivery.places.sources import open_sources
from lockstep.delivery.places.workspace import Where
from lockstep.delivery.releases.versions import Decided, changed_services, find_version, read_gitversion
from lockstep.errors import BadInput
from lockstep.model.next_version import Basis, NextVersion
from lockstep.model.version import Version
from tests.support.monorepo import Monorepo, make_monorepo


@pytest.fixture
def mono(tmp_path: Path) -> Monorepo:
    """A repository with three services and no version yet."""
    return make_monorepo(tmp_path / "mono")


def where(repository: Monorepo, rev: str | None = None) -> Where:
    """The repository as a command gets it."""
    return Where(folder=repository.folder, rev=rev, cache=repository.folder.parent / "cache")


def find(
    repository: Monorepo, service: str = "api", *, pr: int | None = None, rev: str | None = None
) -> NextVersion:
    """The next version of a service."""
    return find_version(where(repository, rev), service, pr=pr)


def test_the_first_version(mono: Monorepo) -> None:
    """Without a tag it is 0.1.0, and that is said."""
    mono.commit("feat!: x")
    found = find(mono)
    assert (str(found.version), found.basis, found.count) == ("0.1.0", Basis.FIRST, 2)
    assert found.warnings == ("no tag api-v* yet: 0.1.0 is the first version of api",)
    assert str(find(mono, pr=3).version) == "0.1.0-pr3.2"


def test_the_version_moves_with_the_commits_of_the_service(mono: Monorepo) -> None:
    """Commits since the highest tag that touch its paths, globs and shared folders included."""
    mono.tag("api-v0.1.4", "api-v0.1.5", "my-api-v7.0.0")
    head = mono.git("rev-parse", "HEAD")
    assert (str(find(mono).version), find(mono).basis) == ("0.1.5", Basis.RELEASED)
    mono.commit("feat: other", "src/my-api/a")
    assert (str(find(mono).version), find(mono).count) == ("0.1.5", 1)
    assert str(find(mono, pr=1).version) == "0.1.5"
    mono.commit("fix: shared", "libs/one/shared/a")
    assert str(find(mono).version) == "0.1.6"
    mono.commit("feat: more")
    found = find(mono)
    assert (str(found.version), found.tag, found.count) == ("0.2.0", "api-v0.2.0", 3)
    assert found.bump is not None
    assert [one.commit.subject for one in found.bump.commits] == ["feat: more", "fix: shared"]
    assert found.base is not None
    assert (found.base.name, found.base.commit) == ("api-v0.1.5", head)
    assert str(find(mono, "my-api").version) == "7.1.0"
    assert str(find(mono, pr=12).version) == "0.2.0-pr12.3"
    assert found.warnings == ()


def test_a_service_without_paths_is_the_whole_repository(mono: Monorepo) -> None:
    """And its tag may have another form."""
    mono.tag("v1.0.0")
    mono.commit("feat: anywhere", "docs/x")
    found = find(mono, "web")
    assert (str(found.version), found.tag) == ("1.1.0", "v1.1.0")


def test_malformed_tags_are_ignored_and_named(mono: Monorepo) -> None:
    """Only what has the service's prefix and is nobody's version."""
    mono.tag("api-v0.1.5", "api-vfoo", "api-v1.2", "unrelated", "my-api-vbar")
    assert find(mono).remarks == (
        "the tag api-v1.2 names no version: ignored",
        "the tag api-vfoo names no version: ignored",
    )


def test_tags_of_another_form_are_hinted_at(mono: Monorepo) -> None:
    """A first version beside tags that look like versions is probably a wrong template."""
    mono.tag("api/v1.2.3")
    assert find(mono).remarks == (
        "there are tags such as api/v1.2.3: services.api.tag says what its own look like",
    )


def test_annotated_tags_and_a_detached_head(mono: Monorepo) -> None:
    """Any checkout works, also of an older commit, and --rev needs none."""
    mono.git("tag", "-a", "-m", "release", "api-v1.0.0")
    older = mono.commit("fix: a")
    mono.commit("feat: b")
    assert str(find(mono).version) == "1.1.0"
    assert str(find(mono, rev=older).version) == "1.0.1"
    mono.git("checkout", "-q", "--detach", older)
    assert str(find(mono).version) == "1.0.1"


def test_a_tag_on_another_branch_is_no_base(mono: Monorepo) -> None:
    """What is not in the history does not count, and takes its version away."""
    mono.tag("api-v0.1.0")
    mono.git("checkout", "-qb", "side")
    mono.commit("feat: side")
    mono.tag("api-v0.1.1")
    mono.git("checkout", "-q", "main")
    mono.commit("feat: main")
    assert str(find(mono).version) == "0.2.0"
    mono.git("checkout", "-qb", "fixes", "HEAD~1")
    mono.commit("fix: here")
    with pytest.raises(BadInput, match=r"api: the version 0.1.1 is taken: the tag api-v0.1.1 is on \w{8}"):
        find(mono)
    assert str(find(mono, pr=5).version) == "0.1.1-pr5.1"


def test_tags_that_are_only_on_other_branches_are_told(mono: Monorepo) -> None:
    """The first version is then probably not meant."""
    mono.git("checkout", "-qb", "release")
    mono.commit("chore: release")
    mono.tag("api-v2.0.0", "api-v1.0.0")
    mono.git("checkout", "-q", "main")
    found = find(mono)
    assert str(found.version) == "0.1.0"
    assert found.warnings == ("this history has no release of api; the tag api-v2.0.0 is on another one",)


def test_merged_branches(mono: Monorepo) -> None:
    """A merge's commits count, its title where it is a conventional one, a fix of an old line too."""
    mono.tag("api-v1.0.0")
    mono.git("checkout", "-qb", "fixes")
    mono.commit("fix: old line")
    mono.tag("api-v1.0.1")
    mono.git("checkout", "-q", "main")
    mono.commit("feat: new line", "src/api/new")
    mono.tag("api-v1.1.0")
    mono.git("merge", "-q", "--no-ff", "-m", "Merge branch 'fixes'", "fixes")
    found = find(mono)
    assert str(found.version) == "1.1.1"
    mono.git("checkout", "-qb", "titled")
    mono.commit("wip", "src/api/wip")
    mono.git("checkout", "-q", "main")
    mono.git("merge", "-q", "--no-ff", "-m", "Merge pull request #5 from o/titled\n\nfeat: a title", "titled")
    assert str(find(mono).version) == "1.2.0"


def test_what_is_not_committed_does_not_count_and_is_remarked(mono: Monorepo) -> None:
    """A dirty tree is told to who asks why, when it concerns the service."""
    mono.tag("api-v0.1.0")
    (mono.folder / "notes").write_text("x")
    assert find(mono).remarks == ()
    (mono.folder / "src/api").mkdir(parents=True)
    (mono.folder / "src/api/new").write_text("x")
    found = find(mono)
    assert str(found.version) == "0.1.0"
    assert found.remarks == ("src/api/new is not as in the commit; only what is committed counts",)


def test_a_path_that_matches_nothing_is_told(mono: Monorepo) -> None:
    """It would be a service that never changes."""
    mono.commit("Api", "src/api/x")
    tree = open_sources(where(mono))
    told = ("lockstep.yaml:2: the path libs/*/shared of api matches nothing",)
    assert tree.unmatched(tree.source("api")) == told
    mono.commit("Shared", "libs/a/shared/x")
    tree = open_sources(where(mono))
    assert not tree.unmatched(tree.source("api"))


def test_a_project_file_in_a_folder(tmp_path: Path) -> None:
    """Paths are seen from the folder of lockstep.yaml."""
    mono = make_monorepo(tmp_path / "mono")
    mono.git("rm", "-q", "lockstep.yaml")
    (mono.folder / "back").mkdir()
    (mono.folder / "back/lockstep.yaml").write_text(
        "services: {api: {source: {paths: [src/api]}}, all: {}}\n"
    )
    mono.commit("Move", "README.md")
    mono.tag("api-v1.0.0", "all-v1.0.0")
    before = mono.git("rev-parse", "HEAD")
    mono.commit("feat: elsewhere")
    inside = Monorepo(mono.folder / "back")
    assert str(find(inside).version) == "1.0.0"
    assert str(find(inside, "all").version) == "1.0.0"
    mono.commit("feat: here", "back/src/api/a")
    assert str(find(inside).version) == "1.1.0"
    assert changed_services(where(inside), before).services == ("all", "api")


def test_a_shallow_clone_is_named_not_miscounted(mono: Monorepo, tmp_path: Path) -> None:
    """Without the tag, without commits since the tag; whole enough is enough."""
    mono.tag("api-v0.1.0")
    for number in range(4):
        mono.commit(f"fix: {number}")
    mono.tag("web-release")
    shallow = mono.clone(tmp_path / "shallow", "--depth=2")
    with pytest.raises(BadInput, match=r"lacks tags of api[\s\S]*--unshallow --tags[\s\S]*fetch-depth: 0"):
        find(shallow)
    shallow.git("remote", "remove", "origin")
    with pytest.raises(BadInput, match=r"shallow clone holds no tag of api[\s\S]*fetch-depth: 0"):
        find(shallow)
    mono.git("checkout", "-qb", "side", "api-v0.1.0")
    mono.commit("feat: side", "src/api/side")
    mono.git("checkout", "-q", "main")
    mono.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    enough = mono.clone(tmp_path / "enough", "--depth=9")
    assert str(find(enough).version) == str(find(mono).version) == "0.2.0"


def test_commits_that_a_shallow_clone_lacks_since_the_tag(mono: Monorepo, tmp_path: Path) -> None:
    """The tag is there, but a branch that was merged since is cut off."""
    for number in range(3):
        mono.commit(f"chore: {number}")
    mono.git("checkout", "-qb", "side")
    for number in range(5):
        mono.commit(f"feat: {number}", "src/api/side")
    mono.git("checkout", "-q", "main")
    mono.commit("fix: released")
    mono.tag("api-v0.1.0")
    mono.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    shallow = mono.clone(tmp_path / "shallow", "--depth=3")
    with pytest.raises(BadInput, match=r"lacks commits since api-v0.1.0[\s\S]*--unshallow"):
        find(shallow)


def test_a_clone_without_tags_is_named(mono: Monorepo, tmp_path: Path) -> None:
    """The remote has the tag and the clone has not, whether or not it has an older one."""
    mono.tag("api-v0.1.0")
    mono.commit("feat: x")
    clone = mono.clone(tmp_path / "clone", "--no-tags")
    with pytest.raises(
        BadInput, match=r"lacks tags of api that its remote has: api-v0.1.0\n  fix: git fetch --tags"
    ):
        find(clone)
    clone.git("fetch", "-q", "--tags")
    assert str(find(clone).version) == "0.2.0"
    mono.commit("fix: y")
    mono.tag("api-v0.2.0", "api-v0.2.1")
    with pytest.raises(BadInput, match=r"remote has: api-v0.2.1 and 1 more"):
        find(clone)


def test_a_remote_that_cannot_be_asked_is_a_warning(mono: Monorepo) -> None:
    """Without a tag and without the network the first version is given, with the doubt."""
    mono.git("remote", "add", "origin", "file:///nowhere/at/all")
    found = find(mono)
    assert str(found.version) == "0.1.0"
    assert found.warnings[0].startswith("origin could not be asked whether it has tags of api: ")


def test_a_given_version(mono: Monorepo, tmp_path: Path) -> None:
    """It has to be free and above the last release; at its own tag it may be said again."""
    mono.tag("api-v0.1.5")
    mono.commit("docs: x")

    def given(version: str, repository: Monorepo = mono) -> NextVersion:
        return find_version(where(repository), "api", decided=Decided(version=Version.parse(version)))

    found = given("1.0.0")
    assert (str(found.version), found.tag, found.basis) == ("1.0.0", "api-v1.0.0", Basis.GIVEN)
    for wrong, why in (("0.1.5", "is taken"), ("0.1.4", "not above"), ("0.1.5-rc.1", "not above")):
        with pytest.raises(BadInput, match=why):
            given(wrong)
    mono.tag("api-v1.0.0")
    assert str(given("1.0.0").version) == "1.0.0"
    shallow = mono.clone(tmp_path / "shallow", "--depth=1", "--no-tags")
    mono.commit("fix: later")
    mono.tag("api-v1.0.1")
    with pytest.raises(BadInput, match=r"1.0.1 is taken: the tag api-v1.0.1"):
        given("1.0.1", shallow)
    assert str(given("1.0.0", shallow).version) == "1.0.0"


def _gitversion(version: str = "0.3.0-beta.2", **others: object) -> str:
    core = version.split("-")[0].split(".")
    values = dict(zip(("Major", "Minor", "Patch"), map(int, core), strict=True))
    return json.dumps({**values, "SemVer": version, "PreReleaseTag": "beta.2", **others})


def test_gitversions_answer_is_taken(mono: Monorepo) -> None:
    """With the commit that it was made for, which has to be this one."""
    sha = mono.git("rev-parse", "HEAD")
    decided = read_gitversion("\ufeff" + _gitversion(Sha=sha, ShortSha=sha[:7]), "gv.json")
    found = find_version(where(mono), "api", decided=decided)
    assert (str(found.version), found.basis) == ("0.3.0-beta.2", Basis.GITVERSION)
    assert str(find_version(where(mono), "api", decided=read_gitversion(_gitversion(), "x")).version)
    mono.commit("later")
    with pytest.raises(BadInput, match=f"output is of the commit {sha[:8]}, and this is"):
        find_version(where(mono), "api", decided=decided)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("INFO [x]\n{}", "gv.json:1: is not GitVersion's JSON output"),
        ("", "is not GitVersion's JSON output"),
        ("[" * 100_000, "is not GitVersion's JSON output"),
        ("[]", "has no SemVer"),
        ('{"Major": 1}', "has no SemVer"),
        (_gitversion().replace("0.3.0-beta.2", "0.3"), "its SemVer '0.3' has 2 of the three numbers"),
        (_gitversion(Minor=4), "its Minor is not that of its SemVer"),
        (_gitversion(Sha="abc"), "its Sha is no commit id"),
    ],
)
def test_something_else_than_gitversions_answer(text: str, problem: str) -> None:
    """Wrong files are named with what is wrong."""
    with pytest.raises(BadInput, match=problem):
        read_gitversion(text, "gv.json")


def test_a_service_that_there_is_not(mono: Monorepo) -> None:
    """A misspelt one is named with its neighbour, any other with all there are."""
    with pytest.raises(BadInput, match=r"lockstep.yaml: services names no 'apii'\n  fix: did you mean api\?"):
        find(mono, "apii")
    with pytest.raises(BadInput, match="there are: api, my-api, web"):
        find(mono, "something")


def test_where_there_is_nothing_to_count(tmp_path: Path) -> None:
    """No Git, no commit, no project file, a URL."""
    folder = Monorepo(tmp_path / "plain")
    folder.folder.mkdir()
    with pytest.raises(BadInput, match=r"there is no lockstep.yaml"):
        find(folder)
    (folder.folder / "lockstep.yaml").write_text("services: {api: {}}\n")
    with pytest.raises(BadInput, match="no Git repository"):
        find(folder)
    folder.git("init", "-q")
    with pytest.raises(BadInput, match="no commits yet"):
        find(folder)
    (folder.folder / "lockstep.yaml").write_text("project: x\n")
    folder.git("add", "-A")
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "x"],
        cwd=folder.folder,
        check=True,
    )
    with pytest.raises(BadInput, match="names no 'api'"):
        find(folder)
    with pytest.raises(BadInput, match="services names no service"):
        changed_services(where(folder), "HEAD")


def test_changed_services(mono: Monorepo) -> None:
    """Those whose paths differ, with a path of each; web has no paths and is everything."""
    start = mono.git("rev-parse", "HEAD")
    assert changed_services(where(mono), start).services == ()
    mono.commit("x", "docs/a")
    assert changed_services(where(mono), start).services == ("web",)
    mono.commit("x", "libs/one/shared/a", "src/my-api/a")
    found = changed_services(where(mono), start)
    assert found.services == ("api", "my-api", "web")
    assert found.reasons == {
        "api": "libs/one/shared/a",
        "my-api": "src/my-api/a",
        "web": "docs/a",
    }
    assert found.every is None
    assert changed_services(where(mono), "HEAD~1").services == ("api", "my-api", "web")
    assert changed_services(where(mono, "HEAD~1"), start).services == ("web",)
    (mono.folder / "src/api").mkdir(parents=True)
    (mono.folder / "src/api/uncommitted").write_text("x")
    assert changed_services(where(mono), "HEAD").services == ()


def test_another_commit_of_a_submodule_is_a_change(mono: Monorepo, tmp_path: Path) -> None:
    """A library that lies in a submodule belongs to the service; both verbs see it."""
    library = make_monorepo(tmp_path / "library")
    mono.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.folder), "src/api/lib")
    mono.git("commit", "-qm", "chore: add a library")
    mono.tag("api-v0.1.0")
    library.commit("feat: more", "README.md")
    mono.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--remote")
    mono.git("commit", "-qam", "feat: the library's newest")
    assert changed_services(where(mono), "HEAD~1").reasons["api"] == "src/api/lib"
    assert str(find(mono).version) == "0.2.0"


@pytest.mark.parametrize("since", ["0" * 40, "1234567890" * 4])
def test_all_services_after_a_forced_push(mono: Monorepo, since: str) -> None:
    """Nothing to compare with means everything."""
    found = changed_services(where(mono), since)
    assert found.services == ("api", "my-api", "web")
    assert found.every == f"{since} is not in this repository"


def test_all_services_when_the_project_file_changed(mono: Monorepo) -> None:
    """What a service is may have changed."""
    text = (mono.folder / "lockstep.yaml").read_text()
    (mono.folder / "lockstep.yaml").write_text(f"# a comment\n{text}")
    mono.git("commit", "-qam", "x")
    found = changed_services(where(mono), "HEAD~1")
    assert found.services == ("api", "my-api", "web")
    assert found.every == "lockstep.yaml changed"


def test_a_branch_is_compared_from_where_the_history_left_it(mono: Monorepo) -> None:
    """What the branch changed since is not this history's; a commit id is compared itself."""
    mono.git("checkout", "-qb", "feature")
    mono.commit("x", "src/my-api/a")
    mono.git("checkout", "-q", "main")
    ahead = mono.commit("x", "src/api/a")
    mono.git("checkout", "-q", "feature")
    assert changed_services(where(mono), "main").services == ("my-api", "web")
    assert changed_services(where(mono), ahead).services == ("api", "my-api", "web")
    mono.git("checkout", "-q", "--orphan", "alone")
    mono.git("commit", "-qm", "alone")
    found = changed_services(where(mono), "main")
    assert (found.services, found.every) == (("api", "my-api", "web"), "main is another history")


def test_changed_in_a_shallow_clone(mono: Monorepo, tmp_path: Path) -> None:
    """What is not there is named, as is a branch whose common commit is not there."""
    start = mono.git("rev-parse", "HEAD")
    mono.git("checkout", "-qb", "feature")
    mono.commit("x", "src/my-api/a")
    mono.commit("x", "src/my-api/a")
    mono.git("checkout", "-q", "main")
    mono.commit("x", "src/api/a")
    shallow = mono.clone(tmp_path / "shallow", "--depth=1", "--no-single-branch")
    for since in (start, "origin/feature"):
        with pytest.raises(BadInput, match=r"shallow clone[\s\S]*fetch-depth: 0"):
            changed_services(where(shallow), since)


@pytest.mark.parametrize("since", ["", "-p", "a b", "nothing"])
def test_what_is_no_revision(mono: Monorepo, since: str) -> None:
    """An unset variable of a CI job is an error, not every service."""
    with pytest.raises(BadInput, match="revision"):
        changed_services(where(mono), since)
