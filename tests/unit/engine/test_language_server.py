"""The engine's way to a program of this process."""

import os
import subprocess
import sys

ASK = """
import os, sys, grpc
from concurrent.futures import ThreadPoolExecutor
from slipway.engine.language_server import language_server
with language_server(lambda: None) as address:
    grpc.channel_ready_future(grpc.insecure_channel(address)).result(timeout=10)
print(os.environ["no_grpc_proxy"])
"""

LEAVE = """
from pulumi import Output
from slipway.engine.language_server import quiet_about_ended_programs
class Other:
    async def future(self): ...
quiet_about_ended_programs()
drop = eval("lambda left: left.clear()", {"__builtins__": {}})
class Ended(Output):
    def __init__(self): ...
drop([Output.future(Ended())])
drop([Other().future()])
"""


def asked(**proxies: str) -> str:
    """Reach a program as its own SDK reaches the engine, in a process with these proxies; gives what goes past them."""
    names = ("https_proxy", "http_proxy", "no_proxy", "no_grpc_proxy", "grpc_proxy")
    kept = {name: value for name, value in os.environ.items() if name.lower() not in names}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=kept | proxies, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_a_proxy_of_the_environment_does_not_come_between_a_program_and_the_engine() -> None:
    dead = "http://127.0.0.1:9"
    assert asked(https_proxy=dead, http_proxy=dead) == "localhost,127.0.0.1"


def test_what_goes_past_proxies_already_goes_on_doing_so() -> None:
    assert asked(no_proxy="a.example.com, b.example.com") == "a.example.com,b.example.com,localhost,127.0.0.1"
    assert asked(no_grpc_proxy="c.example.com", no_proxy="d") == "c.example.com,localhost,127.0.0.1"


def test_outputs_of_an_ended_program_are_collected_without_a_word_where_no_warning_can_be_made() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVE], capture_output=True, text=True, check=True, timeout=60)
    assert "Output.future" not in done.stderr
    assert "Other.future" in done.stderr
