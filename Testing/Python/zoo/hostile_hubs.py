"""What a hub, or someone between, may answer: by name, functions that take the place of `LoopbackHub.answer`."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from loopback_hub import LoopbackHub

Answer = Callable[[LoopbackHub, BaseHTTPRequestHandler], None]
MORE = b"x" * 65_536
ENDLESS = 2_000
"""Pieces of what has no end: more than any of these files takes, and no more, so that what takes it all ends too."""


def _raw(request: BaseHTTPRequestHandler, *pieces: bytes, times: int = 1) -> None:
    """Send bytes as they are, then close the connection."""
    request.close_connection = True
    try:
        for _ in range(times):
            for piece in pieces:
                request.wfile.write(piece)
        request.wfile.flush()
    except OSError:  # the other side has heard enough
        pass


def _content(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> bytes:
    return hub.bodies[request.path.removeprefix("/store/")]


def on_content(answer: Answer) -> Answer:
    """Answer requests for the content of the checkpoint so, and others as a good hub does."""

    def either(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
        if request.command == "GET" and request.path.startswith("/store/"):
            hub.requests.append((request.command, request.path, dict(request.headers)))
            answer(hub, request)
        else:
            LoopbackHub.answer(hub, request)

    return either


def on_question(answer: Answer) -> Answer:
    """Answer the question what the checkpoint is so, and others as a good hub does."""

    def either(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
        if request.command == "HEAD" and request.path.endswith("latest.pth"):
            hub.requests.append((request.command, request.path, dict(request.headers)))
            answer(hub, request)
        else:
            LoopbackHub.answer(hub, request)

    return either


def plain(status: int, headers: dict[str, str], body: bytes | None = None, times: int = 1) -> Answer:
    """A status, headers and a body; None for the content itself."""

    def answer(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = _content(hub, request) if body is None else body
        _raw(request, f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("latin-1"))
        _raw(request, sent, times=times)

    return answer


def chunked(body: bytes | None = None, times: int = 1, last: bool = True) -> Answer:
    """A body in chunks; None for the content itself."""

    def answer(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
        sent = _content(hub, request) if body is None else body
        _raw(request, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        _raw(request, f"{len(sent):x}\r\n".encode() + sent + b"\r\n", times=times)
        _raw(request, b"0\r\n\r\n" if last else b"")

    return answer


def to(location: str) -> Answer:
    """A redirect."""
    return plain(302, {"Location": location, "Content-Length": "0"}, b"")


def to_itself(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
    plain(302, {"Location": request.path, "Content-Length": "0"}, b"")(hub, request)


def from_place_to_place(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
    plain(302, {"Location": f"{request.path}?{len(hub.requests)}", "Content-Length": "0"}, b"")(hub, request)


def packed(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
    body = gzip.compress(_content(hub, request))
    plain(200, {"Content-Encoding": "gzip", "Content-Length": str(len(body))}, body)(hub, request)


def raw(*pieces: bytes, times: int = 1) -> Answer:
    """Bytes that need not be HTTP."""
    return lambda _hub, request: _raw(request, *pieces, times=times)


def stated(**headers: str) -> Answer:
    """What a good hub says of the checkpoint, but for some headers."""

    def answer(hub: LoopbackHub, request: BaseHTTPRequestHandler) -> None:
        size = len(hub.bodies[request.path.strip("/").replace("/resolve/main/", "/")])
        good = {"X-Linked-Size": str(size), "X-Linked-ETag": '"v1"', "Location": f"{hub.endpoint}/elsewhere"}
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        plain(302, {name: value for name, value in (good | changed).items() if value != "-"}, b"")(hub, request)

    return answer


ELSEWHERE = (
    *("http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/", "https://10.0.0.1/x", "https://192.168.1.1/x"),
    *("https://172.16.0.1/x", "https://100.64.0.1/x", "https://0.0.0.0/x", "https://[fc00::1]/x", "https://[fe80::1]/x"),
    *("https://[::ffff:10.0.0.1]/x", "https://[64:ff9b::a00:1]/x", "https://[2002:a00:1::]/x", "https://[fec0::1]/x"),
    *("https://167772161/x", "https://0xa.1/x", "https://224.0.0.1/x", "http://8.8.8.8/x", "http://hub.example/x"),
    *("//192.168.1.1/x", "ftp://8.8.8.8/x", "file:///etc/passwd", "http://[", "https://8.8.8.8:99999/"),
    *("javascript:0", "https://a.b@10.0.0.1/x", "https://inside.example/x", "http://10.0.0.1:80/"),
)  # fmt: skip
"""Where no download may be sent on to; inside.example is given a private address."""

HOSTILE: dict[str, Answer] = {
    "more than stated": on_content(plain(200, {"Content-Length": "1000000"}, MORE, times=16)),
    "more in chunks": on_content(chunked(MORE, times=5)),
    "endless chunks": on_content(chunked(MORE, times=ENDLESS, last=False)),
    "endless without a length": on_content(plain(200, {}, MORE, times=ENDLESS)),
    "less than stated": on_content(plain(200, {"Content-Length": "10"}, b"0123456789")),
    "short in chunks": on_content(chunked(b"0123456789")),
    "chunks of no size": on_content(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
    "packed": on_content(packed),
    "packed bomb": on_content(plain(200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(2**27)))),
    "packed unknown": on_content(plain(200, {"Content-Encoding": "x\x9by"}, MORE)),
    "another part": on_content(plain(206, {"Content-Range": "bytes 7-9/10"}, b"abc")),
    "a part of nothing": on_content(plain(206, {}, b"abc")),
    "no such part": on_content(plain(416, {"Content-Length": "0"}, b"")),
    "not changed": on_content(plain(304, {}, b"")),
    "nothing": on_content(plain(204, {}, b"")),
    "another protocol": on_content(plain(101, {"Upgrade": "x", "Connection": "upgrade"}, b"")),
    "endless continue": on_content(raw(b"HTTP/1.1 100 Continue\r\n\r\n", times=2_000)),
    "an error with an endless page": on_content(plain(500, {}, MORE, times=ENDLESS)),
    "a refusal with an endless page": on_content(plain(403, {}, MORE, times=ENDLESS)),
    "come back tomorrow": on_content(plain(429, {"Retry-After": "86400", "Content-Length": "0"}, b"")),
    "two lengths": on_content(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")),
    "a length of many digits": on_content(plain(200, {"Content-Length": "9" * 5000}, b"")),
    "a length below nothing": on_content(plain(200, {"Content-Length": "-5"}, b"")),
    "an endless header": on_content(raw(b"HTTP/1.1 200 OK\r\nX: ", MORE, times=100)),
    "no HTTP": on_content(raw(b"\x00\xff220 smtp ready\r\n")),
    "closed at once": on_content(raw()),
    "in a circle": on_content(to_itself),
    "from place to place": on_content(from_place_to_place),
    **{f"to {location}": on_content(to(location)) for location in ELSEWHERE},
    "asked: size below nothing": on_question(stated(X_Linked_Size="-5")),
    "asked: no bytes": on_question(stated(X_Linked_Size="0")),
    "asked: size beyond all": on_question(stated(X_Linked_Size="9" * 30)),
    "asked: size of many digits": on_question(stated(X_Linked_Size="9" * 4000)),
    "asked: size of letters": on_question(stated(X_Linked_Size="many")),
    "asked: no size": on_question(stated(X_Linked_Size="-")),
    "asked: no version": on_question(stated(X_Linked_ETag="-")),
    "asked: version of nothing": on_question(stated(X_Linked_ETag='""')),
    "asked: no HTTP": on_question(raw(b"ICY 200 OK\r\n\r\n")),
    "asked: closed at once": on_question(raw()),
    "asked: an endless header": on_question(raw(b"HTTP/1.1 200 OK\r\nX: ", MORE, times=100)),
    "asked: in a circle": on_question(to_itself),
    "asked: from place to place": on_question(from_place_to_place),
    "asked: to no address": on_question(stated(Location="http://[")),
    "asked: to no port": on_question(stated(Location="https://8.8.8.8:99999/")),
    "asked: long refusal": on_question(plain(403, {"X-Error-Message": "no " * 3000, "X-Error-Code": "x"}, b"")),
    "asked: unknown refusal": on_question(plain(418, {"X-Error-Code": "GatedRepo2"}, b"")),
    "asked: a warning": on_question(plain(404, {"X-HF-Warning": "t; send money"}, b"")),
}
"""Every one of them ends with a sentence and nothing installed."""
