"""Where the AWS provider of Terraform lies on this machine, so that nothing needs to be set up.

Tests and measurements find a mirror by LOCKSTEP_TERRAFORM_PROVIDERS, by Terraform's own CLI configuration,
or where people and images put one. Where there is none, Terraform looks for itself, in the registry.
Source of the layouts and of the places that Terraform looks at: "Provider Installation" of its documentation.
"""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["VARIABLE", "configure", "find_mirror"]

VARIABLE = "LOCKSTEP_TERRAFORM_PROVIDERS"
PROVIDER = "registry.terraform.io/hashicorp/aws"
_LEAST = (5, 100, 0)
_SHARED = ("opt", "srv", "usr/local/lib", "usr/local/share", "usr/lib", "usr/share", "var/lib", "var/cache")
_MIRROR = re.compile(r'filesystem_mirror"?\s*[:=]?\s*\[?\s*\{[^}]*?\bpath"?\s*[:=]\s*"([^"]+)"')
_CACHE = re.compile(r'plugin_cache_dir"?\s*[:=]\s*"([^"]+)"')
_CONFIGURATION = """\
provider_installation {{
  filesystem_mirror {{
    path    = "{path}"
    include = ["{provider}"]
  }}
  direct {{
    exclude = ["{provider}"]
  }}
}}
"""


def configure(folder: Path, environment: Mapping[str, str], root: Path = Path("/")) -> dict[str, str]:
    """Variables with which Terraform finds the provider, by a CLI configuration written to ``folder``.

    Empty where no mirror is found, or where the user's own configuration names a mirror on the network.
    """
    mirror = find_mirror(environment, root)
    if mirror is None:
        return {}
    text = _CONFIGURATION.format(path=mirror, provider=PROVIDER)
    file = folder / "providers.tfrc"
    partial = folder / f"providers.{os.getpid()}.new"
    partial.write_text(text)
    partial.replace(file)
    return {"TF_CLI_CONFIG_FILE": str(file)}


def find_mirror(environment: Mapping[str, str], root: Path = Path("/")) -> Path | None:
    """The first folder that holds the provider for this machine; ``root`` is where the shared places lie."""
    if environment.get(VARIABLE):
        return Path(environment[VARIABLE]).absolute()
    said = _configured(environment)
    if "network_mirror" in said:
        return None
    return next((path for path in _places(environment, said, root) if _holds(path)), None)


def _places(environment: Mapping[str, str], said: str, root: Path) -> Iterator[Path]:
    home = Path(environment.get("HOME") or "/")
    named = [*_MIRROR.findall(said), environment.get("TF_PLUGIN_CACHE_DIR"), *_CACHE.findall(said)]
    for name in filter(None, named):
        yield Path(name.replace("$HOME", str(home))).absolute()
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local/share")
    yield from (home / ".terraform.d/plugins", home / ".terraform.d/plugin-cache", data / "terraform/plugins")
    for place in _SHARED:
        for depth in ("", "*/", "*/*/"):
            for found in sorted((root / place).glob(f"{depth}{PROVIDER}")):
                yield found.parents[len(Path(PROVIDER).parts) - 1]


def _configured(environment: Mapping[str, str]) -> str:
    """Terraform's CLI configuration without comments; "" where there is none."""
    home = Path(environment.get("HOME") or "/")
    files = [environment.get("TF_CLI_CONFIG_FILE"), home / ".terraformrc"]
    for file in filter(None, files):
        try:
            return re.sub(r"^\s*(#|//).*", "", Path(file).read_text(errors="replace"), flags=re.MULTILINE)
        except OSError:
            continue
    return ""


def _holds(mirror: Path) -> bool:
    """Whether a mirror has a version that is new enough, unpacked or packed."""
    machine = platform.machine().lower()
    target = f"{platform.system().lower()}_{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(machine, machine) }"
    folder = mirror / PROVIDER
    unpacked = [path.parent.name for path in folder.glob(f"*/{target}")]
    packed = [path.name.split("_")[1] for path in folder.glob(f"terraform-provider-aws_*_{target}.zip")]
    return any(_numbers(version) >= _LEAST for version in (*unpacked, *packed))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
