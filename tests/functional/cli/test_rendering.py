"""``lockstep render`` from files to files."""

import json
import subprocess
from pathlib import Path

import pytest

from lockstep.cli import main
from tests.support.clouds import make_zip

PROJECT = """\
project: shop
region: eu-west-1
account: "123456789012"
environments:
  staging: {terraform: {folder: infra, backend: {bucket: states, key: shop}}}
  preview: {}
packages: {bucket: shop-packages}
artifacts: {source: directory, path: "packages/{service}-{version}.zip"}
triggers: {bucket: shop-uploads}
kubernetes:
  namespace: "shop-{env}"
  repository: https://git.example.com/acme/gitops
  job: {image: "registry.example.com/lockstep:1", serviceAccount: deployer}
"""
FUNCTION = "lambda: {runtime: python3.13, handler: app.handler, role: runs, functionName: 'api-{env}'}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with one service in staging and in a preview, its packages and its Terraform."""
    files = {
        "lockstep.yaml": PROJECT,
        "services/api/config.yaml": "serviceName: api\ndeploymentType: lambda\n",
        "services/api/values.yaml": FUNCTION,
        "environments/staging/api/config.yaml": 'serviceName: api\nlambda: {version: "1.0"}\n',
        "environments/preview/pr-1/pr.yaml": "prNumber: 1\n",
        "environments/preview/pr-1/services/api.values.yaml": (
            'serviceName: api\ndeploymentType: lambda\nlambda: {version: "1.1"}\n'
        ),
        "infra/main.tf": 'terraform {\n  backend "s3" {}\n}\nvariable "functions" {}\n',
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "packages").mkdir()
    for version in ("1.0", "1.1"):
        (tmp_path / f"packages/api-{version}.zip").write_bytes(
            make_zip(f"def handler(*_): return {version!r}")
        )
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def _render(shop: Path, *words: str) -> int:
    return main(["-C", str(shop), "render", *words])


@pytest.mark.parametrize(
    ("road", "files"),
    [
        (
            "ack",
            ["environments/preview/pr-1/lambda/function.yaml", "environments/staging/api/function.yaml"],
        ),
        (
            "argocd-job",
            ["environments/preview/pr-1/lambda/deploy-job.yaml", "environments/staging/api/deploy-job.yaml"],
        ),
        ("argocd", ["argocd/applicationsets.yaml", "argocd/argocd-values.yaml"]),
    ],
)
def test_files_lie_in_the_tree_and_a_check_agrees(shop: Path, road: str, files: list[str]) -> None:
    """The second run touches nothing, a change is found, and a target that is gone takes its file along."""
    assert _render(shop, "--as", road, "--check") == 2
    assert _render(shop, "--as", road) == 0
    times = {path: (shop / path).stat().st_mtime_ns for path in files}
    assert _render(shop, "--as", road, "--check") == 0
    assert _render(shop, "--as", road) == 0
    assert {path: (shop / path).stat().st_mtime_ns for path in files} == times
    if road == "argocd":
        return
    (shop / "services/api/values.yaml").write_text(FUNCTION.replace("}\n", ", memorySize: 512}\n"))
    assert _render(shop, "--as", road, "--check") == 2
    for path in ("pr.yaml", "services/api.values.yaml"):
        (shop / "environments/preview/pr-1" / path).unlink()
    assert _render(shop, "--as", road) == 0
    assert not (shop / files[0]).exists()
    assert not (shop / files[0]).parent.exists()


def test_a_state_carries_what_the_mapping_passes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As Terraform gets it from our own engine; a preview without a state is refused, and told."""
    assert _render(shop, "--as", "flux", "-o", str(shop / "out")) == 1
    text = (shop / "out/states/staging/terraform.yaml").read_text()
    assert "role: arn:aws:iam::123456789012:role/runs" in text
    assert "source_code_hash: " in text
    assert 'path: "./infra"\n' in text
    out = capsys.readouterr().out
    assert "refused  terraform  preview/pr-1/api" in out
    assert "at lockstep.yaml:6 (preview/pr-1/api)" in out


def test_the_report_has_three_forms(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document names every loss and every file; with ``strict`` what is lost is a failure of its own."""
    (shop / "services/api/values.yaml").write_text(FUNCTION.replace("}\n", ", logRetentionDays: 7}\n"))
    words = ("--as", "ack", "-o", str(shop / "out"))
    assert _render(shop, "staging", *words, "--report", "json", "--strict") == 2
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "lockstep.render/1"
    lost = [one for one in document["losses"] if one["weight"] == "lost"]
    assert [(one["target"], one["field"]) for one in lost] == [("staging/api", "logRetentionDays")]
    assert document["files"] == [
        {"path": "environments/staging/api/function.yaml", "owner": "staging/api", "fate": "written"}
    ]
    assert _render(shop, "staging", *words, "--report", "markdown") == 0
    assert "| `staging/api` | `logRetentionDays` | lost |" in capsys.readouterr().out


def test_a_branch_of_its_own_holds_what_is_declared_for_all(
    shop: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing but manifests is on it; a work tree does not count, and what somebody edited there stays."""
    remote = tmp_path_factory.mktemp("remote")

    def git(*words: str) -> str:
        usual = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        return subprocess.check_output(
            ["git", "-C", str(shop), *usual, *words], text=True, stderr=subprocess.DEVNULL
        )

    def push(branch: str = "main") -> None:
        git("commit", "-qam", "change")
        git("push", "-q", "origin", f"HEAD:{branch}")

    git("init", "-q", "--bare", "-b", "main", str(remote))
    git("checkout", "-qb", "main")
    git("remote", "add", "origin", str(remote))
    git("add", ".")
    push()
    words = ("--as", "ack", "--branch", "manifests")
    assert _render(shop, *words, "--check") == 2
    assert git("ls-remote", "origin", "manifests") == ""
    assert _render(shop, *words) == 0
    assert "committed to manifests as " in capsys.readouterr().err
    git("fetch", "-q")
    assert git("ls-tree", "-r", "--name-only", "origin/manifests").split() == [
        "environments/preview/pr-1/lambda/function.yaml",
        "environments/staging/api/function.yaml",
    ]
    head = git("ls-remote", "origin", "manifests")
    (shop / "services/api/values.yaml").write_text(FUNCTION.replace("}\n", ", memorySize: 512}\n"))
    assert _render(shop, *words) == 0  # it is in the work tree alone
    assert git("ls-remote", "origin", "manifests") == head
    push()
    assert _render(shop, *words, "--check") == 2
    assert _render(shop, *words) == 0
    git("fetch", "-q")
    assert "memorySize: 512" in git("show", "origin/manifests:environments/staging/api/function.yaml")
    assert _render(shop, "--as", "argocd", "--branch", "manifests") == 0
    git("fetch", "-q")
    sets = git("show", "origin/manifests:argocd/applicationsets.yaml")
    assert sets.count("targetRevision: manifests") == sets.count("targetRevision: ") > 0
    assert "revision: main" in sets
    git("checkout", "-q", "origin/manifests")
    (shop / "environments/staging/api/function.yaml").write_text("# mine\n")
    push("manifests")
    git("checkout", "-q", "main")
    (shop / "services/api/values.yaml").write_text(FUNCTION)
    push()
    assert _render(shop, *words) == 1
    assert "environments/staging/api/function.yaml is no file of ours" in capsys.readouterr().err
    for branch, said in (("main", "holds what is declared"), ("taken", "holds lockstep.yaml")):
        git("push", "-q", "origin", "HEAD:refs/heads/taken")
        assert _render(shop, "--as", "ack", "--branch", branch) == 3
        assert said in capsys.readouterr().err
    assert _render(shop, *words, "-o", "x") == 3


def test_stdout_gets_manifests_alone(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To be piped on; the report is a message then, and no file is written."""
    assert _render(shop, "staging", "--as", "argocd-job", "-o", "-") == 0
    told = capsys.readouterr()
    assert told.out.count("kind: Job") == 1
    assert "self-heal runs no hooks" in told.err
    assert not (shop / "environments/staging/api/deploy-job.yaml").exists()


def test_a_definition_that_lacks_a_field_refuses_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is written, by the cluster's own definitions."""
    crds = shop / "crds"
    crds.mkdir()
    (crds / "function.yaml").write_text(
        "kind: CustomResourceDefinition\nspec:\n  group: lambda.services.k8s.aws\n  names: {kind: Function}\n"
        "  versions:\n  - name: v1alpha1\n    served: true\n    schema:\n      openAPIV3Schema:\n"
        "        type: object\n        properties:\n          spec: {type: object, properties: {name: {}}}\n"
    )
    assert _render(shop, "--as", "ack", "--crds", str(crds)) == 3
    assert "Function api: spec.packageType is no field there" in capsys.readouterr().err
    assert not (shop / "environments/staging/api/function.yaml").exists()
    (crds / "function.yaml").write_text("[")
    assert _render(shop, "--as", "ack", "--crds", str(crds)) == 3
    (crds / "function.yaml").unlink()
    assert _render(shop, "--as", "ack", "--crds", str(crds)) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--as", "helm"), "'helm' is not one of ack, flux, argocd-job, argocd"),
        (("--as", "ack", "-o", "-", "--check"), "no files to compare with"),
        (("--as", "ack", "-o", ""), "the value is empty"),
        (("--as", "ack", "-o", "lockstep.yaml"), "it is no folder"),
        (("--as", "ack", "--crds", "nowhere"), "nowhere: there is no such folder"),
        (("production", "--as", "ack"), "no target matches"),
        ((), "--as ROAD is missing"),
    ],
)
def test_bad_input_is_told(
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    """With what there is; nothing was written."""
    monkeypatch.chdir(shop)
    assert _render(shop, *words) == 3
    assert said in capsys.readouterr().err


def test_nothing_is_written_where_one_file_cannot_be(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the place of a folder, or a folder in that of a manifest, is told before the first one."""
    out = shop / "out"
    (out / "environments").mkdir(parents=True)
    (out / "environments/staging").touch()
    assert _render(shop, "--as", "ack", "-o", str(out)) == 3
    assert f"{out}/environments/staging: it is no folder" in capsys.readouterr().err
    (out / "environments/staging").unlink()
    (out / "environments/staging/api/function.yaml").mkdir(parents=True)
    assert _render(shop, "--as", "ack", "-o", str(out)) == 3
    assert "a folder stands where a manifest would" in capsys.readouterr().err
    assert not [one for one in out.rglob("*") if one.is_file()]


NAMESPACE = '  namespace: "shop-{env}"\n'
TRIGGER = FUNCTION.replace("}\n", ", s3TriggerPrefix: '{env}/'}\n")


@pytest.mark.parametrize(
    ("road", "project", "values", "code", "said"),
    [
        (
            "ack",
            PROJECT.replace(NAMESPACE, ""),
            FUNCTION,
            3,
            ("nothing says in which namespace", "lockstep.yaml:10", "fix: add kubernetes: {namespace:"),
        ),
        (
            "ack",
            PROJECT.replace("shop-{env}", "Shop-{env}"),
            FUNCTION,
            3,
            ("lockstep.yaml:11: 'Shop-{env}' is no namespace of Kubernetes", "fix: use at most 63 lowercase"),
        ),
        *(
            (
                road,
                PROJECT.replace("shop-{env}", template),
                FUNCTION,
                1,
                (said, "lockstep.yaml:10 (staging/api)", "fix: write another kubernetes.namespace"),
            )
            for road in ("ack", "argocd-job", "argocd")
            for template, said in (
                (f"{'s' * 61}-{{env}}", "characters, and Kubernetes allows 63"),
                ("shop-{pr}", "this is no preview"),
            )
        ),
        (
            "argocd-job",
            PROJECT.replace('"registry.example.com/lockstep:1"', "''"),
            FUNCTION,
            3,
            ("lockstep.yaml:13: kubernetes.job.image: '' is no valid image", "fix: write for example"),
        ),
        (
            "argocd-job",
            PROJECT.replace(", serviceAccount: deployer", ""),
            FUNCTION,
            1,
            ("refused job staging/api", "the Job has no service account", "{job: {serviceAccount: ...}}"),
        ),
        (
            "ack",
            PROJECT,
            TRIGGER,
            1,
            ("refused triggers staging/api", "ACK has permissions on aliases only", "declare lambda.alias"),
        ),
    ],
)
def test_what_a_road_cannot_make_is_told_with_a_way_out(
    shop: Path,
    capsys: pytest.CaptureFixture[str],
    road: str,
    project: str,
    values: str,
    code: int,
    said: tuple[str, ...],
) -> None:
    """What is wrong with all by its line, what is wrong with a target by its name; nothing is written."""
    (shop / "lockstep.yaml").write_text(project)
    (shop / "services/api/values.yaml").write_text(values)
    assert _render(shop, "staging", "--as", road) == code
    told = capsys.readouterr()
    words = " ".join((told.out + told.err).split())
    assert [one for one in said if one not in words] == [], words
    assert not [*shop.glob("environments/staging/api/*function.yaml"), *shop.glob("**/deploy-job.yaml")]


def test_an_edited_manifest_is_an_error_until_it_is_forced(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named, and left as it is."""
    assert _render(shop, "--as", "argocd-job") == 0
    path = shop / "environments/staging/api/deploy-job.yaml"
    path.write_text(path.read_text() + "# mine\n")
    assert _render(shop, "--as", "argocd-job") == 1
    assert "environments/staging/api/deploy-job.yaml was edited by hand" in capsys.readouterr().err
    assert path.read_text().endswith("# mine\n")
    assert _render(shop, "--as", "argocd-job", "--force") == 0
    assert not path.read_text().endswith("# mine\n")


def test_layers_that_were_removed_are_refused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ACK would leave them on the function and say that all is well; who took them away says so."""
    layer = ", layers: ['arn:aws:lambda:eu-west-1:123456789012:layer:tools:1']}\n"
    (shop / "services/api/values.yaml").write_text(FUNCTION.replace("}\n", layer))
    assert _render(shop, "--as", "ack") == 0
    path = shop / "environments/staging/api/function.yaml"
    before = path.read_text()
    (shop / "services/api/values.yaml").write_text(FUNCTION)
    assert _render(shop, "--as", "ack") == 1
    line = next(at for at, text in enumerate(before.splitlines(), 1) if text.strip() == "layers:")
    assert f"at environments/staging/api/function.yaml:{line} (staging/api)" in capsys.readouterr().out
    assert path.read_text() == before
    assert _render(shop, "--as", "ack", "--force") == 0
    assert "layers:" not in path.read_text()


@pytest.mark.parametrize(
    ("road", "file", "what"),
    [
        ("ack", "environments/staging/api/function.yaml", "Function api"),
        ("argocd-job", "environments/staging/api/deploy-job.yaml", "Job lockstep-api"),
        ("flux", "states/staging/terraform.yaml", "Terraform shop-staging"),
    ],
)
def test_a_deletion_that_a_road_keeps_from_happening_is_told(
    shop: Path, capsys: pytest.CaptureFixture[str], road: str, file: str, what: str
) -> None:
    """What goes from the manifests and stays in AWS, once; a preview goes from both, and is none."""
    (shop / "environments/staging/web").mkdir()
    (shop / "environments/staging/web/config.yaml").write_text("serviceName: web\nimage: {tag: '1'}\n")
    _render(shop, "--as", road)
    capsys.readouterr()
    assert (shop / file).exists()
    (shop / "environments/staging/api/config.yaml").unlink()
    for path in ("pr.yaml", "services/api.values.yaml"):
        (shop / "environments/preview/pr-1" / path).unlink()
    if road == "flux":
        (shop / "lockstep.yaml").write_text(
            PROJECT.replace("{terraform: {folder: infra, backend: {bucket: states, key: shop}}}", "{}")
        )
    assert _render(shop, "--as", road, "--strict", "--report", "json") == 2
    losses = json.loads(capsys.readouterr().out)["losses"]
    (lost,) = [one for one in losses if one["field"] == "deletion"]
    assert f"{what} is not declared any more" in lost["problem"]
    assert (lost["weight"], lost["place"]) == ("lost", f"{file}:1")
    assert not (shop / file).exists()
    assert _render(shop, "--as", road, "--strict") == 0


def test_an_address_that_is_not_declared_any_more_stays_with_ack(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its object is retained, so whoever may call it can call on: that is told."""
    (shop / "services/api/values.yaml").write_text(FUNCTION.replace("}\n", ", url: {authType: AWS_IAM}}\n"))
    assert _render(shop, "--as", "ack") == 0
    (shop / "services/api/values.yaml").write_text(FUNCTION)
    capsys.readouterr()
    assert _render(shop, "--as", "ack") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("FunctionURLConfig api is not declared any more") == 1
    assert "lost deletion staging/api" in told
