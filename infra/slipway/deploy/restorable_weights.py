"""Decide whether what a recorded release fetches is of this model: from its store, each file under its own digest.

Who may write the record could else have a pod fetch other weights, with the credentials of this one, from anywhere.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slipway.catalog.pod_contract import FETCHING_CONTAINER, FETCHING_VARIABLE
from slipway.delivery.ways import address
from slipway.environments.planning.model_store import ModelStore
from slipway.environments.planning.monitoring import Tracing
from slipway.render.fetching import FETCHING_COMMAND, FETCHING_PATH
from slipway.render.model import egress
from slipway.runtimes.registry import RUNTIMES, weights_folder


def of_fetching(
    store: ModelStore | None, members: Sequence[str], tracing: Tracing | None
) -> Mapping[str, Callable[[Any], bool]]:
    """A check for each value of the templates that is about fetched weights, or about what pods may connect to.

    `store`: None where there is none. `members`: of a pipeline, the models that it asks. `tracing`: where spans may go.
    """
    folders = {weights_folder(runtime) for runtime in RUNTIMES}
    exactly = {
        "weights_container": FETCHING_CONTAINER,
        "weights_command": FETCHING_COMMAND,
        "weights_python_path": FETCHING_PATH,
        "weights_variable": FETCHING_VARIABLE,
        "weights_secret": store.secret if store is not None else None,
    }
    return {
        **{name: _equal(wanted) for name, wanted in exactly.items()},
        "weights_folder": lambda value: isinstance(value, str) and value in folders,
        # With or without fetched weights and spans, but never more.
        "egress": lambda value: (
            value is not None
            and value in [egress(members, of, spans) for of in (None, store) for spans in (None, tracing)]
        ),
        "weights_wanted": lambda value: store is not None and _is_of(store, value),
    }


def _equal(wanted: Any) -> Callable[[Any], bool]:
    return lambda value: wanted is not None and bool(value == wanted)


def _is_of(store: ModelStore, text: Any) -> bool:
    try:
        value = json.loads(text)
        here = {key: value[key] for key in address(store)}
        return here == address(store) and all(one["key"] == store.key(one["sha256"]) for one in value["files"])
    except (ValueError, TypeError, KeyError):
        return False
