"""``preview up`` and ``down``: what they write."""

import hashlib

import pytest
import yaml

from lockstep.errors import ArtifactError, BadInput, ForgeError, NotAllowed
from lockstep.model.move import Reached
from tests.functional.previews.ground import NOW, World, write_package
from tests.support.preview_tree import project_file

LATER = "2026-11-25T09:00:00+00:00"


def test_one_commit_for_functions_and_other_services(world: World) -> None:
    """The pull request's version with digest and commit; staging's version of what it does not change."""
    number = world.open_pull()
    brought = world.up(number, "notifier@1.1.0-pr")
    assert brought.reached is Reached.COMMITTED
    sha = world.forge().pull(number).sha
    zipped = (world.work.folder / "packages/notifier-1.1.0-pr.zip").read_bytes()
    files = world.files(number)
    assert yaml.safe_load(files["pr.yaml"]) == {
        "number": str(number),
        "head_sha": sha,
        "head_short_sha": sha[:7],
        "created": NOW,
        "updated": NOW,
    }
    target = world.workspace().fleet.targets[f"preview/pr-{number}/notifier"]
    assert target.version == "1.1.0-pr"
    assert target.commit == sha
    assert target.release is not None
    assert target.release.sha256 == hashlib.sha256(zipped).hexdigest()
    assert target.function is not None
    assert target.function.name == f"notifier-pr-{number}"
    assert [trigger.prefix for trigger in target.triggers] == [f"preview/pr-{number}/"]
    api = world.workspace().fleet.targets[f"preview/pr-{number}/api"]
    assert (api.version, api.deployment_type, api.commit) == ("2.0.0", "kubernetes", "1" * 40)
    assert 'tag: "2.0.0"' in files["services/api.values.yaml"]
    assert len(world.log()) == 2
    assert world.log()[0] == f"preview/pr-{number}: api 2.0.0, notifier 1.1.0-pr"


def test_repeating_commits_nothing(world: World) -> None:
    """The same again is the same commit; a change keeps what was created and says when it was updated."""
    number = world.open_pull()
    first = world.up(number, "notifier@1.1.0-pr")
    again = world.up(number, "notifier@1.1.0-pr", now=LATER)
    assert (again.reached, again.commit) == (Reached.NOTHING, first.commit)
    changed = world.up(number, "notifier@1.2.0-pr", now=LATER)
    assert changed.reached is Reached.COMMITTED
    said = world.files(number)["pr.yaml"]
    assert f'created: "{NOW}"' in said
    assert f'updated: "{LATER}"' in said


def test_a_rebuilt_version_gets_its_new_digest(world: World) -> None:
    """A version that was built again under the same name is pinned anew, not held against the old pin."""
    number = world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    before = world.files(number)["services/notifier.values.yaml"]
    world.push()
    write_package(world.work, "1.1.0-pr", "def handler(event, context):\n    return 'again'\n")
    world.push()
    assert world.up(number, "notifier@1.1.0-pr").reached is Reached.COMMITTED
    assert world.files(number)["services/notifier.values.yaml"] != before


def test_what_nobody_names_follows_staging(world: World) -> None:
    """Each run takes staging's versions of that moment for the services that it does not name."""
    number = world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    world.push(**{"environments__staging__api__config.yaml": 'serviceName: api\nimage: {tag: "2.1.0"}\n'})
    world.up(number)
    targets = world.workspace().fleet.targets
    assert targets[f"preview/pr-{number}/api"].version == "2.1.0"
    assert targets[f"preview/pr-{number}/notifier"].version == "1.0.0"


def test_edits_keep_what_people_wrote(world: World) -> None:
    """Comments and further keys of the preview's files stay, and files that are not Lockstep's."""
    number = world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    own = f"environments__preview__pr-{number}"
    files = world.files(number)
    world.push(
        **{
            f"{own}__services__notifier.values.yaml": "# more memory\n"
            + files["services/notifier.values.yaml"].replace(
                "lambda:\n", "lambda:\n  memorySize: 512  # MB\n"
            ),
            f"{own}__notes.txt": "mine\n",
        }
    )
    world.up(number, "notifier@1.2.0-pr")
    after = world.files(number)
    assert "# more memory\n" in after["services/notifier.values.yaml"]
    assert "memorySize: 512  # MB\n" in after["services/notifier.values.yaml"]
    assert after["notes.txt"] == "mine\n"


def test_templates_are_filled_in(world: World) -> None:
    """Ours and nothing else: what Helm, Argo CD and shells fill in stays as it is."""
    world.push(
        **{
            "environments__preview__templates__namespace.yaml": (
                "name: shop-{env} # {{ .Values.x }} {{pr}} ${pr} {other} {\n"
            ),
            "environments__preview__templates__job-{service}.yaml": "image: {service}:{version}-{pr}\n",
        }
    )
    number = world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    files = world.files(number)
    assert (
        files["namespace.yaml"]
        == f"name: shop-pr-{number} # {{{{ .Values.x }}}} {{{{pr}}}} ${{pr}} {{other}} {{\n"
    )
    assert files["job-notifier.yaml"] == f"image: notifier:1.1.0-pr-{number}\n"
    assert files["job-api.yaml"] == f"image: api:2.0.0-{number}\n"


def test_a_template_names_no_service_where_there_is_none(world: World) -> None:
    """The error names the file and the line."""
    world.push(**{"environments__preview__templates__namespace.yaml": "a: 1\nname: {service}\n"})
    number = world.open_pull()
    with pytest.raises(BadInput, match=r"templates/namespace.yaml:2: \{service\} is of one service"):
        world.up(number)


def test_down_removes_the_folder(world: World) -> None:
    """One commit removes everything in the folder; without a folder there is nothing to do."""
    number, other = world.open_pull(), world.open_pull()
    world.up(number, "notifier@1.1.0-pr")
    world.up(other)
    assert world.down(number).reached is Reached.COMMITTED
    assert world.files(number) == {}
    assert "pr.yaml" in world.files(other)
    assert world.down(number).reached is Reached.NOTHING


def test_down_asks_no_forge(world: World) -> None:
    """A preview comes down though its pull request is not known to anybody."""
    number = world.open_pull()
    world.up(number)
    world.work.git("push", "-q", "origin", ":refs/lockstep/pulls")
    assert world.down(number).reached is Reached.COMMITTED
    assert world.files(number) == {}


def test_an_older_commit_changes_nothing(world: World) -> None:
    """A run for a commit that is not the newest ends well and leaves the preview to the newest's run."""
    number = world.open_pull("feature")
    old = world.forge().pull(number).sha
    world.push_to("feature")
    brought = world.up(number, "notifier@1.1.0-pr", sha=old)
    assert brought.reached is Reached.NOTHING
    assert "is at" in brought.notes[0]
    assert world.files(number) == {}


def test_a_dry_run_writes_nothing(world: World) -> None:
    """It shows the services, though, and finds what is wrong."""
    number = world.open_pull()
    brought = world.up(number, "notifier@1.1.0-pr", dry_run=True)
    assert {move.service: move.new for move in brought.moves} == {"api": "2.0.0", "notifier": "1.1.0-pr"}
    assert world.files(number) == {}


def test_time_to_live_is_kept(world: World) -> None:
    """It is written as given and stays until another is given."""
    number = world.open_pull()
    world.up(number, ttl="3d")
    world.up(number, "notifier@1.1.0-pr")
    assert 'ttl: "3d"' in world.files(number)["pr.yaml"]


CANNOT = (
    ("notifyer@1.0.0", "there is no service notifyer\n  fix: did you mean notifier?"),
    ("worker@1.0.0", "nothing says how worker runs in a preview"),
    ("notifier", "write SERVICE@VERSION"),
    ("notifier@", "write SERVICE@VERSION"),
    ("notifier@not a version", "is no version"),
    ("off@1.0.0", "left out of previews"),
    ("notifier@1.0.0 notifier@1.1.0-pr", "1.0.0 and 1.1.0-pr are both asked for"),
)


def test_services_that_cannot_be(world: World) -> None:
    """Each is bad input with a way out, and nothing is written."""
    world.push(
        **{
            "environments__staging__worker__config.yaml": "serviceName: worker\nversion: 1.0.0\n",
            "environments__preview__services__off__config.yaml": "serviceName: off\nenabled: false\n",
        }
    )
    number = world.open_pull()
    ground = world.ground()
    for services, said in CANNOT:
        words = [services] if "not a" in services else services.split()
        with pytest.raises(BadInput, match=said):
            world.up_on(ground, number, *words)
    assert world.files(number) == {}


def test_a_preview_of_nothing_and_a_source_that_is_none_are_errors(world: World) -> None:
    """Without any service there is nothing to bring up, and versions of nowhere are no versions."""
    number = world.open_pull()
    project = world.work.folder / "lockstep.yaml"
    text = project.read_text()
    world.push(
        **{"lockstep.yaml": text.replace("  staging: {}\n", "  live: {}\n"), "environments__staging": None}
    )
    with pytest.raises(
        BadInput, match=r"(?s)version of staging, which is no environment.*one of: live, production"
    ):
        world.up(number)
    world.push(**{"lockstep.yaml": text, "environments__preview__services": None})
    with pytest.raises(BadInput, match=f"preview/pr-{number}: the preview would have no services"):
        world.up(number)
    assert world.files(number) == {}


def test_a_version_without_a_package(world: World) -> None:
    """Nothing is written for a function whose package cannot be had."""
    number = world.open_pull()
    with pytest.raises(ArtifactError, match=r"notifier-9\.9\.9\.zip"):
        world.up(number, "notifier@9.9.9")
    assert world.files(number) == {}


def test_pull_requests_that_cannot_have_one(world: World) -> None:
    """Closed is told by its state, unknown by the forge."""
    number = world.open_pull()
    world.forge().close_pull(number)
    with pytest.raises(BadInput, match=f"pull request #{number} is closed"):
        world.up(number)
    with pytest.raises(ForgeError, match="777"):
        world.up(777)


def test_a_folder_of_something_else(world: World) -> None:
    """A folder that says it is another pull request's, or is none, is neither written nor removed."""
    number = world.open_pull()
    own = f"environments__preview__pr-{number}"
    world.push(**{f"{own}__notes.txt": "x\n"})
    with pytest.raises(BadInput, match=r"holds no pr\.yaml"):
        world.up(number)
    world.push(**{f"{own}__pr.yaml": 'number: "99"\n'})
    with pytest.raises(BadInput, match=rf"pr-{number}/pr\.yaml:1: number is '99'"):
        world.up(number)
    with pytest.raises(BadInput, match="number is '99'"):
        world.down(number)


def test_a_label_that_the_project_asks_for(world: World) -> None:
    """Without it there is no preview, and the error says where that is asked for."""
    world.push(**{"lockstep.yaml": project_file("label: preview")})
    number = world.open_pull()
    with pytest.raises(NotAllowed, match="does not carry the label preview"):
        world.up(number)
    world.forge().label(number, add=["preview"])
    assert world.up(number).reached is Reached.COMMITTED


def test_a_published_number_is_no_version_of_a_preview(world: World) -> None:
    """It is one of another function: whoever brings the preview names the release."""
    file = "environments/staging/notifier/config.yaml"
    text = (world.work.folder / file).read_text()
    numbered = text.replace("version: 1.0.0", 'version: "43"\n  alias: staging')
    world.push(**{file.replace("/", "__"): numbered})
    with pytest.raises(BadInput, match="staging/notifier declares version 43 of its function by its number"):
        world.up(world.open_pull())
