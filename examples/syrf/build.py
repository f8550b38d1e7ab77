"""Build the function's package: ``python build.py 0.1.6`` writes gitops/packages/s3-notifier-0.1.6.zip.

The same version of the same source gives the same bytes. ``--rabbitmq`` puts pika, the AMQP client, into
the package; without it the function can only write to its log.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lockstep.artifacts.package import make_zip

HERE = Path(__file__).resolve().parent


def build(version: str, into: Path, *, with_rabbitmq: bool = False) -> Path:
    """Write the package of a version into a folder and return its path."""
    package = into / f"s3-notifier-{version}.zip"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        shutil.copy(HERE / "monorepo" / "src" / "s3-notifier" / "app.py", source / "app.py")
        (source / "version.txt").write_text(f"{version}\n")
        if with_rabbitmq:
            subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
                + ["--target", folder, "pika==1.4.4"],
                check=True,
            )
        into.mkdir(parents=True, exist_ok=True)
        make_zip(source, package)
    return package


def main() -> None:
    """Build the versions that the command line names."""
    parser = argparse.ArgumentParser(description="Build the package of s3-notifier.")
    parser.add_argument("version", nargs="+")
    parser.add_argument("--rabbitmq", action="store_true", help="put the AMQP client into the package")
    parser.add_argument("--into", type=Path, default=HERE / "gitops" / "packages")
    options = parser.parse_args()
    for version in options.version:
        sys.stdout.write(f"{build(version, options.into, with_rabbitmq=options.rabbitmq)}\n")


if __name__ == "__main__":
    main()
