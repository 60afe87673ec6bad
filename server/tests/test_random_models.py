"""Whatever the model, requests that come together get the answers that each of them gets alone."""

import asyncio
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import random_models
from row_models import WIDTH
from slipway_server.backends.onnx.session import OnnxSession
from slipway_server.execution.batcher import Batcher
from slipway_server.execution.decision import decide_batching
from slipway_server.execution.samples import Inputs
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.batching import Batching
from slipway_server.values.config import BatchSection

MODELS = 150
REQUESTS = 24
ZEROS = np.zeros((2, WIDTH), np.float32)
GOLDEN = {"x": ZEROS, "z": ZEROS, "ids": np.array([[3, 17], [0, 21]], np.int64)}


@cache
def served(folder: Path, seed: int, mixing: bool) -> tuple[OnnxSession, Batching]:
    session = OnnxSession(random_models.make(folder, seed, mixing), 1)
    golden = {tensor.name: GOLDEN[tensor.name] for tensor in session.signature.inputs}
    return session, decide_batching(session, golden, BatchSection(), 60)


def requests(seed: int, session: OnnxSession) -> list[Inputs]:
    """Draw requests of one to three rows, not as the trials do: each of its own magnitude, some with values missing."""
    random = np.random.default_rng(seed + 1_000_000)

    def tensor(rows: int) -> np.ndarray:
        numbers = 10 ** random.uniform(-3, 4) * random.normal(random.normal(), 1, (rows, WIDTH))
        numbers[random.random(numbers.shape) < random.choice([0, 0, 0.2])] = np.nan
        return numbers.astype(np.float32)

    def request(rows: int) -> Inputs:
        drawn = {"x": tensor(rows), "z": tensor(rows), "ids": random.integers(0, 40, (rows, 2))}
        return {tensor.name: drawn[tensor.name] for tensor in session.signature.inputs}

    return [request(rows) for rows in random.integers(1, 4, REQUESTS)]


async def ask_together(session: OnnxSession, batching: Batching, asked: list[Inputs]) -> list[dict[str, np.ndarray]]:
    batcher = Batcher(session, batching, 0.002, Metrics("m", "1", "r"))
    try:
        async with asyncio.timeout(60):
            return [one.outputs for one in await asyncio.gather(*map(batcher.infer, asked))]
    finally:
        batcher.close()


@pytest.mark.parametrize("mixing", [False, True])
@pytest.mark.parametrize("seed", range(MODELS))
def test_a_random_model_answers_together_as_alone(seed: int, mixing: bool, folder: Path) -> None:
    session, batching = served(folder, seed, mixing)
    asked = requests(seed, session)
    for request, together in zip(asked, asyncio.run(ask_together(session, batching, asked)), strict=True):
        for name, alone in session.run(request).items():
            size = float(np.abs(alone[np.isfinite(alone)]).max(initial=0))
            np.testing.assert_allclose(together[name], alone, rtol=1e-3, atol=1e-5 * size, err_msg=batching.found)


def test_models_that_work_row_by_row_are_batched_and_most_that_mix_rows_are_not(folder: Path) -> None:
    batched = {mixing: [served(folder, i, mixing)[1].enabled for i in range(MODELS)] for mixing in (False, True)}
    assert sum(batched[False]) >= 0.9 * MODELS
    assert sum(batched[True]) <= 0.2 * MODELS
