"""The aws engine: Lambda, S3 notifications, logs and tags through the API, without a state file.

Law: one file for each resource kind; every AWS call goes through ``connection.Connection.call``,
which knows quotas, errors and secrets. Rules and limits: AWS documentation, named where used.
"""

from lockstep.engines.aws.engine import AwsEngine

__all__ = ["AwsEngine"]
