"""Open the place of Pulumi's state as a store of objects, from the URL that Pulumi itself takes.

The keys of a query are those of Go CDK, which Pulumi opens a bucket with (gocloud.dev/aws, v0.37 to v0.45). One that
is not known is refused rather than ignored: it could name another bucket, or another account.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from slipway.history.errors import NoHistory

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_HTTP_TIMEOUT = timedelta(seconds=30)
_CONNECT_TIMEOUT = timedelta(seconds=10)
_RETRY: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}
_FOLDER = "slipway-history"
_YES = ("1", "t", "true")
_BY_HAND = "set PULUMI_BACKEND_URL to a folder (file://) or a bucket (s3://, gs://, azblob://), or correct it"
_HTTP = ("http", "https")


@dataclass(frozen=True)
class Backend:
    """A store of objects, and where the history begins in it.

    Attributes:
        store: the bucket, or the folder.
        prefix: of every key of the history, without a slash at its end.
        name: what it is called in messages: its URL without the query, which may hold a secret.
    """

    store: "ObjectStore"
    prefix: str
    name: str

    def place(self, key: str) -> str:
        """What an object of it is called in messages."""
        return f"{self.name}/{key}"


def backend_url(environ: Mapping[str, str]) -> str:
    """Where Pulumi keeps its state: PULUMI_BACKEND_URL, else where `pulumi login` was done; empty where neither is."""
    if url := environ.get("PULUMI_BACKEND_URL"):
        return url
    home = Path(environ.get("PULUMI_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".pulumi")
    file = Path(environ.get("PULUMI_CREDENTIALS_PATH") or home) / "credentials.json"
    try:
        return str(json.loads(file.read_text()).get("current") or "")
    except (OSError, ValueError, AttributeError):
        return ""  # nobody logged in: the engine says what to do, before anything is deployed


def open_backend(url: str, inside: str = _FOLDER) -> Backend:
    """Open the place of the state; raises `NoHistory` where it has none for a history, or cannot be understood.

    `inside`: the folder in it that is opened.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _folder(url, inside)
    if parts.scheme in _HTTP or not parts.scheme:
        reason = "Pulumi Cloud has no place for Slipway's history: `slipway history` and `rollback` do without"
        raise NoHistory(_named(parts) or "of `pulumi login`", reason, f"nothing, or {_BY_HAND}")
    opened = {"s3": _s3, "gs": _gs, "azblob": _azblob}.get(parts.scheme)
    if opened is None or not parts.netloc:
        raise NoHistory(_named(parts), "is none that a history can be kept in", _BY_HAND)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    within = (query.pop("prefix", "") + "/" + parts.path).strip("/")
    try:
        store = opened(parts, query)
    except NoHistory:
        raise
    except Exception as error:  # the library raises what its parts raise: of a configuration, nothing was sent
        raise NoHistory(
            _named(parts), f"cannot be opened: {str(error).partition(chr(10))[0][:300]}", _BY_HAND
        ) from error
    if query:
        raise NoHistory(_named(parts), f"has a setting that Slipway does not know, {sorted(query)[0][:80]}", _BY_HAND)
    prefix = f"{within}/{inside}".strip("/")
    return Backend(store, prefix, _named(parts).removesuffix("/" + within))


def _named(parts: SplitResult) -> str:
    """A URL without user, password and query."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/") if parts.scheme else ""


def _folder(url: str, name: str) -> Backend:
    from obstore.store import LocalStore  # noqa: PLC0415 - not for `--help`

    folder = Path(url.removeprefix("file://").partition("?")[0] or "/").expanduser().absolute()
    inside = folder / name
    try:
        # Its files are for whoever may read the state: nobody else.
        inside.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = LocalStore(inside)
    except OSError as error:
        todo = f"make {folder} a folder that you may write to"
        raise NoHistory(str(folder), f"cannot be written: {error.strerror}", todo) from error
    return Backend(store, "", str(inside))


def _client(*, plain: bool) -> Any:
    return {"timeout": _HTTP_TIMEOUT, "connect_timeout": _CONNECT_TIMEOUT, "allow_http": plain}


def _s3(parts: SplitResult, query: dict[str, str]) -> "ObjectStore":
    from obstore.store import S3Store  # noqa: PLC0415 - as above

    query.pop("awssdk", None)  # which of two SDKs of Go
    query.pop("hostname_immutable", None)
    config: dict[str, Any] = {}
    plain = any(_true(query.pop(key, "")) for key in ("disableSSL", "disable_https"))
    styles = [query.pop(key, "") for key in ("s3ForcePathStyle", "use_path_style")]
    if any(styles):
        config["virtual_hosted_style_request"] = not any(map(_true, styles))
    if endpoint := query.pop("endpoint", "") or _endpoint():
        config["endpoint"] = endpoint if "://" in endpoint else f"{'http' if plain else 'https'}://{endpoint}"
        plain = plain or endpoint.startswith("http://")
    if region := query.pop("region", ""):
        config["region"] = region
    if kind := query.pop("ssetype", ""):
        config["server_side_encryption"] = kind
    if key := query.pop("kmskeyid", ""):
        config["sse_kms_key_id"] = key
    if _true(query.pop("anonymous", "")):
        config["skip_signature"] = True
    else:
        config["credential_provider"] = _of_aws(query.pop("profile", None))
    return S3Store(parts.netloc, client_options=_client(plain=plain), retry_config=_RETRY, **config)


def _endpoint() -> str:
    """Where AWS's own tools look for S3 when they are told to."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def _of_aws(profile: str | None) -> Any:
    """Credentials as everything else of AWS finds them: variables, profiles, single sign-on, roles of machines.

    The library itself knows no profiles; without boto3 it does with variables and roles.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415
    except ImportError:
        return None
    session = boto3.Session(profile_name=profile)
    return Boto3CredentialProvider(session) if session.get_credentials() else None


def _gs(parts: SplitResult, query: dict[str, str]) -> "ObjectStore":
    from obstore.store import GCSStore  # noqa: PLC0415 - as above

    query.pop("access_id", None)  # only signs URLs
    config: dict[str, Any] = {}
    # Pulumi's own variable: the key itself, as JSON. Google's are read by the library.
    if (key := os.environ.get("GOOGLE_CREDENTIALS", "")).lstrip().startswith("{"):
        config["service_account_key"] = key
    return GCSStore(parts.netloc, client_options=_client(plain=False), retry_config=_RETRY, **config)


def _azblob(parts: SplitResult, query: dict[str, str]) -> "ObjectStore":
    from obstore.store import AzureStore  # noqa: PLC0415 - as above

    environ = os.environ
    account = query.pop("storage_account", "") or environ.get("AZURE_STORAGE_ACCOUNT", "")
    domain = query.pop("domain", "") or environ.get("AZURE_STORAGE_DOMAIN", "")
    protocol = query.pop("protocol", "") or environ.get("AZURE_STORAGE_PROTOCOL", "") or "https"
    config: dict[str, Any] = {"account_name": account}
    if _true(query.pop("localemu", "") or environ.get("AZURE_STORAGE_IS_LOCAL_EMULATOR", "")):
        config["use_emulator"] = True
    elif domain:
        config["endpoint"] = f"{protocol}://{account}.{domain}"
    if key := environ.get("AZURE_STORAGE_KEY"):
        config["account_key"] = key
    if token := environ.get("AZURE_STORAGE_SAS_TOKEN"):
        config["sas_key"] = token
    if not environ.keys() & {"AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_ID"}:
        config["use_azure_cli"] = True
    return AzureStore(parts.netloc, client_options=_client(plain=protocol == "http"), retry_config=_RETRY, **config)


def _true(text: str) -> bool:
    return text.lower() in _YES
