"""The secrets of a gateway are made once, whoever is first, and nobody's work is written over."""

import base64
import datetime
import threading
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from slipway.cluster.certificates import self_signed, serves
from slipway.cluster.gateway_secrets import GatewaySecrets, SecretUnusable, Wanted
from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ApiRefused
from slipway.values.names import environment_labels
from tests.support.fake_cluster import FakeCluster

NOW = datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)
ALL = Wanted("models.example.com", database=True)


def made(cluster: FakeCluster, wanted: Wanted = ALL, now: datetime.datetime = NOW) -> list[str]:
    """Ensure the secrets; gives what was told."""
    told: list[str] = []
    GatewaySecrets(cluster, "local", told.append, lambda: now).ensure(wanted)
    return told


def data(cluster: FakeCluster, name: str, kind: str = "Secret") -> dict[str, bytes]:
    item = cluster.objects[kind, name]
    if kind == "ConfigMap":
        return {key: value.encode() for key, value in item["data"].items()}
    return {key: base64.b64decode(value) for key, value in item["data"].items()}


def own(kind: str, name: str, **content: bytes) -> dict[str, Any]:
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in content.items()}
    return {"kind": kind, "metadata": {"name": name, "labels": environment_labels("local")}, "data": encoded}


def test_everything_is_made_and_fits_together() -> None:
    cluster = FakeCluster()
    made(cluster)
    assert set(cluster.objects) == set(ALL.objects)
    private = serialization.load_pem_private_key(data(cluster, "keys-signing")["private.pem"], None)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    public = serialization.load_pem_public_key(data(cluster, "gateway-trust", "ConfigMap")["public.pem"])
    assert public == private.public_key()
    database = data(cluster, "keys-database")
    assert database["url"] == b"postgresql://keys:" + database["password"] + b"@keys-database:5432/keys"
    assert len(database["password"]) == 43
    assert cluster.objects["Secret", "gateway-certificate"]["type"] == "kubernetes.io/tls"
    assert serves(data(cluster, "gateway-certificate"), "models.example.com", NOW)
    for item in cluster.objects.values():
        assert item["metadata"]["labels"] == environment_labels("local")


def test_what_is_there_is_left_alone() -> None:
    cluster = FakeCluster()
    made(cluster)
    before = {key: item["metadata"]["resourceVersion"] for key, item in cluster.objects.items()}
    assert made(cluster) == []
    assert {key: item["metadata"]["resourceVersion"] for key, item in cluster.objects.items()} == before


def test_a_half_made_set_is_completed() -> None:
    cluster = FakeCluster()
    made(cluster)
    key = data(cluster, "keys-signing")
    del cluster.objects["ConfigMap", "gateway-trust"], cluster.objects["Secret", "gateway-certificate"]
    made(cluster)
    assert data(cluster, "keys-signing") == key
    public = serialization.load_pem_public_key(data(cluster, "gateway-trust", "ConfigMap")["public.pem"])
    private = serialization.load_pem_private_key(key["private.pem"], None)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    assert public == private.public_key()


def test_trust_follows_a_signing_key_that_had_to_be_made_anew() -> None:
    cluster = FakeCluster()
    made(cluster)
    old = data(cluster, "gateway-trust", "ConfigMap")
    del cluster.objects["Secret", "keys-signing"]
    assert "making ConfigMap gateway-trust anew: what it has does not fit any more" in made(cluster)
    assert data(cluster, "gateway-trust", "ConfigMap") != old


def test_runs_at_the_same_time_end_with_the_same_secrets() -> None:
    """Each sees nothing there, and all but the first of each are refused with 409."""

    class Slow(FakeCluster):
        lock, barrier = threading.Lock(), threading.Barrier(4)

        def read(self, kind: str, name: str) -> dict[str, Any] | None:
            with self.lock:
                found = super().read(kind, name)
            if found is None and (kind, name) == ("Secret", "keys-signing"):
                self.barrier.wait(10)
            return found

        def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
            with self.lock:
                return super().create(manifest)

    cluster, failed = Slow(), list[BaseException]()

    def one() -> None:
        try:
            made(cluster)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []
    private = serialization.load_pem_private_key(data(cluster, "keys-signing")["private.pem"], None)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    public = serialization.load_pem_public_key(data(cluster, "gateway-trust", "ConfigMap")["public.pem"])
    assert public == private.public_key()


@pytest.mark.parametrize("name", ["keys-signing", "keys-database", "gateway-certificate"])
def test_a_secret_of_others_is_refused_and_left(name: str) -> None:
    cluster = FakeCluster()
    foreign = {"kind": "Secret", "metadata": {"name": name, "labels": {"app": "theirs"}}, "data": {"a": "Yg=="}}
    cluster._put(foreign)
    with pytest.raises(SecretUnusable, match=f"Secret slipway/{name} does not belong to this environment"):
        made(cluster)
    assert cluster.objects["Secret", name]["data"] == {"a": "Yg=="}


def test_a_secret_without_its_key_is_refused_in_words_that_show_nothing_of_it() -> None:
    cluster = FakeCluster()
    cluster._put(own("Secret", "keys-database", username=b"keys", password=b"hunter2"))
    with pytest.raises(SecretUnusable, match="Secret slipway/keys-database has no url") as refused:
        made(cluster)
    assert "hunter2" not in str(refused.value)


def test_another_password_is_never_given_to_a_database_that_is_there() -> None:
    cluster = FakeCluster()
    made(cluster)
    del cluster.objects["Secret", "keys-database"]
    cluster._put(own("PersistentVolumeClaim", "keys-database"))
    with pytest.raises(SlipwayError, match="is gone, and the database that has its password is there"):
        made(cluster)
    assert ("Secret", "keys-database") not in cluster.objects


def test_without_a_database_or_a_certificate_of_its_own_there_is_neither() -> None:
    cluster = FakeCluster()
    made(cluster, Wanted(None, database=False))
    assert {name for _, name in cluster.objects} == {"keys-signing", "gateway-trust"}


@pytest.mark.parametrize(
    ("wanted", "now"),
    [
        pytest.param(Wanted("other.example.com", database=True), NOW, id="another domain"),
        pytest.param(ALL, NOW + datetime.timedelta(days=800), id="25 days before its end"),
    ],
)
def test_a_certificate_that_does_not_serve_any_more_is_made_anew(wanted: Wanted, now: datetime.datetime) -> None:
    cluster = FakeCluster()
    made(cluster)
    made(cluster, wanted, now)
    assert wanted.domain
    assert serves(data(cluster, "gateway-certificate"), wanted.domain, now)


def test_a_change_at_the_same_time_is_looked_at_again() -> None:
    class Contested(FakeCluster):
        refusals = 2

        def replace(self, manifest: dict[str, Any]) -> dict[str, Any]:
            if self.refusals:
                self.refusals -= 1
                raise ApiRefused("PUT", "/", 409, "changed")
            return super().replace(manifest)

    cluster = Contested()
    made(cluster)
    later = NOW + datetime.timedelta(days=810)
    made(cluster, ALL, later)
    assert serves(data(cluster, "gateway-certificate"), "models.example.com", later)
    cluster.refusals = 100
    with pytest.raises(SecretUnusable, match="was changed by somebody else 5 times in a row"):
        made(cluster, ALL, later + datetime.timedelta(days=810))


def test_the_authority_vouches_for_the_domain_and_for_nothing_else() -> None:
    pair = self_signed("models.example.com", NOW)
    authority = x509.load_pem_x509_certificate(pair.authority)
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    certificate.verify_directly_issued_by(authority)
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    assert limits.permitted_subtrees == [x509.DNSName("models.example.com")]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["models.example.com", "*.models.example.com"]
    other = self_signed("models.example.com", NOW)
    assert not serves({**pair.data, "tls.key": other.private_key}, "models.example.com", NOW)
    assert not serves({**pair.data, "ca.crt": other.authority}, "models.example.com", NOW)
    assert not serves({**pair.data, "tls.crt": b"-"}, "models.example.com", NOW)
