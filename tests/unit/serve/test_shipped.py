"""What runs a controller: the image, the chart and the unit agree with each other and with what they run."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lockstep.serve.controller import Part
from lockstep.serve.file import PREFIX, read_serve_file
from lockstep.serve.web.listening import HEALTH

DEPLOY = Path(__file__).parents[3] / "deploy"
CHART = DEPLOY / "helm" / "lockstep-serve"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
PROJECTS = {"shop": {"repository": "https://git.example.org/shop.git"}}


WRONG: tuple[dict[str, Any], ...] = (
    {"replicas": 2},
    {"workers": 1},
    {"workers": 1, "database": {"secret": "lockstep-database", "key": "url"}},
    {"image": {"repository": "registry.example.org/lockstep"}},
    {"config": {"projects": {}}},
    {"config": {"projects": PROJECTS, "data": "/elsewhere"}},
    {"config": {"projects": PROJECTS, "listen": "127.0.0.1:8321"}},
    {"config": {"projects": PROJECTS, "listen": "0.0.0.0:99999"}},
    {"config": {"projects": PROJECTS, "listen": "0.0.0.0:0"}},
)
"""Values that are refused."""


def values(**changed: Any) -> dict[str, Any]:
    """Those of the chart, with an image and a project."""
    usual = yaml.safe_load((CHART / "values.yaml").read_text())
    image = usual["image"] | {"repository": "registry.example.org/lockstep", "tag": "1"}
    return usual | {"image": image, "config": {"projects": PROJECTS}} | changed


def test_the_schema_knows_every_value_and_no_other() -> None:
    """A value that is misspelled is refused; so is what the chart decides, and what nobody could reach."""
    jsonschema.validate(values(), SCHEMA)
    shared = {"projects": PROJECTS, "listen": "0.0.0.0:8321"}
    jsonschema.validate(values(workers=3, config=shared, database={"secret": "x", "key": "url"}), SCHEMA)
    assert {*values()} == {*SCHEMA["properties"]} - {"global"}
    for key, value in values().items():
        if SCHEMA["properties"][key].get("additionalProperties") is False:
            assert {*value} == {*SCHEMA["properties"][key]["properties"]}
    for wrong in WRONG:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(values(**wrong), SCHEMA)


def test_what_they_set_is_what_it_reads(tmp_path: Path) -> None:
    """The folder is that of the volume; nobody is root, and the numbers are the same everywhere."""
    image = (DEPLOY / "Dockerfile").read_text()
    unit = (DEPLOY / "lockstep-serve.service").read_text()
    pod = (CHART / "templates" / "deployment.yaml").read_text()
    path = tmp_path / "lockstep-serve.yaml"
    path.write_text(json.dumps({"projects": PROJECTS}))
    for text, folder in ((image, "/data"), (unit, "/var/lib/lockstep")):
        given = dict(re.findall(rf"({PREFIX}\w+)=(\S+)", text))
        assert read_serve_file(path, given).data == Path(folder)
    assert "USER 10001:10001" in image
    assert "runAsUser: 10001" in pod
    assert "VOLUME /data" in image
    assert "mountPath: /data" in pod
    assert "StateDirectory=lockstep" in unit
    assert "readOnlyRootFilesystem: true" in pod
    assert 'CMD ["--config", "/etc/lockstep/lockstep-serve.yaml"]' in image
    assert "mountPath: /etc/lockstep," in pod


def test_the_composition_says_what_is_read() -> None:
    """Both parts of the image, each with the database; roles that there are, no password that is known."""
    composed = yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text())
    roles = {one: composed["services"][one]["command"][-1] for one in ("web", "worker")}
    assert roles == {"web": Part.WEB, "worker": Part.WORKER}
    for name in roles:
        service = composed["services"][name]
        assert service["environment"][f"{PREFIX}DATABASE"].startswith(
            "postgresql://lockstep:${POSTGRES_PASSWORD:?"
        )
        assert (service["read_only"], service["command"][1]) == (True, "/etc/lockstep/lockstep-serve.yaml")
    asked = {name: composed["services"][name]["healthcheck"]["test"][-1] for name in roles}
    assert f"'http://{HEALTH[0]}:{HEALTH[1]}/healthz'" in asked["worker"]
    assert "'http://127.0.0.1:8321/healthz'" in asked["web"]
    pod = (CHART / "templates" / "deployment.yaml").read_text()
    assert pod.count(f"0.0.0.0:{HEALTH[1]}") == pod.count(f"containerPort: {HEALTH[1]}") == 1
    assert "[serve,postgres," in (DEPLOY / "Dockerfile").read_text()
    with (
        resources.files("check_jsonschema")
        .joinpath("builtin_schemas/vendor/compose-spec.json")
        .open() as file
    ):
        jsonschema.validate(composed, json.load(file))
