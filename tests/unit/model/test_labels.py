"""Labels by name, without case."""

from hypothesis import given
from hypothesis import strategies as st

from lockstep.forge.local.records import Thread
from lockstep.model.labels import has_label

names = st.text(alphabet="aAbB:", min_size=1, max_size=3)


def test_case_does_not_count() -> None:
    """Names do."""
    assert has_label(["bug", "Preview"], "preview")
    assert not has_label(["bug", "previews"], "preview")
    assert not has_label([], "preview")


@given(st.lists(names), st.lists(names))
def test_a_thread_has_a_label_once(add: list[str], remove: list[str]) -> None:
    """Whatever its case; what is removed is gone."""
    thread = Thread(number=1, title="", body="", author="", created="")
    thread = thread.labelled(add).labelled((), remove)
    assert len({label.casefold() for label in thread.labels}) == len(thread.labels)
    assert not any(has_label(remove, label) for label in thread.labels)
    assert all(has_label(thread.labels, label) or has_label(remove, label) for label in add)
