"""A model hub on this computer: answers as the real one does, and fails when told to."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c" * 40


class LoopbackHub:
    """Serves ``/owner/name/resolve/main/path``: large files by redirect to a content store with byte ranges, named by
    their SHA-256; small ones at once, named as git does.

    `requests` notes method, path and headers; `bodies` maps "owner/name/path" to bytes; `stop_after` bytes of a large
    file the connection breaks, as many times as `breaks`; `pause` holds a large file back after `stop_after` bytes;
    `refusal` is the status and error code of every answer.
    """

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.small: set[str] = set()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.stop_after = 0
        self.breaks = 0
        self.pause: threading.Event | None = None
        self.stated_hash: str | None = None
        self.refusal: tuple[int, str] | None = None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub.answer(self)

            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_arguments: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LoopbackHub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.pause is not None:
            self.pause.set()
        self._server.shutdown()
        self._server.server_close()

    def gets(self) -> list[dict[str, str]]:
        """Headers of the requests for content of large files."""
        return [headers for method, path, headers in self.requests if method == "GET" and path.startswith("/store/")]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append((request.command, request.path, dict(request.headers)))
        if self.refusal:
            self._send(request, self.refusal[0], {"X-Error-Code": self.refusal[1]}, b"")
        elif request.path.startswith("/store/"):
            self._send_content(request)
        else:
            self._send_pointer(request)

    def _send_pointer(self, request: BaseHTTPRequestHandler) -> None:
        key = request.path.strip("/").replace("/resolve/main/", "/")
        body = self.bodies.get(key)
        if body is None:
            self._send(request, 404, {"X-Error-Code": "EntryNotFound"}, b"")
        elif key in self.small:
            name = hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
            self._send(request, 200, {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}, body)
        else:
            name = self.stated_hash or hashlib.sha256(body).hexdigest()
            headers = {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Size": str(len(body)),
                "X-Linked-ETag": f'"{name}"',
                # Another host, as on the real hub.
                "Location": f"http://localhost:{self._server.server_port}/store/{key}",
            }
            self._send(request, 302, headers, b"")

    def _send_content(self, request: BaseHTTPRequestHandler) -> None:
        body = self.bodies[request.path.removeprefix("/store/")]
        wanted = request.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        headers = {"Accept-Ranges": "bytes"}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        if request.command == "HEAD":
            self._send(request, 200, headers, body)
            return
        if self.breaks or self.pause is not None:
            self._send_part(request, body[start:], headers, bool(wanted))
        else:
            self._send(request, 206 if wanted else 200, headers, body[start:])

    def _send_part(self, request: BaseHTTPRequestHandler, body: bytes, headers: dict[str, str], ranged: bool) -> None:
        request.send_response(206 if ranged else 200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body[: self.stop_after])
        request.wfile.flush()
        if self.pause is not None:
            self.pause.wait(20)
        self.breaks = max(0, self.breaks - 1)
        request.close_connection = True

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)
