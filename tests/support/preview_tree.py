"""A GitOps tree with a function and a Kubernetes service, as tests of previews use it."""

from collections.abc import Mapping

from tests.support.projects import PACKAGES, UPLOADS

__all__ = ["FILES", "project_file"]


def project_file(preview: str = "", more: str = "") -> str:
    """``lockstep.yaml`` of the project."""
    lines = "".join(f"  {line}\n" for line in preview.splitlines())
    return f"""\
project: shop
region: eu-west-1
environments:
  staging: {{}}
  production: {{}}
  preview: {{}}
packages: {{bucket: {PACKAGES}}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
triggers: {{bucket: {UPLOADS}}}
functionDefaults: {{runtime: python3.12, handler: app.handler, role: lambda-role}}
{"preview:" if preview else ""}
{lines}{more}"""


FILES: Mapping[str, str] = {
    "services/notifier/config.yaml": "serviceName: notifier\ndeploymentType: lambda\n",
    "services/api/config.yaml": "serviceName: api\n",
    "environments/staging/notifier/config.yaml": (
        "serviceName: notifier\nlambda:\n  version: 1.0.0\n"
        "  functionName: notifier-staging\n  s3TriggerPrefix: staging/\n"
    ),
    "environments/staging/api/config.yaml": (
        'serviceName: api\nimage:\n  tag: "2.0.0"\n'
        'gitVersion: {sha: "1111111111111111111111111111111111111111"}\n'
    ),
    "environments/production/notifier/config.yaml": (
        "serviceName: notifier\nlambda:\n  version: 1.0.0\n"
        "  functionName: notifier\n  s3TriggerPrefix: Projects/\n"
    ),
    "environments/preview/preview.values.yaml": "replicas: 1\n",
    "environments/preview/services/notifier/config.yaml": "serviceName: notifier\n",
    "environments/preview/services/notifier/values.yaml": (
        'lambda:\n  functionName: "notifier-{env}"\n  s3TriggerPrefix: "preview/{env}/"\n'
    ),
    "environments/preview/services/api/config.yaml": "serviceName: api\n",
}
