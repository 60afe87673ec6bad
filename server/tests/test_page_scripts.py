"""The page's scripts: their functions under Node, and all of it in a browser in full rounds."""

import http.client
import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, ClassVar

import onnx
import onnx_models
import processes
import pytest
import step_models
from slipway_server.page.chat import chat_openapi
from slipway_server.page.document import _SCRIPTS, document
from test_model_page import HOSTILE

HERE = Path(__file__).parent
PAGE = HERE.parent / "src" / "slipway_server" / "page"
PLAYWRIGHT = "playwright-core@1.64.1"
SECRET = "sk_aaaaaaaaaaaa_" + "A" * 43
FULL = os.environ.get("SLIPWAY_ROUNDS") == "full"
NODE, NPM = shutil.which("node"), shutil.which("npm")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

needs_node = pytest.mark.skipif(NODE is None, reason="needs Node 20 or newer: apt-get install nodejs")


def node(*arguments: str, limit_s: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    environment = {**os.environ, **variables}
    command = [NODE, *arguments]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=limit_s)


@needs_node
@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_script_of_the_page_can_be_read(name: str) -> None:
    checked = node("--check", str(PAGE / name))
    assert checked.returncode == 0, checked.stderr


def test_the_page_has_all_scripts_that_are_there_and_each_is_of_a_size_to_read() -> None:
    assert {path.name for path in PAGE.glob("*.js")} == set(_SCRIPTS)
    for name in _SCRIPTS:
        lines = (PAGE / name).read_text().splitlines()
        assert len(lines) <= 300, name
        assert max(map(len, lines)) <= 120, name


@needs_node
def test_the_functions_of_the_page_do_what_they_say() -> None:
    paths = ":".join(str(PAGE / name) for name in _SCRIPTS if name != "page.js")
    ran = node("--test", "--test-reporter=tap", str(HERE / "page_scripts.cjs"), PAGE_SCRIPTS=paths)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# fail 0" in ran.stdout


def hostile(folder: Path) -> dict[str, Any]:
    """The configuration of a model whose names try to be elements, scripts and attributes of the page."""
    nodes = [
        onnx.helper.make_node("Identity", [HOSTILE], ["same"], name="<b>bold</b>"),
        onnx.helper.make_node("Identity", ["same"], ["<iframe>"], name=HOSTILE),
    ]
    inputs = [onnx_models.value(HOSTILE, onnx_models.FLOAT, ["N", 3])]
    outputs = [onnx_models.value("<iframe>", onnx_models.FLOAT, ["N", 3])]
    model = onnx_models.save(folder / "hostile-page.onnx", nodes, inputs, outputs, checked=False)
    labels = ["<img src=x onerror=injected=true>", "</script><script>injected=true</script>", "<b>"]
    check = {"request": {"inputs": {HOSTILE: [[0, 0, 0]]}}, "expect": {"<iframe>": [[0, 0, 0]]}}
    config = processes.config_for(model, check, output={"labels": labels})
    return {**config, "model": {**config["model"], "name": HOSTILE}}


def text(folder: Path) -> dict[str, Any]:
    """The configuration of a model that takes texts and gives labels."""
    check = {"request": {"text": "good"}, "expect": {"scores": [[2, -2]]}}
    steps = {"input": {"text": {"tokenizer": str(step_models.tokenizer(folder))}}}
    after = {"output": {"labels": list(step_models.CLASSES), "softmax": True}}
    return processes.config_for(step_models.bag(folder), check, **steps, **after)


class Gateway(http.server.BaseHTTPRequestHandler):
    """A stand-in for the gateway: cuts the path off, lets the page through, and asks for a key for all else."""

    server_port_of_model = 0
    asked: ClassVar[list[tuple[str, str, bool]]] = []

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        known = self.headers.get("authorization") == f"Bearer {SECRET}"
        self.asked.append((self.command, self.path, known))
        if not known and (self.command, self.path) not in (("GET", "/models/digits"), ("GET", "/models/digits/")):
            reply = processes.Reply(401, {"content-type": "application/json"}, b'{"error": "a key is needed"}')
        else:
            sent = {name: value for name, value in self.headers.items() if name.lower() in ("content-type",)}
            path = self.path.removeprefix("/models/digits") or "/"
            connection = http.client.HTTPConnection("127.0.0.1", self.server_port_of_model, timeout=60)
            reply = processes.ask_on(connection, self.command, path, body or None, **sent)
            connection.close()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            if name in ("content-type", "content-security-policy"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
        """Say nothing."""


class Chat(http.server.BaseHTTPRequestHandler):
    """A stand-in for a server of a language model, which says how much it was sent; the page is the real one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        described = json.dumps(chat_openapi("capitals", "1.0.0", ["capitals"], 128, False)).encode()
        answers = {"/": (document().body, document().headers), "/openapi.json": (described, {})}
        body, headers = answers[self.path]
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        messages = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        words = (f"{len(messages)} ", "messages, the last one is ", messages[-1]["content"])
        pieces: list[dict[str, Any]] = [{"choices": [{"delta": {"content": word}}]} for word in words]
        for piece in (*pieces, {"choices": [], "usage": {"completion_tokens": 3}}):
            self.wfile.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
        """Say nothing."""


@pytest.fixture(scope="module")
def playwright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("playwright")
    assert NPM is not None
    command = [NPM, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), PLAYWRIGHT]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder / "node_modules" / "playwright-core"


def played(playwright: Path, url: str, key: str = "") -> dict[str, Any]:
    """What a person saw, see page_browser.cjs."""
    picture = str(processes.DIGITS / "seven.png")
    script = str(HERE / "page_browser.cjs")
    ran = node(script, str(playwright), CHROMIUM or "", url, picture, "", key, limit_s=240)
    assert ran.returncode == 0, ran.stderr
    seen: dict[str, Any] = json.loads(ran.stdout)
    return seen


in_a_browser = pytest.mark.skipif(
    not FULL or None in (CHROMIUM, NPM, NODE), reason="needs SLIPWAY_ROUNDS=full, and Chromium, Node and npm of Debian"
)


@in_a_browser
@pytest.mark.parametrize("model", ["digits", "hostile", "text"])
def test_a_person_asks_and_explains_by_keyboard_and_on_a_phone(model: str, folder: Path, playwright: Path) -> None:
    config = {"digits": lambda _: processes.digits_config(), "hostile": hostile, "text": text}[model](folder)
    with processes.running(config, folder) as server:
        seen = played(playwright, f"http://127.0.0.1:{server.port}/")
    assert seen["errors"] == []
    assert seen["elsewhere"] == []
    assert seen["injected"] is False
    assert seen["overflow"] <= 0
    assert "is no input of this model" in seen["problem"]
    assert seen["explained"].startswith("Hiding ")
    if model == "digits":
        assert (seen["title"], seen["kinds"]) == ("digits", ["picture", "json"])
        assert (seen["tabbed"], seen["focusedAnswer"], seen["drawn"]) == ("predict", "answer", 1)
        assert seen["first"].split()[:2] == ["label", "[7]"]
        assert seen["boxes"] == 6
    elif model == "text":
        assert seen["kinds"] == ["text", "json"]
        assert seen["words"] == ["good", "but", "awful"]
        assert seen["explained"].startswith("Hiding awful changes the score of angry most: it falls by 3.")
    else:
        assert (seen["title"].split()[0], seen["kinds"]) == (HOSTILE.split()[0], ["table", "json"])
        assert (seen["rows"], seen["boxes"]) == (2, 2)


@in_a_browser
def test_a_person_chats_by_keyboard_and_what_was_said_goes_along(playwright: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen = played(playwright, f"http://127.0.0.1:{server.server_port}/")
    server.shutdown()
    server.server_close()
    assert (seen["title"], seen["kinds"], seen["errors"], seen["elsewhere"]) == ("capitals", ["chat"], [], [])
    assert seen["said"] == [
        "Hello",
        "1 messages, the last one is Hello",
        "<b>Again</b>",
        "3 messages, the last one is <b>Again</b>",
    ]
    assert (seen["left"], seen["injected"], seen["problem"]) == (0, False, "there is no message yet")
    assert seen["overflow"] <= 0


@in_a_browser
@pytest.mark.parametrize("end", ["", "/"])
def test_behind_a_gateway_the_page_asks_for_a_key_and_sends_it_with_each_call(
    end: str, folder: Path, playwright: Path
) -> None:
    asked: list[tuple[str, str, bool]] = []
    with processes.running(processes.digits_config(), folder) as server:
        handler = type("Before", (Gateway,), {"server_port_of_model": server.port, "asked": asked})
        gateway = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        seen = played(playwright, f"http://127.0.0.1:{gateway.server_port}/models/digits{end}", SECRET)
        gateway.shutdown()
        gateway.server_close()
    assert "digits" not in seen["before"]
    assert (seen["focused"], seen["title"], seen["kept"]) == ("key", "digits", '[0,0,""]')
    assert seen["errors"] == seen["elsewhere"] == []
    assert seen["explained"].startswith("Hiding ")
    assert {path for _, path, known in asked if not known} == {f"/models/digits{end}", "/models/digits/openapi.json"}
    assert {path for _, path, known in asked if known} == {
        f"/models/digits/{name}" for name in ("openapi.json", "predict", "graph")
    }
    assert not any(SECRET in path for _, path, _ in asked)
