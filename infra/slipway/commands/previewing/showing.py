"""Print a preview in the form that somebody asked for, and end as `up` would."""

from collections.abc import Callable, Sequence

from slipway import console
from slipway.errors.base import UserError, UserErrors
from slipway.values.aliases import Json


def show(
    form: str,
    document: Callable[[], Json],
    markdown: Callable[[], str],
    tell: Callable[[], None],
    refused: Sequence[UserError],
) -> None:
    """Print it; `form`: json, markdown, or anything else for people, to whom `tell` prints.

    Raises:
        UserErrors: what `up` refuses, once all is shown.
    """
    if form == "json":
        console.document(document())
    elif form == "markdown":
        console.out.out(markdown(), end="", highlight=False)
    else:
        tell()
    if refused:
        raise UserErrors(refused)
