"""Who holds a stack."""

from slipway.engine.stack_lock import Holder, holder_of

TEXT = (
    "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock "
    "file with `pulumi cancel`.\n  file:///state/.pulumi/locks/organization/slipway/local.digits/ab.json: created by "
    "root@builder (pid 4711) at 2026-11-21T19:41:02Z"
)
HOLDER = Holder("root", "builder", 4711, "2026-11-21T19:41:02Z")


def test_the_holder_is_found_in_the_engines_words() -> None:
    assert holder_of(["something", TEXT], lambda _: False) == HOLDER
    assert holder_of(["something", TEXT], lambda _: True) == HOLDER


def test_another_error_has_no_holder() -> None:
    assert holder_of(["created by nobody", "no stack named 'x'"], lambda _: False) is None
