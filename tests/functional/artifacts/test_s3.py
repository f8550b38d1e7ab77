"""Packages in S3, on both local clouds."""

import base64
import hashlib
import http.server
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockstep.artifacts.base import Found
from lockstep.artifacts.s3 import S3Source
from lockstep.errors import ArtifactError, BadInput, NoCredentials, Unreadable
from lockstep.model import Release
from tests.functional.artifacts.conftest import digest, s3_source, zip_of
from tests.support import clouds

ZIP = zip_of()
Make = Callable[..., Release]


@pytest.fixture
def s3(cloud: clouds.Cloud) -> Any:
    """An S3 client with the bucket ``packages``."""
    clouds.make_bucket(cloud, "packages")
    return clouds.client(cloud, "s3")


@pytest.fixture
def source(s3: Any) -> S3Source:
    """A source that uses the client for every Region."""
    return s3_source(s3)


@pytest.fixture
def make(release: Make) -> Make:
    """Make a release of s3://packages/a.zip."""

    def make(**options: str) -> Release:
        return release("s3", **{"bucket": "packages", "key": "a.zip", **options})

    return make


def test_the_checksum_is_the_digest(s3: Any, source: S3Source, make: Make, tmp_path: Path) -> None:
    """An object uploaded with a SHA-256 checksum is known by its head."""
    checksum = base64.b64encode(hashlib.sha256(ZIP).digest()).decode()
    s3.put_object(
        Bucket="packages", Key="a.zip", Body=ZIP, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum
    )
    found = source.find(make())
    assert (found.sha256, found.size) == (digest(ZIP), len(ZIP))
    assert (found.bucket, found.key, found.origin) == ("packages", "a.zip", "s3://packages/a.zip")
    source.download(make(), found, tmp_path / "p.zip")
    assert (tmp_path / "p.zip").read_bytes() == ZIP


def test_metadata_tell_nothing(s3: Any, source: S3Source, make: Make) -> None:
    """Of an object without a checksum the bytes have to tell what it is, whatever it says of itself."""
    s3.put_object(Bucket="packages", Key="a.zip", Body=ZIP, Metadata={"lockstep-sha256": digest(ZIP)})
    assert source.find(make()).sha256 is None


def test_a_version_is_kept(s3: Any, source: S3Source, make: Make, tmp_path: Path) -> None:
    """With versioning the object found is the one downloaded, whatever was uploaded since."""
    s3.put_bucket_versioning(Bucket="packages", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="packages", Key="a.zip", Body=ZIP)["VersionId"]
    found = source.find(make())
    assert found.object_version == first
    s3.put_object(Bucket="packages", Key="a.zip", Body=b"later")
    source.download(make(), found, tmp_path / "p.zip")
    assert (tmp_path / "p.zip").read_bytes() == ZIP
    assert source.find(make(objectVersion=first)).size == len(ZIP)


def test_an_object_replaced_meanwhile_is_noticed(
    s3: Any, source: S3Source, make: Make, tmp_path: Path, cloud: clouds.Cloud
) -> None:
    """Without versioning, a package that is no longer the one found is an error."""
    s3.put_object(Bucket="packages", Key="a.zip", Body=ZIP)
    found = source.find(make())
    s3.put_object(Bucket="packages", Key="a.zip", Body=b"later")
    with pytest.raises(ArtifactError, match=r"replaced meanwhile[\s\S]*plan again"):
        source.download(make(), found, tmp_path / "p.zip")


def test_what_is_not_there_is_named(source: S3Source, make: Make) -> None:
    """A missing object or bucket names declaration and place."""
    with pytest.raises(
        ArtifactError, match=r"config.yaml:4: s3://packages/nope.zip: .*no such object[\s\S]*fix:"
    ):
        source.find(make(key="nope.zip"))
    with pytest.raises(ArtifactError, match=r"s3://nope/a.zip: .*no such (object|bucket)"):
        source.find(make(bucket="nope"))


class _Cut(http.server.BaseHTTPRequestHandler):
    """Says that an object has 100 bytes, and gives one."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_connection_that_breaks_in_the_middle_is_said(make: Make, tmp_path: Path) -> None:
    """What arrived of the object is no package, and no mistake of ours either."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Cut) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = SimpleNamespace(endpoint=f"http://127.0.0.1:{server.server_port}")
        client = clouds.client(place, "s3")
        found = Found(origin="s3://packages/a.zip", etag="x None x")
        with pytest.raises(Unreadable, match=r"s3://packages/a\.zip: ") as caught:
            s3_source(client).download(make(), found, tmp_path / "p.zip")
        server.shutdown()
    assert caught.value.fix == "check the network, then run again"


def test_bad_options_are_bad_input(source: S3Source, make: Make) -> None:
    """Bucket and key are needed, and must be possible."""
    with pytest.raises(BadInput, match="needs a bucket and a key"):
        source.find(make(key=""))
    with pytest.raises(ArtifactError, match=r"a b/a.zip: .*[\s\S]*fix: check artifacts.bucket"):
        source.find(make(bucket="a b"))


def test_no_credentials_is_said(make: Make, moto: clouds.Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the way to get some is named."""
    import botocore.session

    session = botocore.session.Session()
    client = session.create_client("s3", region_name="eu-west-1", endpoint_url=moto.endpoint)
    with pytest.raises(NoCredentials, match=r"no AWS credentials[\s\S]*sign in"):
        s3_source(client).find(make())


def test_what_was_staged_as_a_release_is_found_by_its_name(
    moto: clouds.Moto, release: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among all packages of a service, page by page; what only says that it is the release is not."""
    clouds.make_bucket(moto, "packages")
    s3 = clouds.client(moto, "s3")
    pages = s3.list_objects_v2
    monkeypatch.setattr(s3, "list_objects_v2", lambda **words: pages(MaxKeys=2, **words))
    packages = [zip_of(number=str(number)) for number in range(4)]
    for number, data in enumerate(packages):
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        more = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum} if number != 3 else {}
        said = {"lockstep-releases": f"web@1.0.{number % 3} web@2.0.{number}"}
        s3.put_object(Bucket="packages", Key=f"p/{digest(data)}.zip", Body=data, Metadata=said, **more)
    s3.put_object(Bucket="packages", Key="p/other.zip", Body=b"")
    source = s3_source(s3)

    def found(version: str, key: str = "p/{sha256}.zip") -> list[str | None]:
        made = replace(release("s3", bucket="packages"), service="web", version=version, staged_key=key)
        return [one.sha256 for one in source.staged(made)]

    assert found("1.0.1") == [digest(packages[1])]
    assert found("1.0.0") == [digest(packages[0])]  # the fourth says so too, and has no checksum
    assert found("3.0.0") == found("1.0.0", key="q/{sha256}.zip") == []
    assert found("1.0.1", key=f"p/{digest(packages[1])}.zip") == [digest(packages[1])]
    assert found("1.0.2", key=f"p/{digest(packages[1])}.zip") == []
