"""A package that was built: as terminal lines, JSON and Markdown."""

from lockstep.model import Built, Part
from lockstep.render.blocks import fence, flat, span
from lockstep.render.cells import columns_of, fit, hanging, printable
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.wire import dump

__all__ = ["package_document", "package_lines", "package_markdown"]

_PARTS = 8  # that are listed; the rest is counted


def package_lines(built: Built, *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """Path, digest and sizes, and what makes it large. Warnings are not among them."""
    sizes = f"{_megabytes(built.size)} zipped, {_megabytes(built.unpacked)} unpacked, {_files(built.files)}"
    title = f"{built.service} {built.version}" if built.version else built.service
    lines = [
        palette.paint(palette.bold, printable(title)),
        f"  path    {printable(str(built.path))}",  # whole, to be copied
        f"  sha256  {built.sha256}",
        *hanging("  size    ", sizes, columns),
        *hanging("  built   ", printable(_how(built)), columns),
    ]
    lines += ["", "What makes it large:"]
    return lines + _part_lines(built, columns)


def _how(built: Built) -> str:
    words = [f"by {built.builder}"]
    if built.runtime:
        words.append(f"for {built.runtime} on {built.architecture}")
    if built.tools:
        words.append("with " + ", ".join(f"{name} {version}" for name, version in built.tools.items()))
    if built.dependencies:
        count = len(built.dependencies)
        words.append(f"({count} {'dependency' if count == 1 else 'dependencies'})")
    if built.commit:
        words.append(f"from commit {built.commit[:12]}")
    return " ".join(words)


def _part_lines(built: Built, columns: int) -> list[str]:
    shown, rest = built.parts[:_PARTS], built.parts[_PARTS:]
    rows = [(part, f"{_share(part, built):>4}  {_files(part.files)}") for part in shown]
    if rest:
        rows.append((Part(name=f"and {len(rest)} more", size=sum(part.size for part in rest), files=0), ""))
    names = [printable(part.name) for part, _ in rows]
    width = min(max(map(columns_of, names), default=0), max(columns - 36, 20))
    return [
        f"  {fit(name, width)}  {_megabytes(part.size):>9}  {about}".rstrip()
        for name, (part, about) in zip(names, rows, strict=True)
    ]


def _share(part: Part, built: Built) -> str:
    return f"{100 * part.size / built.unpacked:.0f}%" if built.unpacked else "0%"


def _files(count: int) -> str:
    return f"{count:,} {'file' if count == 1 else 'files'}"


def _megabytes(size: int) -> str:
    """A size as Lambda's quotas count: ``12.3 MB`` of 1,048,576 bytes; small ones in KB or bytes."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.1f} KB" if size < 1024 * 1024 else f"{size / 2**20:.1f} MB"


def package_markdown(built: Built) -> str:
    """The same lines for a job's summary, with the warnings."""
    title, *lines = package_lines(built, columns=100)
    parts = [f"### Package {span(title)}", fence("", lines)]
    if built.warnings:
        parts += ["**Warnings**", fence("", flat(built.warnings))]
    return "\n\n".join(parts) + "\n"


def package_document(built: Built) -> str:
    """``lockstep.package/1``."""
    return dump(
        {
            "format": "lockstep.package/1",
            "service": built.service,
            "version": built.version,
            "path": str(built.path),
            "sha256": built.sha256,
            "size": built.size,
            "unpacked": built.unpacked,
            "files": built.files,
            "commit": built.commit,
            "builder": built.builder,
            "runtime": built.runtime,
            "architecture": built.architecture,
            "tools": dict(built.tools),
            "dependencies": list(built.dependencies),
            "parts": [{"name": p.name, "size": p.size, "files": p.files} for p in built.parts],
            "warnings": list(built.warnings),
        }
    )
