"""Serve a program of this process to the engine, in the place of the language host that the CLI would start."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2_grpc

Program = Callable[[], None]
_PAST_PROXIES = "no_grpc_proxy"
"""Read by gRPC alone, in this spelling."""


@contextmanager
def language_server(program: Program) -> Iterator[str]:
    """Serve `program` to the engine on a loopback port while the block runs; gives the address."""
    _reach_the_engine_past_proxies()
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_GRPC_CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None)


def _reach_the_engine_past_proxies() -> None:
    """Keep gRPC from asking a proxy for the engine on this machine, as it does with https_proxy set: loopback too."""
    names = (_PAST_PROXIES, "no_proxy", "NO_PROXY")
    given = next((value for value in map(os.environ.get, names) if value), "")
    entries = [entry.strip() for entry in given.split(",") if entry.strip()]
    os.environ[_PAST_PROXIES] = ",".join(dict.fromkeys([*entries, "localhost", "127.0.0.1"]))


def quiet_about_ended_programs() -> None:
    """Keep Python from printing a traceback for a program that the engine ended half-way, as it does on a failure.

    The SDK leaves that program's coroutine, and its outputs', to the garbage collector, whose complaints say nothing
    about the failure. It may collect in code that has no `__import__`, such as a namedtuple's: then the warning itself
    fails, past the filter.
    """
    warnings.filterwarnings("ignore", r"coroutine 'Output\.\w+' was never awaited", RuntimeWarning)
    before = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        name = getattr(unraisable.object, "__qualname__", "")
        if name != "run_in_stack" and not name.startswith("Output."):
            before(unraisable)

    sys.unraisablehook = hook
