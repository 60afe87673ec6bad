"""A model is run over a file in parts; a run that is killed leaves whole ones, and the next one goes on behind them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx_models
import processes
import pytest
import step_models

LIMIT_S = 120
TABULAR = {"request": {"inputs": {"features": [[1, 2, 3]], "weight": [[2]]}}, "expect": {"score": 12, "rank": 4}}


def command(config: Mapping[str, Any], folder: Path, *arguments: object) -> tuple[list[str], dict[str, str]]:
    path = folder / f"config-{time.monotonic_ns()}.json"
    path.write_text(json.dumps(config))
    environ = {"SLIPWAY_CONFIG": str(path), "SLIPWAY_CPU_LIMIT_MILLIS": "1000", "PATH": "/usr/bin:/bin"}
    return [sys.executable, "-m", "slipway_server.batch", *map(str, arguments)], environ


def batch(config: Mapping[str, Any], folder: Path, *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    """Run it to its end; return the exit code and the events of its log."""
    words, environ = command(config, folder, *arguments)
    ran = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return ran.returncode, [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]


def reason(config: Mapping[str, Any], folder: Path, *arguments: object) -> str:
    code, events = batch(config, folder, *arguments)
    assert (code, events[-1]["event"]) == (1, "failed")
    return str(events[-1]["reason"])


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.name != ".lock")


def tabular(folder: Path) -> dict[str, Any]:
    return processes.config_for(onnx_models.tabular(folder), TABULAR, max_body_bytes=4096)


def test_each_line_is_answered_by_a_line_as_over_http(tmp_path: Path) -> None:
    config = tabular(tmp_path)
    good = [{"inputs": {"features": [[n, 2, 3]], "weight": [[n]]}} for n in range(70)]
    lines = [json.dumps(one) for one in good]
    lines[3], lines[40], lines[41], lines[69] = (
        "",
        '{"inputs": {"features": [[1, 2]], "weight": [[1]]}}',
        "x" * 5000,
        "[1",
    )
    source = tmp_path / "calls.jsonl"
    source.write_text("\n".join(lines))  # the last line has no end
    code, events = batch(config, tmp_path, source, tmp_path / "out", "--rows", 32)
    assert code == 0
    assert names(tmp_path / "out") == ["batch.json", "done.json", *(f"part-00000{n}.jsonl" for n in range(3))]
    parts = [(tmp_path / "out" / f"part-00000{n}.jsonl").read_text().splitlines() for n in range(3)]
    assert [len(part) for part in parts] == [32, 32, 6]
    answers = [json.loads(line) for part in parts for line in part]
    with processes.running(config, tmp_path) as server:
        for line, answer in zip(lines, answers, strict=True):
            if len(line) < 4096:
                assert server.ask("POST", "/predict", line.encode(), content_type="application/json").json == answer
    assert answers[41] == {"error": "the line is too long; allowed: at most 4096 bytes"}
    done = [event for event in events if event["event"] == "part"]
    assert [(one["number"], one["rows_done"], one["rows"], one["refused"]) for one in done] == [
        (0, 32, 70, 1),
        (1, 64, 70, 2),
        (2, 70, 70, 1),
    ]
    assert json.loads((tmp_path / "out" / "done.json").read_text()) == {"rows": 70, "parts": 3}


def test_a_killed_run_leaves_whole_parts_and_the_next_one_goes_on_behind_them(tmp_path: Path) -> None:
    check = {"request": [1], "expect": {"y": 128}}
    config = processes.config_for(onnx_models.slow(tmp_path), check)
    source = tmp_path / "calls.jsonl"
    source.write_text("".join(f"[{3000 + n}]\n" for n in range(40)))
    out = tmp_path / "out"
    words, environ = command(config, tmp_path, source, out, "--rows", 2)
    process = subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + LIMIT_S
        while not (out / "part-000002.jsonl").is_file():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(LIMIT_S)
    there = {one.name: one.read_bytes() for one in out.glob("part-*.jsonl")}
    assert 3 <= len(there) < 20
    assert all(data.count(b"\n") == 2 and data.endswith(b"\n") for data in there.values())
    (out / "part-000019.jsonl.half").write_bytes(b"cut o")
    code, events = batch(config, tmp_path, source, out, "--rows", 2)
    assert code == 0
    (began,) = [event for event in events if event["event"] == "batch"]
    assert (began["parts"], began["parts_there"]) == (20, len(there))
    assert [event["number"] for event in events if event["event"] == "part"] == list(range(len(there), 20))
    assert {name: (out / name).read_bytes() for name in there} == there
    assert len(list(out.glob("part-*"))) == 20
    whole = tmp_path / "whole"
    assert batch(config, tmp_path, source, whole, "--rows", 2)[0] == 0
    assert [(one.name, one.read_bytes()) for one in sorted(whole.glob("part-*"))] == [
        (one.name, one.read_bytes()) for one in sorted(out.glob("part-*"))
    ]


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_give_arrays_of_as_many_rows(tmp_path: Path, compressed: bool) -> None:
    rng = np.random.default_rng(5)
    features, weight = rng.random((101, 3), np.float32), rng.integers(-9, 9, (101, 1))
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "rows.npz", weight=weight, features=features)
    code, _ = batch(tabular(tmp_path), tmp_path, tmp_path / "rows.npz", tmp_path / "out", "--rows", 40)
    assert code == 0
    found = [np.load(one) for one in sorted((tmp_path / "out").glob("part-*.npz"))]
    assert [len(one["score"]) for one in found] == [40, 40, 21]
    score = np.concatenate([one["score"] for one in found])
    np.testing.assert_allclose(score, weight * features.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(np.concatenate([one["rank"] for one in found]), 2 * weight)


def test_arrays_are_gone_on_with_behind_the_parts_that_are_there(tmp_path: Path) -> None:
    features, weight = np.arange(90, dtype=np.float32).reshape(30, 3), np.arange(30).reshape(30, 1)
    np.savez_compressed(tmp_path / "rows.npz", weight=weight, features=features)
    out = tmp_path / "out"
    assert batch(tabular(tmp_path), tmp_path, tmp_path / "rows.npz", out, "--rows", 7)[0] == 0
    before = {one.name: one.read_bytes() for one in out.glob("part-*")}
    for number in (1, 3):
        (out / f"part-00000{number}.npz").unlink()
    code, events = batch(tabular(tmp_path), tmp_path, tmp_path / "rows.npz", out, "--rows", 7)
    assert code == 0
    assert [event["number"] for event in events if event["event"] == "part"] == [1, 3]
    for name, data in before.items():
        for output, array in np.load(out / name).items():
            (tmp_path / "was.npz").write_bytes(data)
            np.testing.assert_array_equal(array, np.load(tmp_path / "was.npz")[output])


def test_texts_go_in_and_out_of_archives_without_pickles(tmp_path: Path) -> None:
    config = processes.config_for(onnx_models.echo_text(tmp_path), {"request": ["a"], "expect": {"y": "a"}})
    texts = np.array(["größe", "", "c" * 40, "d"])
    np.savez(tmp_path / "rows.npz", x=texts)
    assert batch(config, tmp_path, tmp_path / "rows.npz", tmp_path / "out")[0] == 0
    assert np.load(tmp_path / "out" / "part-000000.npz", allow_pickle=False)["y"].tolist() == texts.tolist()


def test_rows_that_change_each_other_s_answers_run_one_by_one(tmp_path: Path) -> None:
    check = {"request": [[1, 2]], "expect": {"y": [[1, 2]]}}
    config = processes.config_for(onnx_models.running_sum(tmp_path), check)
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    code, events = batch(config, tmp_path, archive(tmp_path, x=rows), tmp_path / "out")
    assert (code, next(one for one in events if one["event"] == "ready")["batching"]) == (0, False)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "part-000000.npz")["y"], rows)


def test_a_model_with_steps_takes_lines_as_over_http(tmp_path: Path) -> None:
    check = {"request": {"input": [[1, 2, 3]]}, "expect": {"scores": [[0.09, 0.24, 0.66]]}}
    model = step_models.scores(tmp_path)
    config = processes.config_for(model, check, output={"labels": ["a", "b", "c"], "top_k": 1})
    config["check"]["expect"] = {"scores": {"min": -100, "max": 100}}
    (tmp_path / "calls.jsonl").write_text("[[3, 1, 2]]\n[[1, 2, 3]]\n")
    code, events = batch(config, tmp_path, tmp_path / "calls.jsonl", tmp_path / "out")
    assert code == 0, events
    lines = (tmp_path / "out" / "part-000000.jsonl").read_text().splitlines()
    assert [json.loads(line)["predictions"][0][0]["label"] for line in lines] == ["a", "c"]


def archive(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "rows.npz", **arrays)  # type: ignore[arg-type]
    return folder / "rows.npz"


ONE = np.ones((4, 3), np.float32)
WEIGHT = np.ones((4, 1), np.int64)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"features": ONE}, "`inputs.weight` is missing"),
        ({"features": ONE, "weight": WEIGHT, "more": ONE}, "`inputs.more` is no input of this model"),
        (
            {"features": ONE.astype(np.float64), "weight": WEIGHT},
            "`inputs.features` has the type float64; allowed: float32",
        ),
        ({"features": ONE, "weight": WEIGHT[:3]}, "have different numbers of rows: {'features': 4, 'weight': 3}"),
        ({"features": ONE[:, :2], "weight": WEIGHT}, "`inputs.features` has the shape [4, 2]"),
        ({"features": np.asfortranarray(ONE), "weight": WEIGHT}, "is in the order of columns"),
        ({"features": np.float32(1), "weight": WEIGHT}, "is a single value"),
        ({"features": np.array([{}] * 4), "weight": WEIGHT}, "has the type object"),
    ],
)
def test_arrays_that_do_not_fit_the_model_are_refused_before_anything_is_written(
    tmp_path: Path, arrays: dict[str, object], words: str
) -> None:
    said = reason(tabular(tmp_path), tmp_path, archive(tmp_path, **arrays), tmp_path / "out")
    assert words in said
    assert names(tmp_path / "out") == []


def test_a_row_that_the_model_cannot_compute_ends_a_run_of_arrays_by_its_number(tmp_path: Path) -> None:
    check = {"request": {"input": [1]}, "expect": {"y": {"min": -1000, "max": 1000}}}
    config = processes.config_for(onnx_models.lookup(tmp_path), check)
    rows = np.zeros(100, np.int64)
    rows[70] = 99
    said = reason(config, tmp_path, archive(tmp_path, index=rows), tmp_path / "out", "--rows", 20)
    first, last = (int(word) for word in said.removeprefix("rows ").split(":")[0].split(" to "))
    assert first <= 70 <= last
    assert "part-000002.npz" in names(tmp_path / "out") and "part-000003.npz" not in names(tmp_path / "out")


def test_files_and_folders_that_cannot_be_used_are_refused_in_words(tmp_path: Path) -> None:
    config, out = tabular(tmp_path), tmp_path / "out"
    (tmp_path / "a.csv").touch()
    assert "ends in '.csv'; allowed: .jsonl, .npz" in reason(config, tmp_path, tmp_path / "a.csv", out)
    assert "is no file; allowed: a file of rows" in reason(config, tmp_path, tmp_path / "none.npz", out)
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    assert "is no archive; allowed: what numpy.savez wrote" in reason(config, tmp_path, tmp_path / "bad.npz", out)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "of.txt").touch()
    source = tmp_path / "calls.jsonl"
    source.write_text("{}\n")
    assert "has other files; allowed: an empty folder" in reason(config, tmp_path, source, tmp_path / "full")


def test_a_folder_of_another_input_model_or_size_is_refused(tmp_path: Path) -> None:
    config, out, source = tabular(tmp_path), tmp_path / "out", tmp_path / "calls.jsonl"
    source.write_text("{}\n{}\n")
    assert batch(config, tmp_path, source, out, "--rows", 1)[0] == 0
    assert "rows_per_part is 1, and this run's is 2; allowed: the run that began there; next: name another folder" in (
        reason(config, tmp_path, source, out, "--rows", 2)
    )
    assert "release is '0123abcd', and this run's is 'ffff'" in (
        reason({**config, "release": "ffff"}, tmp_path, source, out, "--rows", 1)
    )
    source.write_text("{}\n[]\n")
    assert "input is '" in reason(config, tmp_path, source, out, "--rows", 1)


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    check = {"request": [1], "expect": {"y": 128}}
    config = processes.config_for(onnx_models.slow(tmp_path), check)
    source, out = tmp_path / "calls.jsonl", tmp_path / "out"
    source.write_text("[20000]\n" * 50)
    words, environ = command(config, tmp_path, source, out, "--rows", 1)
    process = subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + LIMIT_S
        while not (out / "batch.json").is_file():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        assert "another run writes there; allowed: one run at a time" in reason(config, tmp_path, source, out)
    finally:
        process.kill()
        process.wait(LIMIT_S)


def test_an_input_without_rows_is_done_at_once(tmp_path: Path) -> None:
    source = tmp_path / "calls.jsonl"
    source.touch()
    assert batch(tabular(tmp_path), tmp_path, source, tmp_path / "out")[0] == 0
    assert names(tmp_path / "out") == ["batch.json", "done.json"]
