"""The golden request is judged (answers come from a fake Service)."""

import base64
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from slipway.artifacts.golden_request import GoldenRequest
from slipway.deploy import judge as module
from slipway.deploy.judge import verify
from slipway.errors.failures import WrongAnswer
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from tests.support.fake_cluster import FakeCluster

CHECK = GoldenRequest("onnxruntime", {"input": [1]}, {"label": 7}, 2.0)


def answer(label: int, release: str = "new") -> dict[str, object]:
    return {"model": "digits", "version": "1.0.0", "release": release, "outputs": {"label": [label]}}


def cluster(*answers: object) -> FakeCluster:
    fake = FakeCluster()
    fake.answers = list(answers)
    return fake


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.05)
    monkeypatch.setattr(module, "RETRY_S", 0.01)


def test_a_right_answer_gives_its_outputs() -> None:
    verdict = verify(cluster(answer(7)), "digits", CHECK, "new")
    assert verdict.outputs == {"label": [7]}
    assert verdict.release == "new"


def test_a_wrong_answer_of_the_release_is_not_asked_for_again() -> None:
    with pytest.raises(WrongAnswer, match="output `label` is 3, expected 7"):
        verify(cluster(answer(3), answer(7)), "digits", CHECK, "new")


def test_the_old_release_is_not_judged_but_waited_out() -> None:
    assert verify(cluster(answer(3, "old"), answer(7)), "digits", CHECK, "new").outputs == {"label": [7]}


def test_an_old_release_that_goes_on_answering_is_an_error_which_names_both() -> None:
    with pytest.raises(WrongAnswer, match="release old answers instead of new"):
        verify(cluster(answer(7, "old")), "digits", CHECK, "new")


def test_any_release_will_do_when_none_is_asked_for() -> None:
    assert verify(cluster(answer(7, "old")), "digits", CHECK, None).release == "old"


def whole(release: str, label: int = 7) -> dict[str, object]:
    """The answer of a pipeline that asked a release of its model `parts`."""
    return answer(label, "whole") | {"releases": {"parts": release}}


def test_a_pipeline_is_judged_once_it_asks_the_new_release_of_its_model() -> None:
    there = cluster(whole("old", 3), whole("new"))
    assert verify(there, "digits", CHECK, "whole", by=("parts", "new")).outputs == {"label": [7]}
    with pytest.raises(WrongAnswer, match="output `label` is 3, expected 7"):
        verify(cluster(whole("old"), whole("new", 3)), "digits", CHECK, "whole", by=("parts", "new"))


@pytest.mark.parametrize("said", [whole("old"), answer(7, "whole")])
def test_a_pipeline_that_goes_on_asking_another_release_is_an_error(said: dict[str, object]) -> None:
    with pytest.raises(WrongAnswer, match=r"it asks release (old|None) of parts instead of new"):
        verify(cluster(said), "digits", CHECK, "whole", by=("parts", "new"))


def test_a_service_without_an_endpoint_yet_is_asked_again() -> None:
    nobody = ApiRefused("POST", "/", 503, "no endpoints available")
    assert verify(cluster(nobody, nobody, answer(7)), "digits", CHECK, "new").outputs == {"label": [7]}


def test_a_request_that_the_server_refuses_is_wrong_at_once() -> None:
    with pytest.raises(WrongAnswer, match="HTTP 400: input has the shape"):
        verify(cluster(ApiRefused("POST", "/", 400, "input has the shape"), answer(7)), "digits", CHECK, "new")
    with pytest.raises(WrongAnswer, match="HTTP 500: the hook failed"):
        verify(cluster(ApiRefused("POST", "/", 500, "the hook failed"), answer(7)), "digits", CHECK, "new")


def test_an_error_without_a_word_is_asked_again_and_said_at_the_end() -> None:
    silent = ApiRefused("POST", "/", 500, "")
    assert verify(cluster(silent, silent, answer(7)), "digits", CHECK, "new").outputs == {"label": [7]}
    with pytest.raises(WrongAnswer, match=r"HTTP 500: without a word, for 0\.05 s"):
        verify(cluster(silent), "digits", CHECK, "new")


def test_a_cluster_that_stays_away_is_an_error_with_its_reason() -> None:
    with pytest.raises(WrongAnswer, match="connection refused"):
        verify(cluster(ClusterUnreachable("c", "h", 1, "connection refused")), "digits", CHECK, "new")


def test_a_late_answer_is_wrong_though_its_content_is_right() -> None:
    with pytest.raises(WrongAnswer, match=r"took .* s; the limit is 0 s"):
        verify(cluster(answer(7)), "digits", replace(CHECK, timeout_s=0.0), "new")


def test_an_answer_without_outputs_is_asked_for_again_and_then_wrong() -> None:
    nothing = {"release": "new"}
    assert verify(cluster(nothing, answer(7)), "digits", CHECK, "new").outputs == {"label": [7]}
    with pytest.raises(WrongAnswer, match="the answer has no outputs"):
        verify(cluster(nothing), "digits", CHECK, "new")


def signing(fake: FakeCluster) -> FakeCluster:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data = {"private.pem": base64.b64encode(pem).decode()}
    fake.create({"kind": "Secret", "metadata": {"name": "keys-signing"}, "data": data})
    return fake


def test_the_golden_request_has_a_pass_where_passes_are_signed_and_only_there() -> None:
    behind, plain = signing(cluster(answer(7))), cluster(answer(7))
    verify(behind, "digits", CHECK, "new")
    verify(plain, "digits", CHECK, "new")
    (sent,) = behind.headers
    claims = jwt.decode(sent["x-slipway-pass"], options={"verify_signature": False})
    assert claims["aud"] == "model/digits"
    assert plain.headers == [{}]


def test_a_key_that_may_not_be_read_is_named_when_the_model_wants_a_pass() -> None:
    fake = cluster(ApiRefused("POST", "/", 403, "`x-slipway-pass` is missing"))
    fake.forbidden = {"Secret"}
    with pytest.raises(WrongAnswer, match="is missing; next: ask for the right to get Secret keys-signing"):
        verify(fake, "digits", CHECK, "new")


def test_an_api_server_that_is_away_when_the_key_is_read_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = signing(cluster(answer(7)))
    fake.down = True

    def back(_seconds: float) -> None:
        fake.down = False

    assert verify(fake, "digits", CHECK, "new", sleep=back).outputs == {"label": [7]}
    assert "x-slipway-pass" in fake.headers[-1]
