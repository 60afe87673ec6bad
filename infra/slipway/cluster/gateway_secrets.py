"""Make the secrets of an environment with a gateway in its cluster, where nothing but the cluster ever has them.

They are made through the API, not as resources of the stack: the engine would keep them in its state, in every
checkpoint and in whatever backs those up. What is there is left alone, so that every run, and two at once, end with the
same. What follows from another object, or has run out, is the exception: it is made to fit again.
"""

import base64
import datetime
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from slipway_server.capture.sealing import DIGEST, DIGEST_BYTES, BadKey, private_key

from slipway.cluster.api import Cluster
from slipway.cluster.certificates import self_signed, serves
from slipway.cluster.ownership import is_own
from slipway.environments.planning.gateway import Gateway
from slipway.errors.base import DeployError
from slipway.errors.reaching import ApiRefused
from slipway.values import names
from slipway.values.aliases import Json, Tell

PRIVATE = "private.pem"
PUBLIC = "public.pem"
_DATABASE = ("username", "password", "url")
_TRIES = 5
"""Two runs that change the same object at once; each try begins with what the other left."""

Data = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which secrets an environment needs beside the key of its passes.

    `domain`: of a self-signed certificate, None where the certificate is others'. `database`: whether the environment
    runs the database of keys itself.
    """

    domain: str | None
    database: bool

    @classmethod
    def of(cls, gateway: Gateway) -> "Wanted":
        """What a gateway needs."""
        self_signed = gateway.issuer is None and gateway.certificate_secret == names.GATEWAY_CERTIFICATE
        return cls(gateway.domain if self_signed else None, gateway.database is not None)

    @property
    def objects(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of everything that is made."""
        own = (("Secret", names.KEYS_SIGNING), ("ConfigMap", names.GATEWAY_TRUST))
        database = (("Secret", names.KEYS_DATABASE),) if self.database else ()
        certificate = (("Secret", names.GATEWAY_CERTIFICATE),) if self.domain is not None else ()
        return (*own, *database, *certificate)


class SecretUnusable(DeployError):
    """A secret that Slipway made once does not have what it should, and must not be made anew without a person."""

    def __init__(self, namespace: str, kind: str, name: str, problem: str, todo: str) -> None:
        super().__init__(f"{kind} {namespace}/{name} {problem}; next: {todo}, then run the command again")


@dataclass(frozen=True, slots=True)
class GatewaySecrets:
    """The secrets of one environment; `clock` says what time it is.

    Every call raises what `Cluster` raises, and `SecretUnusable`.
    """

    cluster: Cluster
    environment: str
    tell: Tell
    clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(tz=datetime.UTC)

    def ensure(self, wanted: Wanted) -> None:
        """Make what is not there. Whoever is first makes it; everybody else takes what is there then."""
        signing = self._kept("Secret", names.KEYS_SIGNING, _signing_key, (PRIVATE,))
        public = {PUBLIC: _public_half(signing[PRIVATE], self.cluster.namespace)}
        # It follows from the key, so that another one there is what a key that was deleted left.
        self._fitted("ConfigMap", names.GATEWAY_TRUST, lambda: public, lambda data: data == public)
        if wanted.database:
            self._refuse_lost_password()
            self._kept("Secret", names.KEYS_DATABASE, _database_user, _DATABASE)
        domain = wanted.domain
        if domain is not None:
            self._fitted(
                "Secret",
                names.GATEWAY_CERTIFICATE,
                lambda: self_signed(domain, self.clock()).data,
                lambda data: serves(data, domain, self.clock()),
                of_type="kubernetes.io/tls",
            )

    def ensure_capture(self) -> None:
        """Make the keys of samples, and of them what pods get: both once, for lost keys are lost samples."""
        keys = self._kept("Secret", names.CAPTURE_KEYS, _capture_keys, (PRIVATE, DIGEST))
        try:
            public = private_key(keys[PRIVATE]).public_key()
        except BadKey as error:
            problem, todo = f"{error} in {PRIVATE}", "put it back from a copy, or delete it and lose all samples"
            raise SecretUnusable(self.cluster.namespace, "Secret", names.CAPTURE_KEYS, problem, todo) from None
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        wanted = {PUBLIC: pem, DIGEST: keys[DIGEST]}
        self._fitted("Secret", names.CAPTURE_SEALING, lambda: wanted, lambda data: data == wanted)

    def _kept(self, kind: str, name: str, make: Callable[[], Data], keys: tuple[str, ...]) -> Data:
        """The data of an object that is never changed once it is there, made when it is not."""
        there = self._there(kind, name) or self._created(kind, name, make())
        data = _data(there)
        missing = [key for key in keys if not data.get(key)]
        if missing:
            problem = f"has no {', '.join(missing)}"
            todo = f"put it back from a copy, or delete the {kind}, and what depends on it has to be made anew too"
            raise SecretUnusable(self.cluster.namespace, kind, name, problem, todo)
        return data

    def _fitted(
        self, kind: str, name: str, make: Callable[[], Data], fits: Callable[[Data], bool], of_type: str | None = None
    ) -> None:
        """Make an object, or make it anew where what it has does not fit any more."""
        for _ in range(_TRIES):
            there = self._there(kind, name) or self._created(kind, name, make(), of_type)
            if fits(_data(there)):
                return
            self.tell(f"making {kind} {name} anew: what it has does not fit any more")
            try:
                self.cluster.replace(self._manifest(kind, name, make(), of_type, there["metadata"]["resourceVersion"]))
            except ApiRefused as error:
                if error.status not in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                    raise
        problem, todo = f"was changed by somebody else {_TRIES} times in a row", "see who does it"
        raise SecretUnusable(self.cluster.namespace, kind, name, problem, todo)

    def _there(self, kind: str, name: str) -> Json | None:
        """The object, if it is there; somebody else's is refused."""
        there = self.cluster.read(kind, name)
        if there is not None and not is_own(there, self.environment):
            todo = "rename it, or use another namespace"
            raise SecretUnusable(self.cluster.namespace, kind, name, "does not belong to this environment", todo)
        return there

    def _created(self, kind: str, name: str, data: Data, of_type: str | None = None) -> Json:
        """Create an object; where another run was quicker, what that one made."""
        self.tell(f"making {kind} {name}")
        try:
            return self.cluster.create(self._manifest(kind, name, data, of_type))
        except ApiRefused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
        there = self._there(kind, name)
        if there is None:
            raise SecretUnusable(
                self.cluster.namespace, kind, name, "was made and deleted at once by somebody else", "see who does it"
            )
        return there

    def _refuse_lost_password(self) -> None:
        """Refuse to give a database that is there another password: it would not know it."""
        if self.cluster.exists("Secret", names.KEYS_DATABASE):
            return
        if self.cluster.exists("PersistentVolumeClaim", names.KEYS_DATABASE):
            problem = f"is gone, and the database that has its password is there (claim {names.KEYS_DATABASE})"
            todo = (
                "put the Secret back from a copy; or, if keys and ledger may be lost, delete the Deployment and the "
                f"PersistentVolumeClaim {names.KEYS_DATABASE}"
            )
            raise SecretUnusable(self.cluster.namespace, "Secret", names.KEYS_DATABASE, problem, todo)

    def _manifest(
        self, kind: str, name: str, data: Data, of_type: str | None = None, version: str | None = None
    ) -> Json:
        labels = names.environment_labels(self.environment)
        metadata = {"name": name, "namespace": self.cluster.namespace, "labels": labels}
        return {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": metadata | ({"resourceVersion": version} if version else {}),
            **({"type": of_type} if of_type else {}),
            "data": {
                key: value.decode() if kind == "ConfigMap" else base64.b64encode(value).decode()
                for key, value in data.items()
            },
        }


def _data(item: Json) -> Data:
    data: Mapping[str, str] = item.get("data") or {}
    if item.get("kind") == "ConfigMap":
        return {key: value.encode() for key, value in data.items()}
    return {key: base64.b64decode(value) for key, value in data.items()}


def _signing_key() -> Data:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {PRIVATE: pem}


def _capture_keys() -> Data:
    private = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {PRIVATE: private, DIGEST: secrets.token_bytes(DIGEST_BYTES)}


def _public_half(pem: bytes, namespace: str) -> bytes:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        todo = "put it back from a copy, or delete it: passes that were given end within a minute, keys stay valid"
        raise SecretUnusable(namespace, "Secret", names.KEYS_SIGNING, f"has no Ed25519 key in {PRIVATE}", todo)
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _database_user() -> Data:
    """A user with a password of 256 random bits, and how the database is reached with it inside the cluster."""
    password = secrets.token_urlsafe(32)
    url = f"postgresql://{names.KEYS}:{password}@{names.KEYS_DATABASE}:5432/{names.KEYS}"
    return {"username": names.KEYS.encode(), "password": password.encode(), "url": url.encode()}
