"""Requests that wait together run together, and every one gets the answer that it would get alone."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx_models
import processes
import pytest
from processes import DIGITS, Server
from slipway_server import batcher as batcher_module
from slipway_server.batcher import Batcher, OverloadedError
from slipway_server.errors import BadRequest
from slipway_server.metrics import Metrics
from slipway_server.rows import can_batch, rows_are_independent
from slipway_server.session import Session

LIMIT_S = 60


def make(
    session: Session, max_size: int = 32, max_wait_s: float = 0.002, batching: bool = True
) -> tuple[Batcher, Metrics]:
    metrics = Metrics("m", "1", "r")
    return Batcher(session, max_size, max_wait_s, batching, metrics), metrics


def runs(metrics: Metrics) -> int:
    return int(metrics.registry.get_sample_value("slipway_batch_rows_count") or 0)


def rows(metrics: Metrics) -> int:
    return int(metrics.registry.get_sample_value("slipway_batch_rows_sum") or 0)


def images(count: int) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(1)
    return [{"image": random.random((1, 1, 8, 8), dtype=np.float32)} for _ in range(count)]


@pytest.fixture(scope="module")
def digits_session() -> Session:
    return Session(DIGITS / "model.onnx", 1)


def test_requests_that_come_together_run_once_and_get_their_own_answers(digits_session: Session) -> None:
    requests = images(20)

    async def scenario() -> None:
        batcher, metrics = make(digits_session)
        async with asyncio.timeout(LIMIT_S):
            together = await asyncio.gather(*map(batcher.infer, requests))
        assert (runs(metrics), rows(metrics)) == (1, 20)
        for request, outputs in zip(requests, together, strict=True):
            alone = digits_session.run(request)
            assert outputs["label"].tolist() == alone["label"].tolist()
            np.testing.assert_allclose(outputs["probabilities"], alone["probabilities"], rtol=1e-4, atol=1e-6)
        batcher.close()

    asyncio.run(scenario())


def test_no_batch_has_more_rows_than_allowed_unless_one_request_has(digits_session: Session) -> None:
    big = {"image": np.concatenate([one["image"] for one in images(9)])}

    async def scenario() -> None:
        batcher, metrics = make(digits_session, max_size=4)
        async with asyncio.timeout(LIMIT_S):
            outputs = await asyncio.gather(*map(batcher.infer, [*images(6), big]))
        assert rows(metrics) == 15
        assert runs(metrics) == 3  # 4, 2 and 9: first come, first served
        assert outputs[-1]["label"].shape == (9,)
        batcher.close()

    asyncio.run(scenario())


def test_without_batching_every_request_runs_alone(digits_session: Session) -> None:
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
        batcher, metrics = make(Session(path, 1))
        async with asyncio.timeout(LIMIT_S):
            outputs = await asyncio.gather(*map(batcher.infer, requests))
        assert runs(metrics) == 3
        assert [out["y"].tolist() for out in outputs] == [(-one["x"]).tolist() for one in requests]
        batcher.close()

    asyncio.run(scenario())


def test_an_idle_model_waits_for_requests_on_their_way_but_not_beyond_the_limit(digits_session: Session) -> None:
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


def test_a_lone_request_does_not_wait_at_all(digits_session: Session) -> None:
    async def scenario() -> None:
        batcher, _ = make(digits_session, max_wait_s=3600)
        async with asyncio.timeout(LIMIT_S):
            await batcher.infer(images(1)[0])
        batcher.close()

    asyncio.run(scenario())


def test_one_bad_request_in_a_batch_spoils_only_itself(folder: Path) -> None:
    session = Session(onnx_models.lookup(folder), 1)
    requests = [{"index": np.array([i], np.int64)} for i in (1, 99, 3)]

    async def scenario() -> None:
        batcher, _ = make(session)
        async with asyncio.timeout(LIMIT_S):
            good, bad, also_good = await asyncio.gather(*map(batcher.infer, requests), return_exceptions=True)
        assert isinstance(bad, BadRequest)
        assert good["y"].tolist() == [1]  # type: ignore[index]
        assert also_good["y"].tolist() == [3]  # type: ignore[index]
        batcher.close()

    asyncio.run(scenario())


def test_a_full_queue_sends_requests_away(digits_session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher_module, "MAX_QUEUED", 3)

    async def scenario() -> None:
        batcher, _ = make(digits_session)
        async with asyncio.timeout(LIMIT_S):
            results = await asyncio.gather(*map(batcher.infer, images(5)), return_exceptions=True)
        assert [isinstance(one, OverloadedError) for one in results] == [False, False, False, True, True]
        batcher.close()

    asyncio.run(scenario())


def test_requests_given_up_in_the_queue_are_never_run(digits_session: Session) -> None:
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


def test_models_whose_rows_hang_together_are_found_out(folder: Path, digits_session: Session) -> None:
    cumulative = Session(onnx_models.running_sum(folder), 1)
    assert can_batch(cumulative.signature)
    assert not rows_are_independent(cumulative, {"x": np.ones((2, 2), np.float32)})
    assert rows_are_independent(digits_session, images(1)[0])


def test_a_batch_dimension_that_is_not_the_first_or_a_scalar_forbids_batching(folder: Path) -> None:
    assert not can_batch(Session(onnx_models.stateful(folder), 1).signature)
    assert not can_batch(Session(onnx_models.slow(folder), 1).signature)


def test_concurrent_clients_of_a_real_server_share_runs_and_get_their_own_answers(
    digits: Server, digits_session: Session
) -> None:
    requests = [one["image"].tolist() for one in images(400)]
    expected = [digits_session.run({"image": np.array(one, np.float32)})["label"].tolist() for one in requests]
    before = digits.metric("slipway_batch_rows_count")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda one: digits.post("/predict", {"input": one}).json, requests))
    assert [answer["outputs"]["label"] for answer in answers] == expected
    assert digits.metric("slipway_batch_rows_count") - before < 400


def test_a_recurrent_model_is_served_one_by_one(folder: Path) -> None:
    check = {"request": [[1, 1], [1, 1]], "expect": {"y": [[1, 1], [2, 2]]}}
    with processes.running(processes.config_for(onnx_models.running_sum(folder), check), folder) as server:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: server.post("/predict", [[n, n], [1, 1]]), range(100)))
        sums = [answer.json["outputs"]["y"] for answer in answers]
        assert sums == [[[n, n], [n + 1, n + 1]] for n in range(100)]
        assert json.loads(server.log.read_text().splitlines()[0])["batching"] is False
