"""An address is read as it was meant, or refused in words that show no credential."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipway.sources.address import (
    Address,
    HttpsAddress,
    HubAddress,
    MlflowAddress,
    OciAddress,
    S3Address,
    is_address,
    parse_address,
)

DIGEST = "sha256:" + "0a" * 32
GOOD = {
    "https://example.com/a/model.onnx": HttpsAddress("https://example.com/a/model.onnx"),
    "https://example.com:8443/a%20b.onnx?download=1": HttpsAddress("https://example.com:8443/a%20b.onnx?download=1"),
    "s3://models/digits/v1/model.onnx": S3Address("models", "digits/v1/model.onnx"),
    "oci://registry.example.com/team/digits:1.0.0": OciAddress("registry.example.com", "team/digits", "1.0.0"),
    "oci://localhost:5000/digits:1#model.onnx": OciAddress("localhost:5000", "digits", "1", "model.onnx"),
    f"oci://registry.example.com/digits@{DIGEST}": OciAddress("registry.example.com", "digits", DIGEST),
    "hf://org/name@main/onnx/model.onnx": HubAddress("org", "name", "main", "onnx/model.onnx"),
    "mlflow://digits/3": MlflowAddress("digits", "3", None),
    "mlflow://digits@champion#onnx/model.onnx": MlflowAddress("digits", None, "champion", "onnx/model.onnx"),
}
BAD = [
    "://", "https://", "https:///model.onnx", "https://example.com", "https://example.com/", "https://example.com/a/",
    "https://example.com/../x", "https://exa mple.com/x", "https://example.com/x#y", "https://[::1/x",
    "https://example.com:99999/x", "HTTPS://example.com/x", "http://example.com/x", "ftp://example.com/x",
    "s3://", "s3://b/k", "s3://models", "s3://models/", "s3://models/a/", "s3://models/../x", "s3://Models/x",
    "oci://registry.example.com", "oci://registry.example.com/digits", "oci://registry.example.com/Digits:1",
    "oci://registry.example.com/digits:1#", "oci://registry.example.com/digits:1#../x",
    "oci://registry.example.com/digits@sha256:12", "oci://registry.example.com/digits@main",
    "hf://name@main/model.onnx", "hf://org/name/model.onnx", "hf://org/name@main", "hf://org/name@main/",
    "hf://org/name@main/../../x", "hf://../name@main/x",
    "mlflow://", "mlflow://digits", "mlflow://digits/0", "mlflow://digits/latest", "mlflow://digits@",
    "mlflow://digits/3#", "mlflow://digits/3#../x", "mlflow://a/b/3",
]  # fmt: skip
SECRETS = [
    "https://anna:hunter2@example.com/model.onnx",
    "https://hunter2@example.com/model.onnx",
    "https://anna:hunter2@/model.onnx",
    "https://example.com/model.onnx?token=hunter2",
    "https://example.com/model.onnx?X-Amz-Credential=a&X-Amz-Signature=hunter2",
    "https://example.com/model.onnx?x=1&sig=hunter2",
    "https://example.com/model.onnx?api_key=hunter2 ",
    "s3://AKIA:hunter2@models/model.onnx",
    "oci://anna:hunter2@registry.example.com/digits:1",
    "hf://anna:hunter2@org/name@main/x",
    "mlflow://anna:hunter2@mlflow.example.com/digits/3",
    "gs://anna:hunter2@models/x",
]


@pytest.mark.parametrize("text", GOOD, ids=str)
def test_an_address_is_read_and_written_back(text: str) -> None:
    assert parse_address(text) == GOOD[text]
    assert str(parse_address(text)) == text


@pytest.mark.parametrize("text", BAD, ids=str)
def test_what_names_no_file_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse_address(text)
    assert refused.value.context
    assert all(refused.value.context[part] for part in ("problem", "allowed", "todo"))


@pytest.mark.parametrize("text", SECRETS, ids=str)
def test_a_credential_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse_address(text)
    words = refused.value.context
    assert words
    assert words["hidden"]
    assert "hunter2" not in "".join(str(words[part]) for part in ("problem", "allowed", "todo"))


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("https://example.com/a/model.onnx?v=1", "https://example.com/a/x/weights.bin?v=1"),
        ("s3://models/digits/model.onnx", "s3://models/digits/x/weights.bin"),
        ("s3://models/model.onnx", "s3://models/x/weights.bin"),
        ("oci://registry.example.com/digits:1#model.onnx", "oci://registry.example.com/digits:1#x/weights.bin"),
        ("hf://org/name@main/onnx/model.onnx", "hf://org/name@main/onnx/x/weights.bin"),
        ("mlflow://digits/3", "mlflow://digits/3#x/weights.bin"),
    ],
)
def test_external_data_lies_beside_the_file(text: str, beside: str) -> None:
    assert str(parse_address(text).beside("x/weights.bin")) == beside


schemes = st.sampled_from(["https", "s3", "oci", "hf", "mlflow", "http", "file", "", "S3"])
rests = st.text(st.sampled_from("ab1./:@#?&=%-_~\\ \0é[]sig"), max_size=40)


@given(schemes, rests)
def test_any_text_is_an_address_or_refused(scheme: str, rest: str) -> None:
    text = f"{scheme}://{rest}"
    assert is_address(text)
    found: Address | None = None
    try:
        found = parse_address(text)
    except PydanticCustomError as refused:
        assert refused.context
        assert refused.context["problem"]
    if found is not None:
        assert parse_address(str(found)) == found
        assert "@" not in rest.partition("/")[0] or scheme == "mlflow"
