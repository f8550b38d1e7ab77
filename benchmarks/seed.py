"""Ten thousand functions in half a minute: what a saved plan would create, created without its checks.

The requests are those that a sync makes; they go out raw, without signatures, waits and read-backs.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

from tests.strict.proxy import Upstream
from tests.strict.wire import Request
from tests.support.clouds import client

from benchmarks.scenes import Scene
from benchmarks.tree import ACCOUNT, REGION
from lockstep.model import FIELDS, CreateFunction, StagePackage
from lockstep.model.fields import to_api
from lockstep.render.codec import decode_plan

__all__ = ["seed"]

_HEADERS = {
    "authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/lambda/aws4_request, "
    "SignedHeaders=host, Signature=0",
    "x-amz-date": "20260101T000000Z",
    "content-type": "application/json",
}


def seed(scene: Scene) -> None:
    """Make everything that ``lockstep plan`` says is missing."""
    file = scene.folder / "seed.json"
    scene.lockstep("plan", "-o", str(file))
    plan = decode_plan(file.read_text(), str(file))
    zips = {
        hashlib.sha256(data).hexdigest(): data
        for path in (scene.repository.folder / "packages").iterdir()
        for data in [path.read_bytes()]
    }
    s3 = client(scene.cloud, "s3", account=ACCOUNT, region=REGION)
    upstream = Upstream(scene.cloud)
    host = scene.cloud.endpoint.removeprefix("http://")

    def create(step: CreateFunction) -> None:
        wanted = step.function
        package = wanted.code.package
        assert package is not None
        rows = [row for row in FIELDS if row.api and row.name in wanted.settings]
        body = {
            "FunctionName": wanted.name,
            "Code": {"S3Bucket": package.bucket, "S3Key": package.key},
            "Tags": dict(wanted.tags),
            **to_api(wanted.name, wanted.settings, rows),
        }
        answer = upstream.forward(
            Request(
                method="POST",
                target="/2015-03-31/functions",
                headers={**_HEADERS, "host": host},
                body=json.dumps(body).encode(),
            )
        )
        assert answer.is_success, answer.body

    for step in plan.steps:
        if isinstance(step, StagePackage):
            s3.put_object(Bucket=step.package.bucket, Key=step.package.key, Body=zips[step.package.sha256])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(create, [step for step in plan.steps if isinstance(step, CreateFunction)]))
