"""Run a user's own `before(body)` and `after(outputs)` in a process beside the server, which can end it.

Whatever the code does, raise, hang, leave with `os._exit`, fill its memory, the server goes on: the process is ended
when the time of a request is over, or found dead, and another one is started for the next request.
"""

import importlib.util
import multiprocessing
import pickle
import sys
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

BEFORE, AFTER = "before", "after"
START_LIMIT_S = 60.0
_MOST_BYTES = 256 * 2**20
_END_S = 5.0
_WORDS = 500


class HookError(Exception):
    """The hook cannot be used at all; the message says why."""


class HookRefusal(Exception):
    """The hook raised a ValueError: what was sent is wrong, in the hook's own words."""


class HookFault(Exception):
    """The hook failed, in a way that who sent the request can do nothing about."""


class HookTimeout(HookFault):
    """The hook took longer than the request had."""


class Hook:
    """The process with the user's functions. `call` may be called from one thread at a time."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Start the process and import the user's files.

        Args:
            files: the Python file of each function, `before` and `after`, that there is.

        Raises:
            HookError: a file cannot be imported, or has not its function.
        """
        self.most = _MOST_BYTES
        """Bytes that a function may give at most."""
        self._files = {name: str(path) for name, path in files.items()}
        self._process: BaseProcess | None = None
        self._start()

    @property
    def names(self) -> frozenset[str]:
        """The functions that there are."""
        return frozenset(self._files)

    @property
    def process_id(self) -> int:
        """Of the process, whose memory is the pod's too."""
        return self._process.pid or 0 if self._process is not None else 0

    def call(self, name: str, argument: Any, limit_s: float) -> Any:
        """Return what the function returns.

        Raises:
            HookRefusal: it raised a ValueError.
            HookFault: it raised another exception, took too long, or the process has ended.
        """
        try:
            if self._process is None:
                self._start()
            self._connection.send_bytes(pickle.dumps((name, argument), pickle.HIGHEST_PROTOCOL))
            if not self._connection.poll(limit_s):
                self._end()
                raise HookTimeout(f"`{name}` of the hook took longer than {limit_s:g} s")
            data = self._connection.recv_bytes(self.most)
        except (EOFError, OSError):
            self._end()
            raise HookFault(f"`{name}` of the hook ended its process, or gave over {self.most // 2**20} MiB") from None
        except HookError as error:
            raise HookFault(str(error)) from None
        # The user's own code made it, in the same pod.
        kind, value = pickle.loads(data)  # noqa: S301
        if kind == "refused":
            raise HookRefusal(value)
        if kind == "failed":
            raise HookFault(value)
        return value

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._files), daemon=True, name="hook")
        self._process.start()
        theirs.close()
        try:
            said = self._connection.recv() if self._connection.poll(START_LIMIT_S) else "was not imported in time"
        except (EOFError, OSError):
            said = "ended its process while it was imported"
        if said is not None:
            self._end()
            raise HookError(f"the hook {said}")

    def _end(self) -> None:
        process, self._process = self._process, None
        self._connection.close()
        if process is not None:
            process.kill()
            process.join(_END_S)


def _serve(connection: Connection, files: Mapping[str, str]) -> None:
    """Import the user's files, say how that went, and answer calls until the server is gone."""
    try:
        modules = {path: _imported(path) for path in dict.fromkeys(files.values())}
        functions = {name: getattr(modules[path], name) for name, path in files.items()}
    except AttributeError as error:
        connection.send(f"has not its function: {error}")
        return
    # A user's module may raise anything; SystemExit is no Exception.
    except BaseException as error:
        traceback.print_exc()
        connection.send(f"cannot be imported: {type(error).__name__}: {error}")
        return
    connection.send(None)
    while True:
        try:
            name, argument = connection.recv()  # which is what `send_bytes` of a pickle sends
        except (EOFError, OSError):
            return
        connection.send_bytes(_called(functions[name], name, argument))


def _imported(path: str) -> ModuleType:
    name = f"slipway_hook_{Path(path).stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _called(function: Any, name: str, argument: Any) -> bytes:
    """Return what the function gives, ready to be sent; of `after`, as JSON."""
    try:
        given = function(argument)
        value = (
            orjson.dumps(given, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS) if name == AFTER else given
        )
        return pickle.dumps(("given", value), pickle.HIGHEST_PROTOCOL)
    except (orjson.JSONEncodeError, pickle.PicklingError) as error:
        return pickle.dumps(("failed", f"`{name}` of the hook gave what cannot be sent: {error}"))
    except ValueError as error:
        return pickle.dumps(("refused", str(error)[:_WORDS]))
    # A user's function may raise anything; its traceback is for whoever reads the pod's log.
    except BaseException as error:
        traceback.print_exc()
        return pickle.dumps(("failed", f"`{name}` of the hook failed: {type(error).__name__}: {error}"[:_WORDS]))
