"""Names that differ in case only."""

from hypothesis import given
from hypothesis import strategies as st

from lockstep.config.case import clashes

NAMES = st.lists(st.sampled_from(["a", "A", "b", "ss", "ß"]), min_size=1, max_size=4).map("/".join)


@given(st.sets(NAMES))
def test_every_clash_is_told_at_its_uppermost_folder(paths: set[str]) -> None:
    """Of a file or folder, whatever lies below; without one, no two paths are the same but for case."""
    found = clashes(paths, "")
    hidden = {later for _, later in found}
    for path in paths:
        parts = path.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        first = next((one for one in above if one in hidden), None)
        assert first is None or not hidden & {*above[above.index(first) + 1 :]}
    shown = {path for path in paths if not any(path == one or path.startswith(f"{one}/") for one in hidden)}
    assert len({path.casefold() for path in shown}) == len(shown)
    assert all(one.casefold() == other.casefold() and one < other for one, other in found)
