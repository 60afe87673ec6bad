"""One account of moto for all tests of the rehearsal: to start one takes longer than most of them."""

from collections.abc import Iterator

import pytest

from slipway.local.plugins.aws.backend import Aws, Backend
from slipway.local.plugins.aws.moto_server import moto
from tests.support.made_in_aws import REGION


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture(scope="session")
def shared(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Aws:
    """AWS as one stand-in of many tests sees it; names are unique instead of the account being emptied."""
    return Backend(tmp_path_factory.mktemp("state"), endpoint).aws(REGION, "urn")
