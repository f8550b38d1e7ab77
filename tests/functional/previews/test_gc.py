"""``preview gc``: what is found, what is removed, and what never is."""

import datetime
import hashlib
import json

import pytest

from lockstep.cli import main
from lockstep.delivery.previews.packages import delete_packages
from lockstep.delivery.previews.waste import find_folders, find_waste, remove_folders
from lockstep.delivery.sync.options import Options
from lockstep.errors import NotAllowed
from lockstep.planning.previews import Fate
from tests.functional.previews.ground import NOW, World
from tests.support.clouds import ACCOUNT, client, make_zip, upload
from tests.support.engine import Lab
from tests.support.preview_tree import project_file
from tests.support.projects import PACKAGES, UPLOADS

START = datetime.datetime.fromisoformat(NOW)


def after(**time: float) -> datetime.datetime:
    """So much later than when the previews were made."""
    return START + datetime.timedelta(**time)


def fates(world: World, now: datetime.datetime = START) -> dict[int, Fate]:
    """What becomes of each preview."""
    found = find_folders(world.ground(), now=now)
    assert found.problem is None
    return {one.preview.number: one.fate for one in found.judged}


def collect(world: World, now: datetime.datetime = START) -> str | None:
    """Remove and warn; returns the commit."""
    ground = world.ground()
    commit, notes = remove_folders(ground, find_folders(ground, now=now), now=now.isoformat())
    assert not notes
    return commit


def functions(aws: Lab) -> list[str]:
    """The functions that there are."""
    return sorted(one["FunctionName"] for one in aws.client("lambda").list_functions()["Functions"])


def test_folders_of_closed_pull_requests_go(world: World) -> None:
    """Those the forge says are closed or merged, in one commit; open ones stay."""
    numbers = [world.open_pull() for _ in range(3)]
    world.push(**{f"environments__preview__pr-{number}__pr.yaml": "" for number in numbers})
    world.forge().close_pull(numbers[0])
    world.forge().close_pull(numbers[1])
    assert fates(world) == {numbers[0]: Fate.REMOVE, numbers[1]: Fate.REMOVE, numbers[2]: Fate.KEEP}
    before = len(world.log())
    assert collect(world)
    assert [name.split("/")[0] for name in world.files() if name.endswith("pr.yaml")] == [f"pr-{numbers[2]}"]
    assert len(world.log()) == before + 1
    assert collect(world) is None


def test_an_empty_listing_removes_nothing(world: World) -> None:
    """When no pull request at all is open, somebody has to say that this is right, and how many go."""
    number = world.open_pull()
    world.up(number)
    world.forge().close_pull(number)
    ground = world.ground()
    found = find_folders(ground, now=START)
    assert "lists no open pull request at all" in (found.problem or "")
    with pytest.raises(NotAllowed, match="--allow-deletes 1"):
        remove_folders(ground, found, now=NOW)
    assert find_folders(ground, now=START, allow_deletes=1).problem is None


def test_a_forge_that_fails_removes_nothing(world: World) -> None:
    """Neither when its listing fails nor when a pull request is not known to it."""
    first, second = world.open_pull(), world.open_pull()
    world.up(first)
    world.push(**{"environments__preview__pr-999__pr.yaml": ""})
    assert fates(world) == {first: Fate.KEEP, 999: Fate.KEEP}
    (note,) = find_folders(world.ground(), now=START).notes
    assert "#999 could not be looked at" in note
    world.forge().close_pull(first)
    world.forge().close_pull(second)
    ground = world.ground()
    world.bare.rename(world.bare.with_name("away.git"))
    found = find_folders(ground, now=START)
    assert {one.fate for one in found.judged} == {Fate.KEEP}
    assert "the forge cannot be asked" in found.notes[0]


def test_many_at_once_are_asked_for(world: World) -> None:
    """More than five and a fifth of all: the guard of every delete."""
    numbers = [world.open_pull() for _ in range(7)]
    world.push(**{f"environments__preview__pr-{number}__pr.yaml": "" for number in numbers})
    for number in numbers[1:]:
        world.forge().close_pull(number)
    assert "6 of 7 previews would be removed and 5 are allowed" in (
        find_folders(world.ground(), now=START).problem or ""
    )


def test_a_preview_that_changed_meanwhile_stays(world: World) -> None:
    """Judged by what it was: a pull request that was reopened and deployed again keeps its preview."""
    number, other = world.open_pull(), world.open_pull()
    world.up(number)
    world.up(other)
    world.forge().close_pull(number)
    ground = world.ground()
    found = find_folders(ground, now=START)
    world.push(**{f"environments__preview__pr-{number}__pr.yaml": f'number: "{number}"\nupdated: "{NOW}"\n'})
    remove_folders(ground, found, now=NOW)
    assert "pr.yaml" in world.files(number)


def test_a_time_to_live_ends_after_a_warning(world: World) -> None:
    """Told one day before, removed after it; a push in between keeps it."""
    world.push(**{"lockstep.yaml": project_file("ttl: 7d\nwarn: 24h")})
    number, other = world.open_pull(), world.open_pull()
    world.up(number)
    world.up(other, ttl="1d")
    assert fates(world, after(hours=11)) == {number: Fate.KEEP, other: Fate.KEEP}
    assert fates(world, after(hours=13)) == {number: Fate.KEEP, other: Fate.WARN}  # half of a short life
    assert collect(world, after(hours=13))
    (comment,) = world.forge().comments(other)
    assert "ends at 2026-11-25 09:00" in comment.body
    assert fates(world, after(hours=14)) == {number: Fate.KEEP, other: Fate.KEEP}
    assert fates(world, after(hours=26)) == {number: Fate.KEEP, other: Fate.REMOVE}
    world.up(other, "notifier@1.1.0-pr", now=after(hours=20).isoformat())
    assert fates(world, after(hours=26)) == {number: Fate.KEEP, other: Fate.KEEP}


def test_a_late_warning_is_still_a_warning(world: World) -> None:
    """A collection that was late tells first: nothing goes without the time that was promised."""
    number, other = world.open_pull(), world.open_pull()
    world.up(number, ttl="2d")
    world.up(other)
    assert fates(world, after(days=30))[number] is Fate.WARN
    collect(world, after(days=30))
    assert fates(world, after(days=30, hours=23))[number] is Fate.KEEP
    assert fates(world, after(days=31, hours=1))[number] is Fate.REMOVE


def test_a_pull_request_without_its_label(world: World) -> None:
    """Where a project asks for a label, taking it away is the end of the preview."""
    world.push(**{"lockstep.yaml": project_file("label: preview")})
    number, other = world.open_pull(labels=("preview",)), world.open_pull(labels=("preview",))
    world.up(number)
    world.up(other)
    world.forge().label(number, remove=["preview"])
    assert fates(world) == {number: Fate.REMOVE, other: Fate.KEEP}


def test_what_lies_in_aws_without_a_folder(world: World, aws: Lab) -> None:
    """Functions with our tags, their entries and logs, and entries whose function is gone; nothing else."""
    numbers = [world.open_pull() for _ in range(3)]
    for number in numbers:
        world.up(number, "notifier@1.1.0-pr")
    assert world.sync().is_success
    raw = aws.notifications()
    aws.client("lambda").delete_function(FunctionName=f"notifier-pr-{numbers[1]}")
    assert len(raw["LambdaFunctionConfigurations"]) == 5
    world.down(numbers[0])
    world.down(numbers[1])
    workspace = world.workspace()
    waste = find_waste(workspace, Options(), now=START, days=90)
    assert waste.keys == tuple(f"preview/pr-{number}/notifier" for number in numbers[:2])
    assert waste.plan is not None
    assert {type(step).__name__ for step in waste.plan.steps} == {
        "PutNotifications",
        "DeleteFunction",
        "DeleteLogGroup",
    }
    main_in(world, "preview", "gc")
    assert len(functions(aws)) == 4  # dry by default
    main_in(world, "preview", "gc", "--apply")
    assert functions(aws) == ["notifier", f"notifier-pr-{numbers[2]}", "notifier-staging"]
    assert len(aws.notifications()["LambdaFunctionConfigurations"]) == 3
    assert find_waste(world.workspace(), Options(), now=START, days=90).keys == ()


def test_what_removed_previews_left_beside_their_functions(
    world: World, aws: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logs and packages at keys of its own, of numbers that nobody declares or runs; objects are told of."""
    project = project_file().replace(
        f"packages: {{bucket: {PACKAGES}}}",
        f"packages: {{bucket: {PACKAGES}, key: 'zips/{{service}}-{{env}}.zip'}}",
    )
    world.push(**{"lockstep.yaml": project})
    number = world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    logs, s3 = aws.client("logs"), aws.client("s3")
    mine, gone, alive = number, 990, 991
    for one in (mine, gone, alive):
        logs.create_log_group(logGroupName=f"/aws/lambda/notifier-pr-{one}")
        upload(aws.aws.behind, PACKAGES, f"zips/notifier-pr-{one}.zip", b"zip")
        upload(aws.aws.behind, UPLOADS, f"preview/pr-{one}/a.pdf", b"data")
    for name in ("/aws/lambda/notifier-pr-99x", "/aws/lambda/other-pr-990"):
        logs.create_log_group(logGroupName=name)
    upload(aws.aws.behind, PACKAGES, "zips/notifier-staging.zip", b"zip")
    aws.client("lambda").create_function(
        FunctionName=f"notifier-pr-{alive}",
        Runtime="python3.12",
        Handler="app.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/lambda-role",
        Code={"ZipFile": make_zip("x = 1\n")},
    )
    waste = find_waste(world.workspace(), Options(), now=START, days=90)
    assert waste.remains.logs == {f"/aws/lambda/notifier-pr-{gone}": gone}
    assert [one.key for one in waste.remains.packages] == [f"zips/notifier-pr-{gone}.zip"]
    assert [*waste.remains.objects] == [f"s3://{UPLOADS}/preview/pr-{gone}/"]
    main_in(world, "preview", "gc")
    told = " ".join(capsys.readouterr().out.split())
    assert f"log group /aws/lambda/notifier-pr-{gone}: preview/pr-{gone} is gone" in told
    below = f"1 objects, 4 bytes, of a preview that is gone lie below s3://{UPLOADS}/preview/pr-{gone}/"
    assert f"note: {below}; they may be data, and --delete-objects takes them, too" in told
    main_in(world, "preview", "gc", "--apply")
    groups = {one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]}
    assert f"/aws/lambda/notifier-pr-{gone}" not in groups
    assert groups >= {f"/aws/lambda/notifier-pr-{mine}", f"/aws/lambda/notifier-pr-{alive}"}
    left = [one["Key"] for one in s3.list_objects_v2(Bucket=PACKAGES, Prefix="zips/")["Contents"]]
    assert sorted(left) == sorted(
        [f"zips/notifier-pr-{mine}.zip", f"zips/notifier-pr-{alive}.zip", "zips/notifier-staging.zip"]
    )
    assert s3.list_objects_v2(Bucket=UPLOADS, Prefix=f"preview/pr-{gone}/")["KeyCount"] == 1
    main_in(world, "preview", "gc", "--apply", "--delete-objects", "--most", "0", code=1)
    assert "allow more with --most" in capsys.readouterr().err
    main_in(world, "preview", "gc", "--apply", "--delete-objects")
    assert f"- {below}" in " ".join(capsys.readouterr().out.split())
    kept = [one["Key"] for one in s3.list_objects_v2(Bucket=UPLOADS, Prefix="preview/")["Contents"]]
    assert sorted(kept) == sorted(f"preview/pr-{one}/a.pdf" for one in (mine, alive))


def main_in(world: World, *words: str, code: int = 0) -> None:
    """Run the command line on the repository."""
    assert main(["-C", str(world.work.folder), *words]) == code


def test_packages_that_nobody_needs(world: World, aws: Lab) -> None:
    """Old ones that no declaration names, now or ever, and no published version is made of; what else lies
    there is somebody's.
    """
    for target, alias in (("staging", ""), ("production", "  alias: live\n")):
        world.push(
            **{
                f"environments__{target}__notifier__config.yaml": (
                    f"serviceName: notifier\nlambda:\n  version: 1.0.0\n  sha256: {digest(world, '1.0.0')}\n"
                    f"  functionName: notifier-{target}\n  s3TriggerPrefix: {target}/\n{alias}"
                )
            }
        )
    kept, recorded = digest(world, "1.0.0"), digest(world, "1.1.0-pr")
    path = "environments__staging__notifier__config.yaml"
    here = world.work.git("show", f"HEAD:{path.replace('__', '/')}") + "\n"
    world.push(**{path: here.replace("1.0.0", "1.1.0-pr").replace(kept, recorded)})
    world.push(**{path: here})
    folder = "lockstep/packages/notifier"
    orphans = [f"{n:064x}" for n in range(14)]
    code = make_zip({"app.py": "published once"})
    published = hashlib.sha256(code).hexdigest()
    role = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
    aws.client("lambda").create_function(
        FunctionName="notifier-production",
        Runtime="python3.12",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": code},
        Publish=True,
    )
    for name in (published, *orphans, kept, recorded):
        upload(aws.aws.behind, PACKAGES, f"{folder}/{name}.zip")
    upload(aws.aws.behind, PACKAGES, f"{folder}/notes.txt")
    now = datetime.datetime.now(datetime.UTC)
    assert find_waste(world.workspace(), Options(), now=now, days=90).packages.objects == ()
    later = now + datetime.timedelta(days=100)
    waste = find_waste(world.workspace(), Options(), now=later, days=90)
    keys = {one.key.rpartition("/")[2].removesuffix(".zip") for one in waste.packages.objects}
    assert keys
    assert len(keys) <= 6  # the ten newest stay, whatever they are
    assert keys <= set(orphans)
    delete_packages(waste.packages)
    left = {one["Key"] for one in aws.client("s3").list_objects_v2(Bucket=PACKAGES)["Contents"]}
    assert f"{folder}/notes.txt" in left
    assert f"{folder}/{kept}.zip" in left
    assert f"{folder}/{recorded}.zip" in left
    assert f"{folder}/{published}.zip" in left
    assert not left & {f"{folder}/{name}.zip" for name in keys}


def test_pre_releases_of_closed_pull_requests(
    world: World, aws: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tag and release go where the pull request is closed, nobody declares the version and none ever has
    but a preview, and a release of ours made it; all others stay.
    """
    opened, closed = world.open_pull(), world.open_pull()
    world.forge().close_pull(closed)
    declared = f"notifier-v1.1.0-pr{closed}.2"
    world.push(
        **{
            "environments__staging__notifier__config.yaml": (
                f"serviceName: notifier\nlambda:\n  version: 1.1.0-pr{closed}.2\n"
                "  functionName: notifier-staging\n  s3TriggerPrefix: staging/\n"
            )
        },
    )
    forge, commit = world.forge(), world.shared("rev-parse", "main")

    def release(tag: str, *, is_prerelease: bool = True) -> None:
        world.shared("update-ref", f"refs/tags/{tag}", commit)
        forge.publish(tag=tag, commit=commit, title=tag, body="", assets={}, is_prerelease=is_prerelease)

    going = [f"api-v2.0.1-pr{closed}.1", f"notifier-v1.1.0-pr{closed}.1"]
    staying = [
        declared,
        f"notifier-v1.1.0-pr{opened}.1",  # its pull request is open
        "notifier-v1.1.0-pr990.1",  # nobody knows its pull request
        f"other-v1.1.0-pr{closed}.1",  # no service of the project
        f"notifier-v1.1.0-rc{closed}.1",
        f"notifier-v1.1.0-pr{closed}",
    ]
    for tag in (*going, *staying):
        release(tag)
    release("notifier-v1.0.0", is_prerelease=False)
    lone = f"notifier-v1.1.0-pr{closed}.9"
    world.shared("update-ref", f"refs/tags/{lone}", commit)
    main_in(world, "preview", "gc", "-o", "json")
    found = json.loads(capsys.readouterr().out)
    assert found["prereleases"] == [{"tag": tag, "pull": closed} for tag in going]
    assert any(lone in note and "made no release" in note for note in found["notes"])
    assert set(forge.tags("")) == {*going, *staying, lone, "notifier-v1.0.0"}
    main_in(world, "preview", "gc", "--apply")
    said = capsys.readouterr().out
    assert f"tag and pre-release {going[0]}: pull request #{closed} is closed" in said
    assert "2 pre-releases;" in " ".join(said.split())
    assert set(forge.tags("")) == {*staying, lone, "notifier-v1.0.0"}
    assert forge.release(going[0]) is None


def digest(world: World, version: str) -> str:
    """The digest of a package."""
    return hashlib.sha256((world.work.folder / f"packages/notifier-{version}.zip").read_bytes()).hexdigest()


def test_objects_are_deleted_on_request(world: World, aws: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Those below the preview's prefix, counted first; too many are refused before anything is removed."""
    number, other = world.open_pull(), world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    world.up(other)
    for key in (f"preview/pr-{number}/a", f"preview/pr-{number}/b", f"preview/pr-{other}/a", "Projects/a"):
        upload(aws.aws.behind, UPLOADS, key)
    main_in(world, "preview", "down", "--pr", str(number), "--delete-objects", "--most", "1", code=1)
    assert "more than 1 objects" in capsys.readouterr().err
    assert "pr.yaml" in world.files(number)
    main_in(world, "preview", "down", "--pr", str(number), "--delete-objects")
    left = [one["Key"] for one in client(aws.aws.behind, "s3").list_objects_v2(Bucket=UPLOADS)["Contents"]]
    assert left == ["Projects/a", f"preview/pr-{other}/a"]
    assert world.files(number) == {}


def test_listing(world: World, aws: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Age, services, versions, status and pull request of each; a forge that fails is a note."""
    number = world.open_pull("feature")
    world.up(number, "notifier@1.1.0-pr")
    assert world.sync().is_success
    words = ("preview", "up", "--pr", str(number), "--service", "notifier@1.1.0-pr", "--wait")
    main_in(world, *words)
    assert f"live: preview/pr-{number}/notifier 1.1.0-pr" in capsys.readouterr().err
    world.push_to("feature")
    main_in(world, "preview", "list", "-o", "json")
    (one,) = json.loads(capsys.readouterr().out)["previews"]
    assert (one["number"], one["pull"]["state"], one["created"]) == (number, "open", NOW)
    assert {row["service"]: (row["declared"], row["live"], row["sync"]) for row in one["services"]} == {
        "api": ("2.0.0", None, "Unknown"),
        "notifier": ("1.1.0-pr", "1.1.0-pr", "Synced"),
    }
    main_in(world, "preview", "list")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "PREVIEW",
        "PULL",
        "AGE",
        "UPDATED",
        "ENDS",
        "IN",
        "SERVICE",
        "VERSION",
        "AND",
        "STATUS",
    ]
    assert lines[1].startswith(f"pr-{number}     open (behind)")
    assert "1.1.0-pr ● Synced" in lines[2]
