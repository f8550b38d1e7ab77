"""Services as the step before hands them on: one word, with commas."""

from tests.functional.promotion.conftest import Shop


def test_several_services_in_one_word_are_one_promotion(shop: Shop) -> None:
    """As many services as it names, in one commit."""
    shop.package("notifier", "0.2.0")
    shop.run("promote", "notifier@0.2.0,api@1.1.0", "--to", "staging")
    assert shop.log()[:1] == ["staging: api 1.0.0 -> 1.1.0, notifier 0.1.0 -> 0.2.0 (#1)"]


def test_an_empty_name_is_bad_input(shop: Shop) -> None:
    """A variable that was never set promotes nothing, and says so."""
    for words in ("", "api@1.1.0,", ","):
        shop.run("promote", words, "--to", "staging", code=3)
        assert "this names no service and version" in shop.err
    assert shop.pulls(is_open=False) == []
