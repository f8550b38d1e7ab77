"""What Lambda does about a function that calls itself by way of a queue, a topic or a bucket.

Source: Lambda API reference (PutFunctionRecursionConfig) and developer guide, "Use Lambda recursive loop
detection to prevent infinite loops": Terminate unless said otherwise, for a function with all its versions.
"""

from lockstep.model.fields import Field, Kind
from lockstep.model.kinds.base import InTerraform, ResourceKind

__all__ = ["KIND"]

KIND = ResourceKind(
    name="recursion",
    title="recursion",
    about="What Lambda does when the function calls itself by way of SQS, SNS or S3, again and again.",
    rows=(
        Field(
            name="loop",
            api="RecursiveLoop",
            kind=Kind.STRING,
            about="What becomes of calls by which the function calls itself, by way of SQS, SNS or S3, again "
            "and again: Terminate stops them, Allow is for functions that are meant to.",
            default="Terminate",
            reset="Terminate",
            enum=("Allow", "Terminate"),
        ),
    ),
    reads=("lambda:GetFunctionRecursionConfig",),
    writes=("lambda:PutFunctionRecursionConfig",),
    removes=("lambda:PutFunctionRecursionConfig",),
    proof=("RecursiveLoop",),
    proofs={"lambda:PutFunctionRecursionConfig": ("RecursiveLoop",)},
    terraform=InTerraform(resources={"aws_lambda_function_recursion_config": {"loop": "recursive_loop"}}),
    bare="loop",
    unversioned=True,
)
