"""Show environments as a page: `dashboard`, from a server on this machine, and `status --html`, as a file."""

import threading
from collections.abc import Sequence
from pathlib import Path

from slipway import console
from slipway.commands.context import EnvironmentContext, Folders
from slipway.commands.inspecting.advise import save
from slipway.commands.inspecting.overview import overview
from slipway.dashboard.page import page
from slipway.dashboard.server import Dashboard
from slipway.loading.settings import read_settings
from slipway.values.aliases import Json


def show_dashboard(names: Sequence[str], folders: Folders, port: int) -> None:
    """Serve the page of these environments until it is interrupted; its address is printed.

    Raises the `UserError` of a name that has no settings, and of a port that cannot be had, before anything is served.
    """
    for name in names:
        read_settings(folders.settings, name)
    chosen = list(dict.fromkeys(names))

    # Files are read each time: what somebody edits or merges meanwhile is what `up` would do.
    def gather() -> Sequence[Json]:
        return overview(chosen, lambda name: EnvironmentContext(name, folders, ()))

    dashboard = Dashboard(gather, port)
    serving = threading.Thread(target=dashboard.run, daemon=True)
    serving.start()
    console.result(dashboard.url)
    console.message("this machine alone can open it, and only with this address; Ctrl-C ends it")
    try:
        while serving.is_alive():
            serving.join(1)
    except KeyboardInterrupt:
        console.message("the dashboard has ended")
    finally:
        dashboard.close()


def write_status(context: EnvironmentContext, file: Path) -> None:
    """Write what is known of one environment as an HTML page that needs nothing else; raises `FileRefused`.

    A cluster that does not answer is said in it.
    """
    save(file, page(overview([context.name], lambda _: context), live=False))
