"""Which registry on the port is taken for the person's."""

import http.server
import os
import threading

import pytest

from slipway.local.docker import registry
from slipway.local.host import paths
from slipway.local.host.errors import LocalError
from tests.support.other_user import NOBODY, listening, needs_root


class _Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@needs_root
@pytest.mark.parametrize("uid", [os.geteuid(), NOBODY])
def test_a_registry_that_another_user_runs_is_not_used(
    uid: int, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Registry, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listening(uid)
        port = server.socket.getsockname()[1]
        monkeypatch.setattr(registry, "ADDRESS", f"127.0.0.1:{port}")
        monkeypatch.setattr(registry, "_PORT", port)
        monkeypatch.setattr(paths, "STATE_RUN", tmp_path)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            if uid == NOBODY:
                with pytest.raises(LocalError, match=f"no container registry of yours .*another user, uid {NOBODY}"):
                    registry.start()
            else:
                assert registry.start() == "running already"
        finally:
            server.shutdown()
            thread.join()
