"""What a script of a box may do, and what becomes of one that does something else."""

import os
import signal
import time
from pathlib import Path

import pytest

from slipway.toolbox.errors import StepFailed, StepRefused
from slipway.toolbox.process import Limits, finished

from .conftest import Tiny

WRITES = """
import os, sys, json, socket
import step

def run(request):
    (request.output / "model.onnx").write_bytes(b"weights")
    step.progress("half  done")
    print("tool's own words")
    return {"main": "model.onnx", "format": "onnx", "tools": {"tool": "1"}, "deterministic": True,
            "settings": {"environment": sorted(os.environ), "seed": request.seed, "interfaces": networks()}}

def networks():
    return [name for _, name in socket.if_nameindex()]
"""


def test_a_result_comes_back_with_progress_told(tiny: Tiny) -> None:
    result = tiny.run(WRITES, seed=7)
    assert (result["main"], result["settings"]["seed"]) == ("model.onnx", 7)
    assert tiny.told[-1] == "half done"
    assert (tiny.output / "model.onnx").read_bytes() == b"weights"


def test_a_script_sees_no_variable_of_ours_and_says_whether_it_had_a_network(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    result = tiny.run(WRITES)
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"} & set(result["settings"]["environment"])
    assert result["network"] or result["settings"]["interfaces"] == ["lo"]


def test_what_a_library_leaves_where_it_is_does_not_stay(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    tiny.run(WRITES.replace('step.progress("half', 'open("left.onnx", "w").close()\n    step.progress("half'))
    assert list(Path().iterdir()) == []
    assert not [path for path in tmp_path.rglob("left.onnx") if path.is_file()]


def test_a_refusal_comes_back_in_its_three_parts(tiny: Tiny) -> None:
    body = 'import step\ndef run(request):\n    raise step.Refused("no shape", "a shape", "write one")\n'
    with pytest.raises(StepRefused) as refused:
        tiny.run(body)
    assert (refused.value.problem, refused.value.allowed, refused.value.todo) == ("no shape", "a shape", "write one")


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("def run(request):\n    raise ValueError('no such operator')\n", "ended with code 1"),
        ("import os, signal\ndef run(request):\n    os.kill(os.getpid(), signal.SIGSEGV)\n", "was ended by signal 11"),
        ("import os\ndef run(request):\n    os._exit(0)\n", "ended without a result"),
        ("def run(request):\n    return {}\n", "wrote a result whose deterministic, format, main, settings, tools"),
        ("def run(request):\n    return {'error': {}}\n", "refused without saying why"),
        ("def run(request):\n    return {'bytes': {1, 2}}\n", "ended with code 1"),
    ],
)
def test_a_step_without_a_result_that_can_be_used_fails(tiny: Tiny, body: str, how: str) -> None:
    with pytest.raises(StepFailed) as failed:
        tiny.run(body)
    assert failed.value.how.startswith(how)


def test_a_failure_has_the_last_lines_of_the_script(tiny: Tiny) -> None:
    with pytest.raises(StepFailed, match="no such operator"):
        tiny.run("def run(request):\n    raise ValueError('no such operator')\n")


MAIN = """
import os
def run(request):
    (request.output / "real").write_bytes(b"weights")
    DO
    return {"main": MAIN, "format": "onnx", "tools": {}, "settings": {}, "deterministic": True}
"""


@pytest.mark.parametrize(
    ("do", "main", "how"),
    [
        ("pass", "model.onnx", "wrote no model.onnx"),
        ("pass", "../request.json", "wrote weights outside of its folder"),
        ("pass", "/etc/passwd", "wrote weights outside of its folder"),
        ("(request.output / 'model.onnx').symlink_to('/etc/passwd')", "model.onnx", "wrote a link, model.onnx"),
        ("(request.output / 'more').symlink_to('/etc')", "real", "wrote a link, more"),
    ],
)
def test_a_result_lies_in_its_folder_as_files(tiny: Tiny, do: str, main: str, how: str) -> None:
    with pytest.raises(StepFailed) as failed:
        tiny.run(MAIN.replace("DO", do).replace("MAIN", repr(main)))
    assert failed.value.how.startswith(how)


def test_a_script_that_takes_too_long_is_ended_with_all_that_it_started(tiny: Tiny) -> None:
    body = """
import subprocess, sys, time
def run(request):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (request.output / "child").write_text(str(child.pid))
    time.sleep(600)
"""
    with pytest.raises(StepFailed, match="did not end within 3 s"):
        tiny.run(body, limit_s=3)
    assert _ends(int((tiny.output / "child").read_text()))


def test_a_script_gets_no_more_memory_than_it_is_given(tiny: Tiny) -> None:
    with pytest.raises(StepFailed, match="ran out of memory: 256 MiB were available"):
        tiny.run("def run(request):\n    bytearray(2**30)\n", memory=2**28)


def test_an_interrupt_ends_the_script(tmp_path: Path) -> None:
    told = tmp_path / "pid"

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    command = ("/bin/sh", "-c", f"echo $$ > {told}; echo 'progress: on'; sleep 600")
    with pytest.raises(KeyboardInterrupt):
        finished(command, {}, Limits(60), interrupted)
    assert _ends(int(told.read_text()))


def test_a_result_of_an_earlier_run_is_not_taken_for_this_one(tiny: Tiny) -> None:
    tiny.run(WRITES)
    with pytest.raises(StepFailed, match="ended without a result"):
        tiny.run("import os\ndef run(request):\n    os._exit(0)\n")


def _ends(pid: int) -> bool:
    """Whether a process ends within 10 s; one that nobody asked after has ended, too."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False
