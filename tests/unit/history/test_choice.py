"""Which release a rollback takes: the last right one before, or the one that is named, and never another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors.base import UserError, WrongValue
from slipway.history.choice import NothingBefore, before, named
from slipway.history.entry import Entry
from slipway.values.names import short
from tests.support.histories import digest, entry, newest_first


def went_back_to(live: str, *entries: Entry) -> str:
    return before(newest_first(*entries), "local", "digits", short(digest(live))).version


def test_the_last_right_release_before_the_live_one_is_gone_back_to() -> None:
    assert went_back_to("3.0.0", entry(1, "1.0.0"), entry(2, "2.0.0"), entry(3, "3.0.0")) == "2.0.0"


def test_what_failed_is_passed_over() -> None:
    there = (entry(1, "1.0.0"), entry(2, "2.0.0", verdict="failed"), entry(3, "2.1.0", verdict="interrupted"))
    assert went_back_to("3.0.0", *there, entry(4, "3.0.0")) == "1.0.0"


def test_after_a_rollback_it_goes_on_backwards_and_never_to_what_was_taken_back() -> None:
    there = [entry(1, "1.0.0"), entry(2, "2.0.0"), entry(3, "3.0.0"), entry(4, "2.0.0", "rollback")]
    assert went_back_to("2.0.0", *there) == "1.0.0"
    there.append(entry(5, "1.0.0", "rollback"))
    with pytest.raises(NothingBefore, match="nothing was judged right before it"):
        went_back_to("1.0.0", *there)


def test_a_release_after_a_rollback_goes_back_to_what_served_before_it() -> None:
    there = (entry(1, "1.0.0"), entry(2, "2.0.0"), entry(3, "1.0.0", "rollback"), entry(4, "4.0.0"))
    assert went_back_to("4.0.0", *there) == "1.0.0"


def test_restarts_and_restores_change_nothing_about_the_order() -> None:
    there = (entry(1, "1.0.0"), entry(2, "2.0.0"), entry(3, "3.0.0", verdict="failed"), entry(4, "2.0.0", "restore"))
    assert went_back_to("2.0.0", *there, entry(5, "2.0.0", "restart")) == "1.0.0"


def test_a_promoted_release_counts_as_one_that_came() -> None:
    assert went_back_to("2.0.0", entry(1, "1.0.0"), entry(2, "2.0.0", "promote")) == "1.0.0"


def test_the_same_release_twice_is_one() -> None:
    assert went_back_to("2.0.0", entry(1, "1.0.0"), entry(2, "2.0.0"), entry(3, "2.0.0")) == "1.0.0"


def test_entries_without_a_release_are_none_to_go_back_to() -> None:
    there = (entry(1, "1.0.0"), entry(2, "2.0.0", packed=None), entry(3, "", "remove", release=None, packed=None))
    assert went_back_to("3.0.0", *there, entry(4, "3.0.0")) == "1.0.0"


def test_a_live_release_that_no_entry_is_about_is_told_with_what_there_is() -> None:
    with pytest.raises(NothingBefore, match="it is in no entry of the history") as raised:
        went_back_to("9.0.0", entry(1, "1.0.0"))
    assert "1.0.0 (" in str(raised.value)


def test_an_empty_history_has_nothing() -> None:
    with pytest.raises(NothingBefore, match="none is kept yet"):
        went_back_to("1.0.0")


THERE = newest_first(
    entry(1, "1.0.0"),
    entry(2, "2.0.0"),
    entry(3, "2.0.0", "restart"),
    entry(4, "2.0.0", release=digest("2.0.0 again")),
    entry(5, "3.0.0", verdict="failed"),
)


def test_a_release_is_named_by_version_by_how_it_begins_or_by_its_entry() -> None:
    oldest = THERE[-1]
    assert named(THERE, "local", "digits", "1.0.0") == oldest
    assert named(THERE, "local", "digits", digest("1.0.0")) == oldest
    assert named(THERE, "local", "digits", short(digest("1.0.0"))) == oldest
    assert named(THERE, "local", "digits", digest("1.0.0")[:6]) == oldest
    assert named(THERE, "local", "digits", oldest.id) == oldest


def test_of_several_entries_of_a_release_the_newest_is_taken() -> None:
    found = named(THERE, "local", "digits", short(digest("2.0.0")))
    assert (found.action, found.release) == ("restart", digest("2.0.0"))


def test_a_version_of_two_releases_is_refused_with_both() -> None:
    with pytest.raises(WrongValue, match="is 2 releases") as raised:
        named(THERE, "local", "digits", "2.0.0")
    assert short(digest("2.0.0")) in str(raised.value)
    assert short(digest("2.0.0 again")) in str(raised.value)


def test_a_version_that_was_never_right_is_not_gone_back_to() -> None:
    with pytest.raises(WrongValue, match="was never judged right"):
        named(THERE, "local", "digits", "3.0.0")


def test_an_unknown_version_is_refused_with_what_there_is() -> None:
    with pytest.raises(WrongValue, match="is in no entry of the history") as raised:
        named(THERE, "local", "digits", "4.0.0")
    assert "1.0.0 (" in str(raised.value)


@given(
    st.text(max_size=80)
    | st.text(alphabet="0123456789abcdef.", max_size=70)
    | st.sampled_from([one.id for one in THERE]).map(lambda text: text[:-1])
)
def test_whatever_is_typed_is_a_release_that_begins_so_or_a_refusal(text: str) -> None:
    try:
        found = named(THERE, "local", "digits", text)
    except UserError as error:
        said = str(error)
        assert "\n" not in said
        assert said.isprintable()
        assert "next: " in said
    else:
        assert found.kept
        assert text in (found.id, found.version) or (found.release or "").startswith(text)
        assert len(text) >= 4
