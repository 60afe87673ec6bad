"""`slipway down` of a cluster of ours stops at what users made there, before anything is changed."""

from types import SimpleNamespace
from typing import Any

import pytest

from slipway.commands.changing import down
from slipway.commands.changing.session import Options
from slipway.errors.base import UserErrors
from slipway.errors.failures import EnvironmentMissing
from tests.unit.cluster.test_users import FOUND, Api, objects


class Context:
    """An environment whose stack made its cluster, or did not; without a cluster where none is given."""

    name = "dev"

    def __init__(self, cluster: Api | None, *, makes_cluster: bool = True) -> None:
        self._cluster = cluster
        self.running = SimpleNamespace(makes_cluster=makes_cluster)

    @property
    def cluster(self) -> Api:
        if self._cluster is None:
            raise EnvironmentMissing(self.name)
        return self._cluster


def found(context: Context, **options: Any) -> list[Any]:
    return down._made_by_users(context, Options(yes=True, jobs=1, **options))  # type: ignore[arg-type]


def test_everything_that_users_made_is_named_with_what_to_do_and_nothing_is_deleted() -> None:
    api = Api(objects())
    with pytest.raises(UserErrors) as caught:
        found(Context(api))
    assert caught.value.exit_code == 1
    said = str(caught.value)
    for kind, name in (("Service", "shop/web"), ("Gateway", "shop/web"), ("PersistentVolumeClaim", "shop/data")):
        assert f"cluster of dev: {kind}: {name}" in said or f'cluster of dev: {kind}: "{name}"' in said
    assert "slipway down dev --with-foreign" in said
    assert api.deleted == []


def test_with_foreign_it_is_returned_to_be_deleted() -> None:
    assert found(Context(Api(objects())), with_foreign=True) == FOUND


def test_nobody_looks_where_the_cluster_is_others_or_gone() -> None:
    assert found(Context(Api(objects()), makes_cluster=False)) == []
    assert found(Context(None)) == []
