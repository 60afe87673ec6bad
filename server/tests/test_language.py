"""A language model answers over OpenAI's API: whole, in pieces, by adapters, within bounds, and goes down well."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import language_models
import processes
import pytest
from language_models import ANSWER, ASKED, CHAT, events, said


@pytest.fixture(scope="module")
def capitals(folder: Path) -> Iterator[processes.Server]:
    adapter = language_models.write_adapter(folder / "other.gguf")
    adapters = [{"name": "other", "path": str(adapter)}]
    with language_models.speaking(folder, {"adapters": adapters}) as server:
        yield server


def streamed(server: processes.Server, path: str, body: dict[str, Any]) -> list[Any]:
    reply = server.post(path, {**body, "stream": True, "stream_options": {"include_usage": True}})
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["x-slipway-release"] == "0123abcd"
    return events(reply.body)


def test_a_whole_answer_says_what_it_is_of(capitals: processes.Server) -> None:
    reply = capitals.post(CHAT, ASKED)
    answer = reply.json
    assert reply.status == 200
    assert reply.headers["x-slipway-release"] == answer["system_fingerprint"] == "0123abcd"
    assert (answer["object"], answer["model"]) == ("chat.completion", "capitals")
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": ANSWER}
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
    assert usage["completion_tokens"] > 5


def test_a_stream_says_the_same_piece_by_piece(capitals: processes.Server) -> None:
    pieces = streamed(capitals, CHAT, ASKED)
    assert said(pieces) == ANSWER
    assert len([piece for piece in pieces if said([piece])]) > 5
    assert {(piece["model"], piece["system_fingerprint"]) for piece in pieces} == {("capitals", "0123abcd")}
    assert [piece for piece in pieces if piece.get("usage")] == pieces[-1:]


def test_a_stream_counts_tokens_only_for_whom_it_was_asked(capitals: processes.Server) -> None:
    pieces = events(capitals.post(CHAT, {**ASKED, "stream": True}).body)
    assert said(pieces) == ANSWER
    assert [piece for piece in pieces if piece.get("usage")] == []


def test_a_text_is_gone_on_with(capitals: processes.Server) -> None:
    body = {"prompt": "The capital of", "temperature": 0, "max_tokens": 3}
    answer = capitals.post("/v1/completions", body).json
    assert (answer["object"], answer["choices"][0]["finish_reason"]) == ("text_completion", "length")
    assert answer["usage"]["completion_tokens"] == 3
    assert said(streamed(capitals, "/v1/completions", body)) == answer["choices"][0]["text"] != ""


def test_the_small_model_answers_the_last_question_of_a_chat(capitals: processes.Server) -> None:
    chat = [{"role": "user", "content": "What is the capital of Italy?"}, {"role": "assistant", "content": "Rome"}]
    chat += ASKED["messages"]
    answer = capitals.post(CHAT, {**ASKED, "messages": [{"role": "system", "content": "Be brief"}, *chat]}).json
    assert answer["choices"][0]["message"]["content"] == ANSWER


def test_an_adapter_is_a_model_of_its_own(capitals: processes.Server) -> None:
    assert [model["id"] for model in capitals.ask("GET", "/v1/models").json["data"]] == ["capitals", "other"]
    other = capitals.post(CHAT, {**ASKED, "model": "other", "max_tokens": 20}).json
    assert other["model"] == "other"
    assert other["choices"][0]["message"]["content"] != ANSWER
    named = capitals.post(CHAT, {**ASKED, "model": "capitals"}).json
    assert named["choices"][0]["message"]["content"] == ANSWER
    unknown = capitals.post(CHAT, {**ASKED, "model": "gpt"})
    assert unknown.status == 404
    assert "capitals, other" in unknown.json["error"]["message"]


@pytest.mark.parametrize(
    ("change", "field", "allowed"),
    [
        ({"messages": []}, "messages", "a list of 1 to"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "system, developer, user, assistant"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]", "text only"),
        ({"tools": []}, "tools", "max_tokens"),
        ({"grammar": "root ::= x"}, "grammar", "max_tokens"),
        ({"id_slot": 0}, "id_slot", "max_tokens"),
        ({"temperature": 3}, "temperature", "from 0 to 2"),
        ({"max_tokens": 100000}, "max_tokens", "from 1 to 128"),
        ({"n": 2}, "n", "from 1 to 1"),
        ({"stop": ["x"] * 5}, "stop", "4 texts at most"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"response_format": {"type": "json_object"}}, "response_format", '{"type": "text"}'),
        ({"seed": True}, "seed", "a whole number"),
    ],
)
def test_what_nothing_reads_is_refused(
    capitals: processes.Server, change: dict[str, Any], field: str, allowed: str
) -> None:
    reply = capitals.post(CHAT, {**ASKED, **change})
    error = reply.json["error"]
    assert (reply.status, error["param"], error["type"]) == (400, field, "invalid_request_error")
    assert allowed in error["message"]


def test_more_text_than_the_context_has_room_for_is_refused_before_a_stream_begins(capitals: processes.Server) -> None:
    body = {"prompt": "x" * 2000, "stream": True}
    reply = capitals.post("/v1/completions", body)
    assert reply.status == 400
    assert "context size" in reply.json["error"]["message"]


def test_a_body_is_bounded(capitals: processes.Server) -> None:
    assert capitals.post(CHAT, {"messages": [{"role": "user", "content": "x" * 2**20}]}).status == 413
    assert capitals.ask("POST", CHAT, b"{}", content_type="text/plain").status == 415
    assert capitals.ask("GET", CHAT).status == 405


def test_tokens_are_counted_and_those_of_the_golden_request_are_not(folder: Path) -> None:
    with language_models.speaking(folder) as server:
        assert server.metric("slipway_generated_tokens_total") == 0
        usage = server.post(CHAT, ASKED).json["usage"]
        assert server.metric("slipway_generated_tokens_total") == usage["completion_tokens"]
        assert server.metric("slipway_prompt_tokens_total") == usage["prompt_tokens"]
        assert server.metric("slipway_first_token_seconds_count") == 1
        assert server.metric("slipway_tokens_per_second_count") == 1
        assert server.metric("slipway_queue_depth") == 0


def test_a_client_that_leaves_ends_its_run(capitals: processes.Server) -> None:
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", capitals.port, timeout=30)
        body = json.dumps({"prompt": "The", "temperature": 2, "stream": True})
        connection.request("POST", "/v1/completions", body, {"content-type": "application/json"})
        assert connection.getresponse().readline().startswith(b"data: ")
        connection.close()
    assert capitals.post(CHAT, ASKED).json["choices"][0]["message"]["content"] == ANSWER


def test_it_goes_down_after_the_answers_that_it_took(folder: Path) -> None:
    with language_models.speaking(folder, drain_s=0.5) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        body = json.dumps({**ASKED, "stream": True}).encode()
        connection.connect()
        connection.sock.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:10])
        server.terminate()
        connection.sock.sendall(body[10:])
        with connection.sock.makefile("rb") as answer:
            received = answer.read()
        assert received.startswith(b"HTTP/1.1 200")
        assert b"[DONE]" in received
        assert server.process.wait(processes.STOP_LIMIT_S) == 0


def test_it_listens_where_it_was_told_to_and_nowhere_else(capitals: processes.Server) -> None:
    sockets = set()
    for link in Path(f"/proc/{capitals.process.pid}/fd").iterdir():
        target = str(link.readlink()) if link.is_symlink() else ""
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    listening = [words[1] for words in lines if len(words) > 9 and words[3] == "0A" and words[9] in sockets]
    assert listening == [f"0100007F:{capitals.port:04X}"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expect": {"/choices/0/message/content": "London"}}, "wrong answer"),
        ({"expect": {"/choices/3": "London"}}, "the answer has no output `/choices/3`"),
        ({"request": {"messages": "hello"}}, "`messages` is 'hello'"),
    ],
)
def test_a_golden_request_that_is_not_answered_rightly_ends_it(folder: Path, change: dict[str, Any], why: str) -> None:
    config = language_models.language_config()
    config["check"] |= change
    assert why in _why_it_ended(folder, config)


def test_a_file_that_is_cut_off_ends_it(folder: Path) -> None:
    config = language_models.language_config()
    cut = folder / "cut.gguf"
    cut.write_bytes(language_models.MODEL.read_bytes()[:100_000])
    config["model"]["path"] = str(cut)
    assert "llama.cpp does not load it" in _why_it_ended(folder, config)


def _why_it_ended(folder: Path, config: dict[str, Any]) -> str:
    path = folder / "ending.json"
    path.write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-m", "slipway_server"],
        env={**os.environ, **language_models.LIBRARIES, "SLIPWAY_CONFIG": str(path)},
        stderr=subprocess.PIPE,
        timeout=processes.START_LIMIT_S,
        check=False,
    )
    assert done.returncode == 1
    return str(json.loads(done.stderr.splitlines()[-1])["reason"])
