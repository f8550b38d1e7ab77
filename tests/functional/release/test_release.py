"""``lockstep release``: what it makes, and that it makes it once."""

import hashlib
import json
import os
import re
import socket
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from lockstep.artifacts.oci import Registry
from lockstep.errors import LockstepError
from tests.functional.release.conftest import Mono
from tests.support.docker_registry import needs_registry, push_image, registry_server
from tests.support.oci_registry import OciRegistry, serving

ROOT = Path(__file__).resolve().parents[3]


def _check_whole(mono: Mono, service: str, version: str, commit: str) -> str:
    """The release is one, and its files say the same of each other; returns the package's digest."""
    tag = f"{service}-v{version}"
    release = mono.published(tag)
    assert release.commit == commit
    files = mono.files(tag)
    name = f"{service}-{version}.zip"
    assert set(files) == {name, f"{name}.sha256", f"{service}-{version}.json"}
    digest = hashlib.sha256(files[name]).hexdigest()
    assert files[f"{name}.sha256"].decode() == f"{digest}  {name}\n"
    facts = json.loads(files[f"{service}-{version}.json"])
    assert (facts["sha256"], facts["commit"], facts["tag"]) == (digest, commit, tag)
    return digest


def test_a_version_is_tagged_and_published(mono: Mono) -> None:
    """Tag, release, package, digest and facts, of the commit; nothing of this machine is in them."""
    mono.work.git("tag", "api-v0.1.5")
    mono.work.git("push", "-q", "origin", "api-v0.1.5")
    commit = mono.commit("fix(db): wait for locks", src__api__app="x = 1\n")
    (told,) = mono.release("api")
    digest = _check_whole(mono, "api", "0.1.6", commit)
    assert told == {
        "service": "api",
        "version": "0.1.6",
        "prerelease": False,
        "tag": "api-v0.1.6",
        "commit": commit,
        "asset": "api-0.1.6.zip",
        "sha256": digest,
        "image": None,
        "size": len(mono.files("api-v0.1.6")["api-0.1.6.zip"]),
        "url": mono.published("api-v0.1.6").url,
        "isNew": True,
    }
    assert mono.tags()["api-v0.1.6"] == commit
    files = mono.files("api-v0.1.6")
    with zipfile.ZipFile(BytesIO(files["api-0.1.6.zip"])) as package:
        assert package.read("app") == b"x = 1\n"
    facts = json.loads(files["api-0.1.6.json"])
    assert facts["format"] == "lockstep.build/1"
    assert (facts["service"], facts["version"], facts["builder"]) == ("api", "0.1.6", "prebuilt")
    assert facts["committed"].endswith("+00:00")
    assert facts["run"] is None
    text = files["api-0.1.6.json"].decode() + mono.body("api-v0.1.6")
    assert str(mono.work.folder) not in text
    assert socket.gethostname() not in text
    assert mono.work.git("status", "--porcelain") == ""


def test_the_notes_say_what_is_new(local: Mono) -> None:
    """By kind, with what others wrote inside code; what was taken back is left out."""
    local.work.git("tag", "api-v1.0.0")
    local.work.git("push", "-q", "origin", "api-v1.0.0")
    local.commit("feat(http)!: no more XML", src__api__a="1")
    local.commit("feat: retries @octo #1 <b>", src__api__a="2")
    taken = local.commit("feat: an idea", src__api__b="1")
    local.commit(f'Revert "feat: an idea"\n\nThis reverts commit {taken}.', src__api__b="2")
    local.commit("fix: elsewhere", src__web__a="1")
    commit = local.commit("Tidy up", src__api__a="3")
    out = local.run("release", "api")
    assert out.splitlines()[:2] == ["api 2.0.0: released.", f"  tag     api-v2.0.0 on {commit[:12]}"]
    body = re.sub(r"\[([0-9a-f]{8})\]\([^)]*\)|[0-9a-f]{64}", r"\1", local.body("api-v2.0.0"))
    shas = local.work.git("log", "--format=%h", "--abbrev=8").splitlines()
    assert body.startswith("Changes since `api-v1.0.0`.\n\n| | |\n|---|---|\n| package | `api-2.0.0.zip` |\n")
    sections = body.partition("### ")[1] + body.partition("### ")[2]
    assert sections.split("\n\n") == [
        "### Breaking changes",
        f"- `http: no more XML` ({shas[5]})",
        "### Features",
        f"- `retries @octo #1 <b>` ({shas[4]})",
        "### Other changes",
        f"- `Tidy up` ({shas[0]})\n",
    ]


def test_again_it_says_so_and_builds_nothing(local: Mono) -> None:
    """In the same clone and in a new one, even when other commits came since."""
    (first,) = local.release("random")
    assert local.builds() == 1
    assert local.release("random") == [{**first, "isNew": False}]
    assert "random 0.1.0: is released already." in local.run("release", "random")
    local.commit("fix: elsewhere", src__web__a="1")
    other = local.clone(local.cache.parent / "other")
    assert other.release("random") == [{**first, "isNew": False}]
    assert "nothing concerns random since random-v0.1.0: that release is meant" in other.err
    assert local.builds() == 1


def test_what_a_run_that_died_began_is_finished(local: Mono) -> None:
    """A tag without a release, seen from a clone that has the tag, lacks it, or is ahead of it."""
    commit = local.work.git("rev-parse", "HEAD")
    for number, service in enumerate(("api", "random", "web")):
        local.work.git("push", "-q", "origin", f"HEAD:refs/tags/{service}-v0.1.0")
        clone = local.clone(local.cache.parent / f"clone-{number}", *(("--no-tags",) if number else ()))
        (told,) = clone.release(service)
        assert (told["version"], told["commit"], told["isNew"]) == ("0.1.0", commit, True)
    _check_whole(local, "api", "0.1.0", commit)
    local.work.git("push", "-q", "origin", f"{commit}:refs/tags/api-v0.2.0", f"{commit}:refs/tags/web-v0.2.0")
    local.commit("docs: elsewhere", README="more\n")
    local.work.git("fetch", "-q", "--tags", "origin")
    assert [told["commit"] for told in local.release("api", "web")] == [commit, commit]
    _check_whole(local, "api", "0.2.0", commit)


def test_an_annotated_tag_made_by_hand_is_taken(local: Mono) -> None:
    """A person tags, Lockstep releases."""
    commit = local.work.git("rev-parse", "HEAD")
    local.work.git("tag", "-a", "-m", "One", "api-v1.0.0")
    local.work.git("push", "-q", "origin", "api-v1.0.0")
    local.work.git("tag", "-d", "api-v1.0.0")
    (told,) = local.release("api")
    assert (told["version"], told["commit"]) == ("1.0.0", commit)
    _check_whole(local, "api", "1.0.0", commit)


def test_runs_at_once_make_one_release(mono: Mono) -> None:
    """Also when each builds another package: all succeed and name the package that was published."""
    mono.release("random", "--version", "0.0.9")
    commit = mono.commit("fix: x", src__random__app="x\n")
    folders = [mono.clone(mono.cache.parent / f"clone-{n}").work.folder for n in range(3)]
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(mono.direct, "random", folder=folder) for folder in folders]
        made = [run.result() for run in runs]
    digest = _check_whole(mono, "random", "0.0.10", commit)
    assert {one.package and one.package.sha256 for one in made} == {digest}
    assert {one.url for one in made} == {mono.published("random-v0.0.10").url}
    assert sum(one.is_new for one in made) >= 1


def test_a_published_package_is_never_replaced(mono: Mono) -> None:
    """A release that lost its facts is finished only by the same package."""
    mono.release("random", "api")
    if mono.repository is not None:
        for release in mono.repository.releases.values():
            release.assets = [asset for asset in release.assets if asset.name.endswith(".zip")]
    else:
        for service in ("random", "api"):
            _forget(mono, service)
    before = mono.files("random-v0.1.0")
    assert list(before) == ["random-0.1.0.zip"]
    (told,) = mono.release("random", "api", code=1)
    assert told["service"] == "api"
    assert "random-0.1.0.zip" in mono.err
    assert "random: random-v0.1.0 is tagged, but not released yet" in mono.err
    assert mono.files("random-v0.1.0") == before
    _check_whole(mono, "api", "0.1.0", told["commit"])


def _forget(mono: Mono, service: str) -> None:
    """Take all assets but the package out of a release on the plain server."""
    ref = f"refs/lockstep/releases/{service}-v0.1.0"
    mono.work.git("fetch", "-q", "origin", ref)
    mono.work.git("checkout", "-q", "--detach", "FETCH_HEAD")
    record = json.loads((mono.work.folder / "release.json").read_text())
    record["assets"] = [asset for asset in record["assets"] if asset["name"].endswith(".zip")]
    mono.work.write("release.json", json.dumps(record))
    mono.work.git("commit", "-q", "-a", "-m", "forget")
    mono.work.git("push", "-q", "origin", f"HEAD:{ref}")
    mono.work.git("checkout", "-q", "main")


def test_a_tag_that_was_deleted_may_be_set_anew(mono: Mono) -> None:
    """Its release became a draft; the new one has the new commit's package."""
    mono.release("api")
    mono.work.git("push", "-q", "origin", ":refs/tags/api-v0.1.0")
    mono.work.git("tag", "-d", "api-v0.1.0")
    if mono.repository is not None:  # which GitHub does by itself
        (release,) = mono.repository.releases.values()
        release.is_draft = True
    commit = mono.commit("fix: again", src__api__app="again\n")
    (told,) = mono.release("api")
    assert (told["version"], told["commit"], told["isNew"]) == ("0.1.0", commit, True)
    if mono.repository is not None:
        assert mono.repository.releases.pop(release.id).is_draft  # a person may still want it
    _check_whole(mono, "api", "0.1.0", commit)


def test_pre_releases_of_pull_requests(github: Mono) -> None:
    """From a branch, or from the merge commit that GitHub makes; they are marked as what they are."""
    github.release("api")
    github.work.git("checkout", "-q", "-b", "change")
    commit = github.work.commit("feat: new", src__api__new="1")
    github.work.git("push", "-q", "origin", "HEAD:refs/pull/7/merge")
    github.release("api", code=3)
    assert "is on no branch" in github.err
    github.release("api", "--pr", "8", code=3)
    (told,) = github.release("api", "--pr", "7")
    assert (told["version"], told["prerelease"], told["commit"]) == ("0.2.0-pr7.1", True, commit)
    _check_whole(github, "api", "0.2.0-pr7.1", commit)
    assert github.repository is not None
    flags = {one.tag: one.is_prerelease for one in github.repository.releases.values()}
    assert flags == {"api-v0.1.0": False, "api-v0.2.0-pr7.1": True}


def test_a_pull_request_that_was_written_anew_gets_the_next_number(mono: Mono) -> None:
    """Amended or squashed and pushed by force, from a clone without its tags; a run can be repeated."""
    mono.release("api")
    mono.work.git("checkout", "-q", "-b", "change")
    mono.work.commit("feat: new", src__api__new="1")
    mono.work.commit("fix: it", src__api__new="2")
    mono.work.git("push", "-q", "origin", "HEAD:refs/heads/change")
    (first,) = mono.release("api", "--pr", "7")
    assert first["version"] == "0.2.0-pr7.2"
    for text, version in (("3", "0.2.0-pr7.3"), ("4", "0.2.0-pr7.4")):
        mono.work.git("reset", "-q", "--soft", "main")
        mono.work.commit("feat: new", src__api__new=text)
        mono.work.git("push", "-q", "-f", "origin", "HEAD:refs/heads/change")
        mono.work.git("tag", "-d", *mono.work.git("tag", "--list", "*-pr7.*").split())
        for is_new in (True, False):
            shown = json.loads(mono.run("version", "api", "--pr", "7", "-o", "json"))
            assert shown["version"] == version
            (told,) = mono.release("api", "--pr", "7")
            assert (told["version"], told["isNew"]) == (version, is_new)
            assert told["commit"] == mono.work.git("rev-parse", "HEAD")


def test_versions_that_are_given(local: Mono) -> None:
    """With --version, by GitVersion, and with build metadata in the file's name."""
    gitversion = local.cache.parent / "gv.json"
    gitversion.write_text(json.dumps({"SemVer": "3.0.0-beta.1", "Sha": local.work.git("rev-parse", "HEAD")}))
    names = [
        local.release("api", *words)[0]["asset"]
        for words in (
            ("--version", "2.0.0"),
            ("--from-gitversion", str(gitversion)),
            ("--version", "4.0.0+linux.5"),
        )
    ]
    assert names == ["api-2.0.0.zip", "api-3.0.0-beta.1.zip", "api-4.0.0+linux.5.zip"]
    _check_whole(local, "api", "4.0.0+linux.5", local.work.git("rev-parse", "HEAD"))


def test_a_service_without_a_build_has_a_release_without_package(local: Mono) -> None:
    """Kubernetes services: what is new, under a tag."""
    (told,) = local.release("web")
    assert (told["asset"], told["sha256"], told["isNew"]) == (None, None, True)
    assert local.files("web-v0.1.0") == {}
    assert local.body("web-v0.1.0").strip() == "The first release."
    assert local.release("web") == [{**told, "isNew": False}]


def test_several_services(local: Mono) -> None:
    """One that fails does not stop the others; --since takes those that changed."""
    before = local.work.git("rev-parse", "HEAD")
    out = local.run("release", "broken", "api", "web", "api", code=1)
    assert [line.split(":")[0] for line in out.splitlines() if not line.startswith(" ")] == [
        "api 0.1.0",
        "web 0.1.0",
    ]
    assert "exit 7" in local.err
    assert set(local.tags()) == {"api-v0.1.0", "web-v0.1.0"}
    assert local.release("--since", before) == []
    assert f"no service changed since {before}; nothing to release" in local.err
    local.commit("fix: both", src__api__x="1", src__random__x="1")
    assert {told["service"] for told in local.release("--since", before)} == {"api", "random"}
    assert local.release("web", "--since", before) == []


def test_failures_are_in_the_document(local: Mono) -> None:
    """So that a job can tell what became of each service."""
    document = json.loads(local.run("release", "broken", "web", "-o", "json", code=1))
    assert [one["service"] for one in document["releases"]] == ["web"]
    (failure,) = document["failures"]
    assert failure["service"] == "broken"
    assert "fix:" in failure["error"]


def test_a_dry_run_writes_nothing(local: Mono) -> None:
    """No build, no tag, no release; it says what would be."""
    out = local.run("release", "random", "web", "--dry-run")
    assert "random 0.1.0: would be released; nothing was written." in out
    (told, _) = local.release("random", "web", "--dry-run")
    assert (told["tag"], told["asset"], told["sha256"], told["url"], told["isNew"]) == (
        "random-v0.1.0",
        "random-0.1.0.zip",
        None,
        None,
        True,
    )
    assert (local.builds(), local.tags()) == (0, {})
    assert local.forge().release("random-v0.1.0") is None


def test_a_job_summary_is_written(github: Mono, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Markdown for the run, whose URL is in the facts and the notes."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    for name, value in (("SERVER_URL", "https://github.com"), ("REPOSITORY", "acme/mono"), ("RUN_ID", "42")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    github.release("api")
    assert "- `api 0.1.0` released." in (tmp_path / "summary").read_text()
    run = "https://github.com/acme/mono/actions/runs/42"
    assert json.loads(github.files("api-v0.1.0")["api-0.1.0.json"])["run"] == run
    assert f"in [this run]({run})" in github.body("api-v0.1.0")


def test_facts_of_another_run_stay(github: Mono, monkeypatch: pytest.MonkeyPatch) -> None:
    """A published release that lost its digest gets it back; the facts name the run that published it."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/mono")
    monkeypatch.setenv("GITHUB_RUN_ID", "1")
    github.release("api")
    assert github.repository is not None
    (release,) = github.repository.releases.values()
    release.assets = [asset for asset in release.assets if not asset.name.endswith(".sha256")]
    monkeypatch.setenv("GITHUB_RUN_ID", "2")
    (told,) = github.release("api")
    assert told["isNew"]
    assert _check_whole(github, "api", "0.1.0", told["commit"]) == told["sha256"]
    assert json.loads(github.files("api-v0.1.0")["api-0.1.0.json"])["run"].endswith("/1")


def test_the_verb_is_told_of_every_step(local: Mono) -> None:
    """With -v each step is a line on stderr."""
    local.run("release", "api", "-v")
    steps = [line for line in local.err.splitlines() if line.startswith("api: ")]
    assert [step.split(" ")[1] for step in steps[1:]] == [
        "looking",
        "looking",
        "checking",
        "packing",
        "pushing",
        "publishing",
    ]


def test_errors_are_lockstep_errors(local: Mono) -> None:
    """The verb raises what the command tells."""
    with pytest.raises(LockstepError, match="services names no 'nope'"):
        local.direct("nope")


def test_a_version_whose_image_nobody_pushed_is_not_released(local: Mono) -> None:
    """Neither tagged nor published, and a rehearsal says so too; with the image it is."""
    with serving(OciRegistry()) as registry:
        paths = "source: {paths: [src/web]}"
        image = f"image: {{exists: required, repository: '{registry.host}/acme/web', tag: 'v{{version}}'}}"
        text = (local.work.folder / "lockstep.yaml").read_text().replace(paths, f"{paths}\n    {image}")
        local.commit("feat: a page", **{"src__web__index": "x\n", "lockstep.yaml": text})
        for words in (["web"], ["web", "--dry-run"]):
            local.run("release", *words, code=1)
            assert "there is no image" in local.err
        assert not [tag for tag in local.tags() if tag.startswith("web-")]
        for version in ("0.1.0", "0.0.1", "1.0.0"):
            registry.push("acme/web", f"v{version}")
        (made,) = local.release("web")
        assert made["tag"] in local.tags()


@needs_registry
def test_an_image_is_built_and_pushed_by_its_release(local: Mono, tmp_path: Path) -> None:
    """From the commit, before anything is tagged; its digest is in the notes. A rehearsal builds nothing, and
    a command that fails or pushes nothing releases nothing.
    """
    with registry_server(tmp_path) as host:
        project = (local.work.folder / "lockstep.yaml").read_text()

        def project_with(command: str) -> str:
            build = f"{{builder: command, command: '{command}'}}"
            image = f"exists: required, repository: '{host}/acme/web', build: {build}"
            paths = "source: {paths: [src/web]}"
            return project.replace(paths, f"{paths}\n    image: {{{image}}}")

        push = f'{sys.executable} -m tests.support.docker_registry "$LOCKSTEP_IMAGE" src/web/index'
        commands = {
            "exit 3": "ended with exit code 3",
            "true": "the registry has no image",
            f"PYTHONPATH={ROOT} {push}": None,
        }
        for command, said in commands.items():
            files = {"src__web__index": "the page\n", "lockstep.yaml": project_with(command)}
            local.commit("feat: a page", **files)
            local.release("web", "--dry-run")
            assert Registry().digest(f"{host}/acme/web", "0.1.0") is None
            if said is not None:
                local.run("release", "web", code=1)
                assert said in local.err
                assert not [tag for tag in local.tags() if tag.startswith("web-")]
        (made,) = local.release("web")
        digest = Registry().digest(f"{host}/acme/web", made["version"])
        assert digest == push_image(host, "other", "x", {"app": b"the page\n"})
        assert made["image"] == f"{host}/acme/web:{made['version']}@{digest}"
        assert made["image"] in local.body(made["tag"])
        (manifest,) = local.files(made["tag"]).values()
        assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == digest
        assert local.release("web") == [{**made, "isNew": False}]


_STAND_IN = """\
#!/bin/sh
# In place of docker, ko and pack, which need an engine or the network: it records how it was called, and
# pushes an image of its own.
echo "${0##*/} $* in ${PWD##*/} for $KO_DOCKER_REPO" >>%(log)s
case "$*" in "build --tag"*) exit ;; esac
PYTHONPATH=%(root)s exec %(python)s -m tests.support.docker_registry "$LOCKSTEP_IMAGE" %(file)s
"""


@needs_registry
def test_a_named_builder_makes_the_image(
    local: Mono, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the folder that the source names, with nothing but the builder's name in lockstep.yaml."""
    page, log, tools = tmp_path / "page", tmp_path / "log", tmp_path / "bin"
    page.write_bytes(b"the page\n")
    tools.mkdir()
    text = _STAND_IN % {"log": log, "root": ROOT, "python": sys.executable, "file": page}
    for tool in ("docker", "ko", "pack"):
        (tools / tool).write_text(text)
        (tools / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    paths = "source: {paths: [src/web]}"
    project = (local.work.folder / "lockstep.yaml").read_text()
    with registry_server(tmp_path) as host:
        name = f"{host}/acme/web"
        for number, builder in enumerate(("docker", "buildx", "ko", "pack"), 1):
            image = f"image: {{exists: required, repository: '{name}', build: {{builder: {builder}}}}}"
            text = project.replace(paths, f"{paths}\n    {image}")
            local.commit("feat: a page", **{"src__web__index": f"{number}\n", "lockstep.yaml": text})
            (made,) = local.release("web", "--version", f"1.{number}.0")
            assert made["image"] == f"{name}:1.{number}.0@{Registry().digest(name, f'1.{number}.0')}"
    assert [re.sub(r" in lockstep-image-\S+ for $", "", line) for line in log.read_text().splitlines()] == [
        f"docker build --tag {name}:1.1.0 -- src/web",
        f"docker push {name}:1.1.0",
        f"docker buildx build --push --tag {name}:1.2.0 -- src/web",
        f"ko build --bare --tags 1.3.0 -- . in web for {name}",
        f"pack build {name}:1.4.0 --publish --path src/web",
    ]
