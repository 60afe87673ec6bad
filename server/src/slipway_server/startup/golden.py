"""Ask the golden request once before the server says that it is ready."""

import asyncio

import orjson

from slipway_server.http.service import Service
from slipway_server.steps.hook import HookFault
from slipway_server.values.config import CheckSection
from slipway_server.values.errors import BadRequest
from slipway_server.values.expect import check_expect, judge


async def why_not_ready(service: Service, check: CheckSection, warm_up_s: float) -> str | None:
    """Return None if the golden request gets the right answer in time, else the sentence that says why not.

    It takes the very path of a request to POST /predict. The first answer of a model pays for its memory and
    kernels, so it is not timed (it has `warm_up_s`); the second must come within the check's time-out.
    """
    raw = orjson.dumps(check.request)
    limit_s = warm_up_s
    try:
        check_expect(check.expect, service.signature)
        async with asyncio.timeout(limit_s):
            await service.predict(raw)
        limit_s = check.timeout_s
        async with asyncio.timeout(limit_s):
            answer = await service.predict(raw)
    except TimeoutError:
        return f"golden request: no answer within {limit_s} s"
    except (BadRequest, HookFault) as error:
        return f"golden request: {error}"
    reason = judge(orjson.loads(answer.body)["outputs"], check.expect)
    return None if reason is None else f"golden request: wrong answer: {reason}"
