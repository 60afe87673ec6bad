"""Reach what the control side of a command's fleet keeps."""

import os
from contextlib import AbstractContextManager

from slipway.commands.context import EnvironmentContext
from slipway.edge.reach import reached
from slipway.edge.store import Store
from slipway.reading.folders import find_root
from slipway.settings.edge import EdgeSettings


def fleet_store(context: EnvironmentContext, settings: EdgeSettings) -> AbstractContextManager[Store]:
    """The store, wherever it is, closed after the block; see `slipway.edge.reach.reached`."""
    return reached(context.name, settings, os.environ, find_root(context.folders.settings))
