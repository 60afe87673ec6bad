"""Be `pulumi-language-python`: run a project's Python program for the Pulumi engine.

Started by the engine as `pulumi-language-python ENGINE_ADDRESS`; PULUMI_PYTHON_EXEC names the official
executor, which configures the SDK and runs the program, so that a program behaves as it does under a full
installation.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from slipway.local.host.peers import OwnPeersOfThreads
from slipway.local.plugins.python_host import interpreter

USER_MESSAGE_SHOWN = 32
"""The executor's exit code for: the error is already on the engine's diagnostics, do not say it again."""

STOP_LIMIT_S = 5.0


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """One engine's language runtime; the program is its own process, so its crash is not the host's."""

    def __init__(self, engine: str, executor: Path) -> None:
        self._engine = engine
        self._executor = executor
        self._running: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Accept the engine's greeting; the address came as an argument already."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Say no version: the host is not a released plugin."""
        return plugin_pb2.PluginInfo()

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Ask nothing when a project is made."""
        return language_pb2.RuntimeOptionsResponse()

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Which Python runs the program."""
        python = self._python(request.info, context)
        try:
            version = subprocess.run(
                [python, "-c", "import platform; print(platform.python_version())"],
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            )
        except (OSError, subprocess.SubprocessError) as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{python} does not say its version: {error}")
            raise
        return language_pb2.AboutResponse(executable=str(python), version=version.stdout.strip())

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Every package that the program's Python has."""
        folders = interpreter.site_packages(self._python(request.info, context))
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in interpreter.installed(folders)
            ]
        )

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The provider plugins that the program's packages need, less those that already run.

        The engine downloads what it is told here, so that a plugin served through PULUMI_DEBUG_PROVIDERS
        would cost a vain download in every `up`.
        """
        running = interpreter.served_elsewhere(os.environ.get("PULUMI_DEBUG_PROVIDERS", ""))
        folders = interpreter.site_packages(self._python(request.info, context))
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=plugin.name, kind="resource", version=plugin.version, server=plugin.server
                )
                for plugin in interpreter.plugins(folders)
                if plugin.name not in running
            ]
        )

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """`pulumi install`: what `uv sync` does for the project, line by line."""
        root = request.info.root_directory or request.directory
        with subprocess.Popen(["uv", "sync"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as uv:
            for line in uv.stdout or ():
                yield language_pb2.InstallDependenciesResponse(stdout=line)
        if uv.returncode != 0:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"`uv sync` in {root} ended with code {uv.returncode}")

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run the program once and say how it ended: done, with an error, or with one it has shown itself."""
        python = self._python(request.info, context)
        env = interpreter.environment_of(python, os.environ)
        env["PULUMI_CONFIG"] = json.dumps(dict(request.config))
        env["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
        # A group of its own: the engine interrupts the host's group, and a program that is interrupted with
        # it would print a traceback of its own for every Ctrl-C.
        program = subprocess.Popen(
            [python, "-u", self._executor, *executor_arguments(request, self._engine)],
            env=env,
            process_group=0,
        )
        self._running.add(program)
        try:
            code = program.wait()
        finally:
            self._running.discard(program)
        if code == 0:
            return language_pb2.RunResponse()
        if code == USER_MESSAGE_SHOWN:
            return language_pb2.RunResponse(bail=True)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return language_pb2.RunResponse(error=f"the Pulumi program {how}")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Run a policy pack beside the program, under its own Python, until the engine has no more questions."""
        if request.kind != "analyzer":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"plugins of kind {request.kind} do not run here")
        python = self._python(request.info, context)
        said: SimpleQueue[Any] = SimpleQueue()
        with subprocess.Popen(
            [python, "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory],
            cwd=request.pwd,
            env=interpreter.environment_of(python, dict(entry.split("=", 1) for entry in request.env)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        ) as pack:
            self._running.add(pack)
            context.add_callback(pack.terminate)
            pipes = {"stdout": pack.stdout, "stderr": pack.stderr}
            readers = [threading.Thread(target=_pass_on, args=(said, *pipe)) for pipe in pipes.items()]
            for reader in readers:
                reader.start()
            for _ in readers:
                yield from iter(said.get, None)
            code = pack.wait()
            self._running.discard(pack)
        yield language_pb2.RunPluginResponse(exitcode=code)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """End the running programs; the engine has given the operation up."""
        self.stop()
        return Empty()

    def stop(self) -> None:
        """End every running program, without a word of theirs; wait until they are gone."""
        for program in tuple(self._running):
            program.terminate()
        for program in tuple(self._running):
            try:
                program.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                program.kill()

    def _python(self, info: Any, context: Any) -> Path:
        options = json_format.MessageToDict(info.options)
        try:
            return interpreter.python_of(Path(info.root_directory), options)
        except interpreter.InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise


def _pass_on(said: "SimpleQueue[Any]", name: str, pipe: IO[bytes]) -> None:
    """Put each line of a pipe into the queue as the engine takes it, then None."""
    for line in pipe:
        response = language_pb2.RunPluginResponse()
        setattr(response, name, line)
        said.put(response)
    said.put(None)


def executor_arguments(request: Any, engine: str) -> list[str]:
    """The executor's command line for a run request; what is empty is left to its own defaults."""
    named = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    options = [part for name, value in named.items() if value for part in (f"--{name}", value)]
    return [*options, request.info.entry_point or request.program or ".", *request.args]


def _wait_for_the_end(parent: int) -> None:
    """Return on SIGINT or SIGTERM, or when the engine is gone (kill -9): nothing may outlive it."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    while not over.wait(1.0):
        if os.getppid() != parent:
            return


def main() -> None:
    """Serve one engine on a free port of 127.0.0.1, printed on the first line of stdout for it."""
    parent = os.getppid()
    host = LanguageHost(sys.argv[-1], Path(os.environ["PULUMI_PYTHON_EXEC"]))
    peers = OwnPeersOfThreads("this Python host of Pulumi")
    server = grpc.server(ThreadPoolExecutor(max_workers=4), interceptors=[peers], options=_GRPC_CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = peers.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - the protocol of plugins
    _wait_for_the_end(parent)
    host.stop()
    server.stop(0)


if __name__ == "__main__":
    main()
