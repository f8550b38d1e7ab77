"""Images of Amazon ECR and what Lambda makes of them.

Sources: BatchGetImage of the ECR API reference; FunctionCodeLocation of the Lambda API reference
(``ResolvedImageUri``). Lambda looks a tag up when it is given one, and never again by itself.
"""

import json

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.settings import each_configuration
from tests.strict.wire import Answer

__all__ = ["Images"]


class Images(Rule):
    """Answers for ECR. ``tags`` holds the digest (hex) of each image by its URI with the tag."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self._runs: dict[tuple[str, str, str], str] = {}

    def before(self, call: Call) -> Answer | None:
        """Answer BatchGetImage, and refuse a function whose image there is not."""
        match call.name:
            case "ecr.BatchGetImage":
                return self._batch(call)
            case "lambda.CreateFunction":
                uri = call.json().get("Code", {}).get("ImageUri")
            case "lambda.UpdateFunctionCode":
                uri = call.json().get("ImageUri")
            case _:
                return None
        if uri is None:
            return None
        digest = uri.partition("@sha256:")[2] or self.tags.get(uri)
        if digest is None:
            text = f"Source image {uri} does not exist. Provide a valid source image."
            return error(call.operation, 400, "InvalidParameterValueException", text)
        self._runs[call.key] = digest
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Show what a tag named when it was given."""
        account, region, _ = call.key
        answer = each_configuration(
            call,
            answer,
            lambda one: (
                one | {"CodeSha256": digest}
                if (digest := self._runs.get((account, region, one["FunctionName"])))
                else one
            ),
        )
        if call.name == "lambda.GetFunction" and answer.is_success and call.key in self._runs:
            body = json.loads(answer.body)
            name = body["Code"]["ImageUri"].partition("@")[0]
            repository = name.rpartition(":")[0] or name
            body["Code"]["ResolvedImageUri"] = f"{repository}@sha256:{self._runs[call.key]}"
            answer.body = json.dumps(body).encode()
        return answer

    def _batch(self, call: Call) -> Answer:
        body = call.json()
        host = f"{body['registryId']}.dkr.ecr.{call.operation.region}.amazonaws.com"
        repository = f"{host}/{body['repositoryName']}:"
        if not any(uri.startswith(repository) for uri in self.tags):
            text = f"The repository with name '{body['repositoryName']}' does not exist in the registry"
            return error(call.operation, 400, "RepositoryNotFoundException", text)
        images, failures = [], []
        for wanted in body["imageIds"]:
            digest = self.tags.get(repository + wanted["imageTag"])
            if digest is None:
                failures.append({"imageId": wanted, "failureCode": "ImageNotFound"})
            else:
                images.append({"imageId": {**wanted, "imageDigest": f"sha256:{digest}"}})
        text = json.dumps({"images": images, "failures": failures})
        return Answer(status=200, headers={"content-type": "application/x-amz-json-1.1"}, body=text.encode())
