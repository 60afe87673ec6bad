"""Run a language model by llama.cpp: the only module that knows its library."""

import ctypes
import os
import secrets
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slipway_server.protocol.language import Kind
from slipway_server.values.language import LanguageSection

_CLIENT_ERROR, _SERVER_ERROR = 400, 500


class ModelUnusable(Exception):
    """The model cannot be loaded; the message says why."""


class EngineRefused(Exception):
    """The engine does not answer a request. `status`: as in HTTP, whose fault that is."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class Engine:
    """A loaded model; as many threads may ask it at the same time as it has slots."""

    def __init__(self, section: LanguageSection, model: Path, threads: int) -> None:
        """Load the model.

        Args:
            section: how it is served.
            model: its GGUF file.
            threads: cores that it may use.

        Raises:
            ModelUnusable: the library is not here, or does not load the file.
        """
        try:
            import xllamacpp  # noqa: PLC0415 - only servers of language models have it
        except ImportError:
            text = "its library is not here; allowed: an image with server/requirements-llama.txt"
            raise ModelUnusable(f"language: {text}") from None
        for file in (model, *(Path(adapter.path) for adapter in section.adapters)):
            if not file.is_file():
                raise ModelUnusable(f"{file}: there is no such file")
        self._names = [adapter.name for adapter in section.adapters]
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx = section.context * section.slots
        params.n_parallel = section.slots
        params.n_batch = params.n_ubatch = min(512, section.context)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(one.path, 0.0) for one in section.adapters]
        params.lora_init_without_apply = True
        params.fit_params = False  # it would change the context by what the machine has, not the pod
        params.cache_ram_mib = 0  # it would keep up to 8 GiB of old prompts
        params.cache_idle_slots = False
        params.n_ctx_checkpoints = 0
        params.ui = params.endpoint_slots = params.endpoint_props = False
        params.n_threads_http = 1
        params.verbosity = -1
        # The library opens a port of its own, which nobody may use: a socket in a folder that only this process enters.
        self._folder = tempfile.TemporaryDirectory(prefix="llama-")
        params.hostnames = [f"{self._folder.name}/unused.sock"]
        params.api_keys = [secrets.token_urlsafe(32)]
        with _own_signals(), _quiet():
            try:
                self._server = xllamacpp.Server(params)
            except RuntimeError as error:
                raise ModelUnusable(f"{model}: llama.cpp does not load it: {error}") from None

    def ask(self, kind: Kind, body: Mapping[str, Any], adapter: str | None, on_piece: Callable[[Any], bool]) -> None:
        """Answer a request piece by piece; returns after the last one.

        Args:
            kind: what is asked.
            body: the request in llama.cpp's own words.
            adapter: the variant that answers; the model itself for None.
            on_piece: gets each piece, as OpenAI's API has it; returns whether nobody wants any more.

        Raises:
            EngineRefused: there is no answer, or none any more.
        """
        scales = [{"id": number, "scale": float(name == adapter)} for number, name in enumerate(self._names)]
        whole = {**body, "lora": scales, "stream": True, "stream_options": {"include_usage": True}}
        # By the time that a prompt takes, one caller could tell what another had asked of the same slot.
        whole["cache_prompt"] = False
        refused: list[EngineRefused] = []

        def take(piece: Any) -> bool:
            if isinstance(piece, dict) and "error" in piece:
                refused.append(_refusal(piece["error"]))
                return True
            return on_piece(piece)

        handle = self._server.handle_chat_completions if kind == "chat" else self._server.handle_completions
        try:
            handle(whole, take)
        except (RuntimeError, ValueError) as error:
            raise EngineRefused(str(error), _SERVER_ERROR) from None
        if refused:
            raise refused[0]

    def close(self) -> None:
        """Give memory and threads back."""
        del self._server
        self._folder.cleanup()


def _refusal(error: Any) -> EngineRefused:
    if not isinstance(error, dict):
        return EngineRefused(str(error), _SERVER_ERROR)
    code = error.get("code")
    status = _CLIENT_ERROR if isinstance(code, int) and _CLIENT_ERROR <= code < _SERVER_ERROR else _SERVER_ERROR
    return EngineRefused(str(error.get("message", "no reason was given")), status)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Take back what happens at SIGTERM and SIGINT: the library puts a handler of its own into the process."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep lines that are no events out of the log while the library loads: it writes them past Python."""
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(stderr, 2)
        os.close(nowhere)
        os.close(stderr)
