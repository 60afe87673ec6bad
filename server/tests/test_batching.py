"""Requests that wait together run together, and every one gets the answer that it would get alone."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx_models
import processes
import pytest
import row_models
from processes import DIGITS, Server
from row_models import BLIND, DEPENDENT, INDEPENDENT, Case
from slipway_server.backends.onnx.session import OnnxSession
from slipway_server.execution import batcher as batcher_module
from slipway_server.execution.batcher import Batcher, OverloadedError
from slipway_server.execution.decision import BatchingError, decide_batching
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.batching import Batching
from slipway_server.values.config import BatchSection
from slipway_server.values.errors import BadRequest

LIMIT_S = 60


def make(
    session: OnnxSession, max_size: int = 32, max_wait_s: float = 0.002, batching: bool = True
) -> tuple[Batcher, Metrics]:
    metrics = Metrics("m", "1", "r")
    return Batcher(session, Batching(max_size if batching else 1, "set by the test"), max_wait_s, metrics), metrics


def runs(metrics: Metrics) -> int:
    return int(metrics.registry.get_sample_value("slipway_batch_rows_count") or 0)


def rows(metrics: Metrics) -> int:
    return int(metrics.registry.get_sample_value("slipway_batch_rows_sum") or 0)


def images(count: int) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(1)
    return [{"image": random.random((1, 1, 8, 8), dtype=np.float32)} for _ in range(count)]


@pytest.fixture(scope="module")
def digits_session() -> OnnxSession:
    return OnnxSession(DIGITS / "model.onnx", 1)


def test_requests_that_come_together_run_once_and_get_their_own_answers(digits_session: OnnxSession) -> None:
    requests = images(20)

    async def scenario() -> None:
        batcher, metrics = make(digits_session)
        async with asyncio.timeout(LIMIT_S):
            together = await asyncio.gather(*map(batcher.infer, requests))
        assert (runs(metrics), rows(metrics)) == (1, 20)
        for request, computed in zip(requests, together, strict=True):
            alone = digits_session.run(request)
            assert computed.outputs["label"].tolist() == alone["label"].tolist()
            np.testing.assert_allclose(computed.outputs["probabilities"], alone["probabilities"], rtol=1e-4, atol=1e-6)
        batcher.close()

    asyncio.run(scenario())


def test_no_batch_has_more_rows_than_allowed_unless_one_request_has(digits_session: OnnxSession) -> None:
    big = {"image": np.concatenate([one["image"] for one in images(9)])}

    async def scenario() -> None:
        batcher, metrics = make(digits_session, max_size=4)
        async with asyncio.timeout(LIMIT_S):
            computed = await asyncio.gather(*map(batcher.infer, [*images(6), big]))
        assert rows(metrics) == 15
        assert runs(metrics) == 3  # 4, 2 and 9: first come, first served
        assert computed[-1].outputs["label"].shape == (9,)
        batcher.close()

    asyncio.run(scenario())


def test_the_seconds_of_a_run_are_shared_by_rows_and_a_lone_request_bears_them_all(digits_session: OnnxSession) -> None:
    small, big = images(1)[0], {"image": np.concatenate([one["image"] for one in images(3)])}
    none = {"image": np.zeros((0, 1, 8, 8), np.float32)}

    def seconds(metrics: Metrics) -> float:
        return metrics.registry.get_sample_value("slipway_inference_seconds_sum") or 0.0

    async def scenario() -> None:
        batcher, metrics = make(digits_session)
        async with asyncio.timeout(LIMIT_S):
            first, second = await asyncio.gather(*map(batcher.infer, [small, big]))
        assert runs(metrics) == 1
        assert second.seconds == pytest.approx(3 * first.seconds)
        assert first.seconds + second.seconds == pytest.approx(seconds(metrics))
        for request in (small, none):
            before = seconds(metrics)
            async with asyncio.timeout(LIMIT_S):
                alone = await batcher.infer(request)
            assert alone.seconds == pytest.approx(seconds(metrics) - before) and alone.seconds > 0
        batcher.close()

    asyncio.run(scenario())


def test_without_batching_every_request_runs_alone(digits_session: OnnxSession) -> None:
    async def scenario() -> None:
        batcher, metrics = make(digits_session, batching=False)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*map(batcher.infer, images(5)))
        assert runs(metrics) == 5
        batcher.close()

    asyncio.run(scenario())


def test_requests_of_other_shapes_do_not_share_a_run(folder: Path) -> None:
    path = onnx_models.save(
        folder / "wide.onnx",
        [onnx_models.helper.make_node("Neg", ["x"], ["y"])],
        [onnx_models.value("x", onnx_models.FLOAT, ["N", "W"])],
        [onnx_models.value("y", onnx_models.FLOAT, ["N", "W"])],
    )
    requests = [{"x": np.full((1, width), i, np.float32)} for i, width in enumerate((2, 2, 3, 2))]

    async def scenario() -> None:
        batcher, metrics = make(OnnxSession(path, 1))
        async with asyncio.timeout(LIMIT_S):
            computed = await asyncio.gather(*map(batcher.infer, requests))
        assert runs(metrics) == 3
        assert [one.outputs["y"].tolist() for one in computed] == [(-one["x"]).tolist() for one in requests]
        batcher.close()

    asyncio.run(scenario())


def test_an_idle_model_waits_for_requests_on_their_way_but_not_beyond_the_limit(digits_session: OnnxSession) -> None:
    first, second = images(2)

    async def scenario() -> None:
        batcher, metrics = make(digits_session, max_wait_s=3600)
        async with asyncio.timeout(LIMIT_S):
            with batcher.arriving():
                waiting = asyncio.create_task(batcher.infer(first))
                await asyncio.sleep(0.05)
                assert not waiting.done()
                more = asyncio.create_task(batcher.infer(second))
                await asyncio.sleep(0)
            await asyncio.gather(waiting, more)
        assert runs(metrics) == 1
        batcher.close()
        batcher, metrics = make(digits_session, max_wait_s=0.01)
        async with asyncio.timeout(LIMIT_S):
            with batcher.arriving():
                await batcher.infer(first)
        batcher.close()

    asyncio.run(scenario())


def test_a_lone_request_does_not_wait_at_all(digits_session: OnnxSession) -> None:
    async def scenario() -> None:
        batcher, _ = make(digits_session, max_wait_s=3600)
        async with asyncio.timeout(LIMIT_S):
            await batcher.infer(images(1)[0])
        batcher.close()

    asyncio.run(scenario())


def test_one_bad_request_in_a_batch_spoils_only_itself(folder: Path) -> None:
    session = OnnxSession(onnx_models.lookup(folder), 1)
    requests = [{"index": np.array([i], np.int64)} for i in (1, 99, 3)]

    async def scenario() -> None:
        batcher, _ = make(session)
        async with asyncio.timeout(LIMIT_S):
            good, bad, also_good = await asyncio.gather(*map(batcher.infer, requests), return_exceptions=True)
        assert isinstance(bad, BadRequest)
        assert good.outputs["y"].tolist() == [1]  # type: ignore[union-attr]
        assert also_good.outputs["y"].tolist() == [3]  # type: ignore[union-attr]
        batcher.close()

    asyncio.run(scenario())


def test_a_full_queue_sends_requests_away(digits_session: OnnxSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher_module, "MAX_QUEUED", 3)

    async def scenario() -> None:
        batcher, _ = make(digits_session)
        async with asyncio.timeout(LIMIT_S):
            results = await asyncio.gather(*map(batcher.infer, images(5)), return_exceptions=True)
        assert [isinstance(one, OverloadedError) for one in results] == [False, False, False, True, True]
        batcher.close()

    asyncio.run(scenario())


def test_requests_given_up_in_the_queue_are_never_run(digits_session: OnnxSession) -> None:
    async def scenario() -> None:
        batcher, metrics = make(digits_session, max_wait_s=3600)
        with batcher.arriving():
            task = asyncio.create_task(batcher.infer(images(1)[0]))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        async with asyncio.timeout(LIMIT_S):
            await batcher.infer(images(1)[0])
        assert runs(metrics) == 1
        batcher.close()

    asyncio.run(scenario())


def decided(
    folder: Path, name: str, cases: dict[str, Case], enabled: bool | None = None, limit_s: float = 60
) -> Batching:
    steps, inputs, outputs, golden = cases[name]
    session = OnnxSession(row_models.make(folder, name, steps, inputs, outputs), 1)
    return decide_batching(session, golden, BatchSection(enabled=enabled), limit_s)


def test_only_what_trials_found_independent_is_batched_unless_the_spec_vouches_for_it(folder: Path) -> None:
    assert decided(folder, "a line", INDEPENDENT).max_rows == 32
    assert decided(folder, "always the same", BLIND).max_rows == 1
    assert decided(folder, "running sum", DEPENDENT).max_rows == 1
    assert decided(folder, "a line", INDEPENDENT, enabled=False).max_rows == 1
    assert decided(folder, "a line", INDEPENDENT, enabled=True).max_rows == 32
    assert decided(folder, "always the same", BLIND, enabled=True).max_rows == 32
    with pytest.raises(BatchingError, match=r"would give wrong answers: output `y` of a row .*; next: take"):
        decided(folder, "running sum", DEPENDENT, enabled=True)


def test_what_was_found_is_said_in_words(folder: Path) -> None:
    assert "did not change each other's answers" in decided(folder, "a line", INDEPENDENT).found
    assert "output `y` was the same for all rows" in decided(folder, "always the same", BLIND).found
    assert decided(folder, "running sum", DEPENDENT).found.startswith("output `y` of a row")
    assert decided(folder, "a line", INDEPENDENT, enabled=False).found == "the spec says `batching.enabled: false`"
    assert "the trials took too long" in decided(folder, "a line", INDEPENDENT, limit_s=0).found


def test_trials_of_a_model_whose_run_never_ends_are_ended(folder: Path) -> None:
    session = OnnxSession(onnx_models.endless(folder), 1)
    started = time.monotonic()
    batching = decide_batching(session, {"x": np.ones(1, np.float32)}, BatchSection(), 0.3)
    assert time.monotonic() - started < 30
    assert not batching.enabled
    assert batching.found.endswith("the trials took too long")


@pytest.mark.parametrize(("make_model", "tensor"), [(onnx_models.stateful, "state"), (onnx_models.slow, "rounds")])
def test_a_batch_dimension_that_is_not_the_first_or_a_scalar_forbids_batching(
    make_model: Callable[[Path], Path], tensor: str, folder: Path
) -> None:
    session = OnnxSession(make_model(folder), 1)
    batching = decide_batching(session, {}, BatchSection(), 60)
    assert not batching.enabled
    assert f"`{tensor}` has the shape" in batching.found
    with pytest.raises(BatchingError, match="is not free"):
        decide_batching(session, {}, BatchSection(enabled=True), 60)


def test_a_request_with_a_value_that_no_trial_had_runs_alone(folder: Path) -> None:
    steps = "b = Cast(t) to=9; m = ReduceMean(x) axes=[0]; d = Where(b, m, zero); y = Add(x, d)"
    inputs = {"t": (onnx_models.INT64, ["N", 1]), "x": (onnx_models.FLOAT, ["N", 3])}
    session = OnnxSession(row_models.make(folder, "switch", steps, inputs), 1)
    golden = {"t": np.zeros((1, 1), np.int64), "x": np.ones((1, 3), np.float32)}
    batching = decide_batching(session, golden, BatchSection(), 60)
    assert batching.enabled
    requests = [{"t": np.full((1, 1), i % 2), "x": np.full((1, 3), i, np.float32)} for i in range(8)]

    async def scenario() -> None:
        metrics = Metrics("m", "1", "r")
        batcher = Batcher(session, batching, 0.002, metrics)
        async with asyncio.timeout(LIMIT_S):
            alike = await asyncio.gather(*[batcher.infer(one) for one in requests if not one["t"].any()])
            assert runs(metrics) == 1
            mixed = await asyncio.gather(*map(batcher.infer, requests))
        assert [one.outputs["y"][0, 0] for one in alike] == [0, 2, 4, 6]
        assert [one.outputs["y"][0, 0] for one in mixed] == [0, 2, 2, 6, 4, 10, 6, 14]
        batcher.close()

    asyncio.run(scenario())


def test_concurrent_clients_of_a_real_server_share_runs_and_get_their_own_answers(
    digits: Server, digits_session: OnnxSession
) -> None:
    requests = [one["image"].tolist() for one in images(400)]
    expected = [digits_session.run({"image": np.array(one, np.float32)})["label"].tolist() for one in requests]
    before = digits.metric("slipway_batch_rows_count")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda one: digits.post("/predict", {"input": one}).json, requests))
    assert [answer["outputs"]["label"] for answer in answers] == expected
    assert digits.metric("slipway_batch_rows_count") - before < 400


@pytest.mark.parametrize("given", [0, 1])
def test_a_recurrent_model_is_served_one_by_one_whatever_its_golden_request_has(given: int, folder: Path) -> None:
    check = {"request": [[given, given]] * 2, "expect": {"y": [[given, given], [2 * given, 2 * given]]}}
    with processes.running(processes.config_for(onnx_models.running_sum(folder), check), folder) as server:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: server.post("/predict", [[n, n], [1, 1]]), range(100)))
        sums = [answer.json["outputs"]["y"] for answer in answers]
        assert sums == [[[n, n], [n + 1, n + 1]] for n in range(100)]
        ready = processes.told(server, "ready")
        assert (ready["batching"], ready["batching_max_rows"]) == (False, 1)
        assert ready["batching_found"].startswith("output `y` of a row ")
        parameters = server.ask("GET", "/v2/models/running_sum").json["parameters"]
        assert parameters == {key: ready[key] for key in ("batching", "batching_max_rows", "batching_found")}


def test_an_input_held_at_one_value_may_have_any_length_of_it() -> None:
    mask = Batching(8, "set by the test", {"mask": np.array([1])})
    assert mask.tried({"mask": np.ones((2, 5), np.int64)})
    assert not mask.tried({"mask": np.array([[1, 1, 0]])})
    row = Batching(8, "set by the test", {"mode": np.array([1, 2])})
    assert row.tried({"mode": np.array([[1, 2], [1, 2]])})
    assert not row.tried({"mode": np.array([[1, 2, 3]])})
    assert not row.tried({"mode": np.array([[2, 1]])})
