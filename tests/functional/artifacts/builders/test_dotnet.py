"""The .NET builder.

No .NET SDK can run where these tests do, so ``dotnet`` is a stand-in here: a script that notes how it
was called and writes files as the SDK would, with what is different at each build where the SDK's output
is. What the arguments mean is the SDK's documentation; that they make builds the same is not shown.
"""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.artifacts.checks import sha256_of
from lockstep.errors import ArtifactError, BadInput
from tests.functional.artifacts.builders.conftest import Shop, contents

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SDK = """\
#!{python}
import json, os, pathlib, sys, time, zipfile
words = sys.argv[1:]
names = ("LOCKSTEP_VERSION", "SOURCE_DATE_EPOCH", "MSBUILDDISABLENODEREUSE")
call = {{"words": words, "folder": os.getcwd(), "env": {{name: os.environ.get(name) for name in names}}}}
with open({notes!r}, "a") as file:
    file.write(json.dumps(call) + "\\n")
if words == ["--version"]:
    print("8.0.404")
elif words == ["tool", "restore"]:
    if "without" not in {mode!r}:
        pathlib.Path({tools!r}).touch()
elif words[:2] == ["lambda", "help"]:
    if not pathlib.Path({tools!r}).exists():
        sys.exit("Could not execute because the specified command or file was not found.")
    print("Amazon Lambda Tools for .NET Core applications (5.10.4)\\nProject Home: ...")
elif words[0] == "publish":
    output = pathlib.Path(words[words.index("-o") + 1])
    (output / "runtimes").mkdir(parents=True)
    (output / "App.dll").write_bytes(b"MZ")
    (output / "runtimes" / "lib.so").write_bytes(b"so")
    if "broken" in {mode!r}:
        print("App.csproj: error CS1002: ; expected")
        sys.exit(1)
elif words[:2] == ["lambda", "package"]:
    with zipfile.ZipFile(words[words.index("--output-package") + 1], "w", zipfile.ZIP_DEFLATED) as archive:
        now = zipfile.ZipInfo("bootstrap", time.localtime()[:6])
        now.external_attr = 0o100755 << 16
        archive.writestr(now, b"#!")
        archive.writestr("App.dll", os.urandom(0) + b"MZ")
else:
    sys.exit(f"what is {{words}}?")
"""


class Sdk:
    """The stand-in's notes."""

    def __init__(self, folder: Path) -> None:
        self.tools = folder / "has-lambda-tools"
        self._notes = folder / "notes"

    @property
    def calls(self) -> list[dict[str, object]]:
        """How it was called, but for the questions after its version."""
        lines = self._notes.read_text().splitlines()
        return [call for call in map(json.loads, lines) if call["words"] != ["--version"]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sdk]:
    """Put the stand-in on PATH."""

    def put(mode: str = "") -> Sdk:
        folder = tmp_path / "sdk"
        folder.mkdir()
        sdk = Sdk(folder)
        script = folder / "dotnet"
        text = SDK.format(python=sys.executable, notes=str(folder / "notes"), tools=str(sdk.tools), mode=mode)
        script.write_text(text)
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return sdk

    return put


def test_a_project_is_published_the_same_everywhere(shop: Shop, install: Callable[..., Sdk]) -> None:
    """Release, for the function's machine, without the runtime, and with every switch that fixes bytes."""
    sdk = install()
    project = shop.write("App/App.csproj", "<Project/>")
    built = shop.build(
        "dotnet",
        project="App/App.csproj",
        architecture="arm64",
        commit=COMMIT,
        version="1.2.3",
        runtime="dotnet8",
    )
    (call,) = sdk.calls
    words = call["words"]
    assert isinstance(words, list)
    output = words.pop(words.index("-o") + 1)
    assert Path(output).name == "published"
    assert not Path(output).is_relative_to(shop.root)
    assert words == [
        *("publish", str(project), "-c", "Release", "-r", "linux-arm64", "--no-self-contained", "-o"),
        "-p:Deterministic=true",
        "-p:ContinuousIntegrationBuild=true",
        "-p:DeterministicSourcePaths=false",
        f"-p:PathMap={shop.root}/=/_/",
        "-p:EnableSourceControlManagerQueries=false",
        "-p:EnableSourceLink=false",
        f"-p:SourceRevisionId={COMMIT}",
    ]
    assert call["folder"] == str(project.parent)
    assert call["env"] == {
        "LOCKSTEP_VERSION": "1.2.3",
        "SOURCE_DATE_EPOCH": "315532800",
        "MSBUILDDISABLENODEREUSE": "1",
    }
    assert list(contents(built)) == ["App.dll", "runtimes/lib.so"]
    assert built.tools == {"dotnet": "8.0.404"}


def test_without_a_commit_none_is_written_into_the_assembly(shop: Shop, install: Callable[..., Sdk]) -> None:
    """A work tree and a checkout would differ by it; the only project is found by itself."""
    sdk = install()
    shop.write("App.fsproj", "<Project/>")
    shop.build("dotnet", exclude=("*.so",))
    words = sdk.calls[0]["words"]
    assert isinstance(words, list)
    assert words[5] == "linux-x64"
    assert words[-1] == "-p:IncludeSourceRevisionInInformationalVersion=false"


def test_the_projects_own_tools_are_used(shop: Shop, install: Callable[..., Sdk]) -> None:
    """With aws-lambda-tools-defaults.json it is ``dotnet lambda package``; its zip is packed anew."""
    sdk = install()
    sdk.tools.touch()
    project = shop.write("App.csproj", "<Project/>")
    shop.write("aws-lambda-tools-defaults.json", '{"msbuild-parameters": "--self-contained true"}')
    built = shop.build("dotnet", commit=COMMIT)
    help_, package = sdk.calls
    assert help_["words"] == ["lambda", "help"]
    words = package["words"]
    assert isinstance(words, list)
    assert words[:8] == [
        *("lambda", "package", "--project-location", str(project.parent), "--configuration", "Release"),
        *("--function-architecture", "x86_64"),
    ]
    assert words[8] == "--output-package"
    assert words[10] == "--msbuild-parameters"
    parameters = shlex.split(words[11])
    assert parameters[:3] == ["--self-contained", "true", "-p:Deterministic=true"]
    assert f"-p:PathMap={shop.root}/=/_/" in parameters
    assert len(words) == 12
    assert list(contents(built)) == ["App.dll", "bootstrap"]
    assert built.tools == {"dotnet": "8.0.404", "Amazon.Lambda.Tools": "5.10.4"}
    again = shop.build("dotnet", commit=COMMIT, into="again.zip")
    assert sha256_of(again.path) == sha256_of(built.path)


def test_tools_that_a_manifest_names_are_restored(shop: Shop, install: Callable[..., Sdk]) -> None:
    """The manifest of a folder above counts, up to the repository's root."""
    sdk = install()
    shop.write("App.csproj", "<Project/>")
    manifest = shop.root / ".config" / "dotnet-tools.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"version": 1, "tools": {"Amazon.Lambda.Tools": {"version": "5.10.4"}}}))
    assert "Amazon.Lambda.Tools" in shop.build("dotnet").tools
    asked = [call["words"] for call in sdk.calls]
    assert asked[:3] == [["lambda", "help"], ["tool", "restore"], ["lambda", "help"]]
    manifest.write_text(json.dumps({"version": 1, "tools": {"other": {}}}))
    assert "Amazon.Lambda.Tools" not in shop.build("dotnet").tools
    manifest.write_text("[]")
    with pytest.raises(BadInput, match=r"\.config/dotnet-tools\.json: this is no tool manifest"):
        shop.build("dotnet")


def test_tools_that_are_missing_are_told(
    shop: Shop, install: Callable[..., Sdk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No SDK, and no Amazon.Lambda.Tools where the project uses them."""
    project = shop.write("App.csproj", "<Project/>")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ArtifactError, match=r"there is no \.NET SDK"):
        shop.build("dotnet")
    install("without")
    (project.parent / "aws-lambda-tools-defaults.json").write_text("{}")
    with pytest.raises(ArtifactError) as caught:
        shop.build("dotnet")
    assert "src/app/App.csproj: the project uses Amazon.Lambda.Tools, and they are not" in str(caught.value)
    assert "dotnet tool install -g Amazon.Lambda.Tools" in str(caught.value)


def test_a_failing_build_shows_what_the_compiler_said(shop: Shop, install: Callable[..., Sdk]) -> None:
    """Nothing is packed then."""
    install("broken")
    shop.write("App.csproj", "<Project/>")
    with pytest.raises(ArtifactError) as caught:
        shop.build("dotnet")
    assert "publishing src/app/App.csproj: dotnet publish ended with exit code 1" in str(caught.value)
    assert "error CS1002: ; expected" in str(caught.value)
    assert not (shop.root / "out.zip").exists()


@pytest.mark.parametrize("names", [[], ["A.csproj", "B.csproj"]])
def test_a_project_that_is_not_clear_is_asked_for(
    shop: Shop, install: Callable[..., Sdk], names: list[str]
) -> None:
    """None, or several in the folder; and one that is not there."""
    install()
    for name in names:
        shop.write(name, "<Project/>")
    with pytest.raises(BadInput, match="which project is built is not clear: there are"):
        shop.build("dotnet")
    with pytest.raises(BadInput, match=r"there is no project 'C/C\.csproj' in src/app"):
        shop.build("dotnet", project="C/C.csproj")


def test_a_folder_that_cannot_be_mapped_is_refused(tmp_path: Path, install: Callable[..., Sdk]) -> None:
    """A comma in its name would end the map."""
    install()
    shop = Shop(tmp_path / "a,b")
    shop.write("App.csproj", "<Project/>")
    with pytest.raises(BadInput, match=r"has a character in its name that \.NET cannot map"):
        shop.build("dotnet")
