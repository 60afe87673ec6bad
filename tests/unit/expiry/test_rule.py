"""An image is deleted only when nothing runs it and nobody can go back to it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from slipway.aws.images import StoredImage
from slipway.expiry.rule import dangling, expired

TAGS = st.lists(st.sampled_from(["0123456789abcdef", "f" * 16, "v1.0.0", "sha256-abc", "latest"]), max_size=2)


def image(number: int, *tags: str) -> StoredImage:
    """The image of a day; a higher number is newer."""
    day = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=number)
    return StoredImage(f"sha256:{number}", tags or (f"{number:016x}",), day)


def gone(stored: list[StoredImage], needed: set[str], keep: int) -> set[str]:
    return {one.digest for one in expired(stored, needed, keep)}


def test_the_newest_stay_in_whatever_order_they_are_listed() -> None:
    assert gone([image(1), image(4), image(2), image(3)], set(), 2) == {"sha256:1", "sha256:2"}


def test_what_is_needed_stays_however_old_it_is() -> None:
    assert gone([image(number) for number in range(9)], {"sha256:0", "sha256:3"}, 5) == {"sha256:1", "sha256:2"}


def test_what_has_no_tag_of_slipways_alone_stays() -> None:
    others = [
        StoredImage("sha256:part", (), image(0).pushed),
        image(1, "v1.0.0"),
        image(2, "0123456789abcdef", "release"),
        image(3),
    ]
    assert gone(others, set(), 0) == {"sha256:3"}


@given(
    st.lists(st.tuples(st.integers(0, 30), TAGS), max_size=20),
    st.sets(st.integers(0, 30)),
    st.integers(1, 10),
)
def test_nothing_needed_and_none_of_the_newest_is_ever_deleted(
    pushed: list[tuple[int, list[str]]], needed: set[int], keep: int
) -> None:
    stored = [StoredImage(f"sha256:{at}", tuple(tags), image(day).pushed) for at, (day, tags) in enumerate(pushed)]
    wanted = {f"sha256:{number}" for number in needed}
    found = gone(stored, wanted, keep)
    assert not found & wanted
    newest = sorted(stored, key=lambda one: one.pushed, reverse=True)[:keep]
    kept_by_age = {
        one.digest for one in newest if all(one.pushed > other.pushed for other in stored if other not in newest)
    }
    assert not found & kept_by_age


def signature(name: str, subject: str) -> StoredImage:
    return StoredImage(name, (), image(0).pushed, subject)


def listed(subject: StoredImage) -> StoredImage:
    """A list of what refers to an image, as cosign writes one where the registry keeps none."""
    return StoredImage(f"list of {subject.digest}", (subject.digest.replace(":", "-"),), image(0).pushed)


def test_signatures_of_live_images_stay_whatever_is_expired() -> None:
    live = StoredImage("sha256:" + "a" * 64, ("0123456789abcdef",), image(9).pushed)
    kept = [live, signature("signature", live.digest), signature("of the signature", "signature"), listed(live)]
    assert expired(kept, {live.digest}, 0) == []
    assert dangling(kept) == []


def test_signatures_of_dead_images_go_with_what_refers_to_them() -> None:
    dead = StoredImage("sha256:" + "d" * 64, ("0123456789abcdef",), image(9).pushed)
    left = [signature("signature", dead.digest), signature("of the signature", "signature"), listed(dead)]
    assert {one.digest for one in dangling([*left, image(1), image(2, "v1.0.0")])} == {
        "signature",
        "of the signature",
        f"list of {dead.digest}",
    }
