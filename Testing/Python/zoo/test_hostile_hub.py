"""Whatever a hub answers, or whoever is between: a sentence, no byte too many, nowhere inside, and no token given."""

from __future__ import annotations

import contextlib
import http.server
import logging
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_hubs import ELSEWHERE, HOSTILE, chunked, on_content, on_question, plain, to
from loopback_hub import LoopbackHub
from small_zoo import CHECKPOINT, ENTRY, publish

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.zoo import hub as hub_module
from MedCLIPSegLogic.zoo import receiving
from MedCLIPSegLogic.zoo.download import download
from MedCLIPSegLogic.zoo.hub import ask_size
from MedCLIPSegLogic.zoo.redirects import next_address

MORE_THAN_WORDS = re.compile(r"[A-Za-z]+(Error|Exception|Redirects|InvalidURL)\b")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses beyond this computer that were called; none is reached, and inside.example is a private one."""
    numbers = {"inside.example": "10.1.2.3", "hub.example": "93.184.216.34"}
    found: list[str] = []
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def numbered(host: Any, *arguments: Any, **options: Any) -> Any:
        if host in numbers:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (numbers[host], 0))]
        return look_up(host, *arguments, **options)

    def noted(self: socket.socket, address: Any) -> None:
        if address[0] not in ("127.0.0.1", "::1", "localhost"):
            found.append(str(address[0]))
            raise ConnectionRefusedError(111, "Connection refused")
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", numbered)
    monkeypatch.setattr(socket.socket, "connect", noted)
    return found


@pytest.fixture
def content(
    a_hub: LoopbackHub, tmp_path: Path, small_flavors: None, monkeypatch: pytest.MonkeyPatch, calls: list[str]
) -> bytes:
    """The published checkpoint; no pause before retries, a token, and the last address of all is this computer's."""
    monkeypatch.setattr(receiving, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 0.005)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return publish(a_hub, tmp_path)


def finish(hub: LoopbackHub) -> None:
    for _step in download(ENTRY, True, endpoint=hub.endpoint):
        pass


def asked_size(hub: LoopbackHub) -> int | None:
    steps = ask_size(CHECKPOINT, hub.endpoint)
    while True:
        try:
            assert next(steps).step == "asking"
        except StopIteration as stop:
            return stop.value


@contextlib.contextmanager
def library_lines() -> Iterator[list[str]]:
    """What huggingface_hub prints meanwhile."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("huggingface_hub")
    log.addHandler(handler)
    try:
        yield lines
    finally:
        log.removeHandler(handler)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_hub_gets_a_sentence(
    name: str, a_hub: LoopbackHub, content: bytes, a_home: Path, calls: list[str]
) -> None:
    a_hub.answer = lambda request: HOSTILE[name](a_hub, request)  # type: ignore[method-assign]
    with library_lines() as lines, pytest.raises(MedCLIPSegError) as caught:
        finish(a_hub)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 400
    assert not MORE_THAN_WORDS.search(sentence)
    assert lines == []
    assert calls == []
    assert all(path.stat().st_size <= len(content) for path in a_home.rglob("*.pth"))
    assert not (a_home / "models").exists() or not list((a_home / "models").iterdir())
    assert not any("authorization" in headers for _m, path, headers in a_hub.requests if path.startswith("/store/"))
    del a_hub.answer
    with contextlib.suppress(MedCLIPSegError):
        finish(a_hub)  # goes on after what came, or finds it wrong and removes it
    finish(a_hub)


@pytest.mark.parametrize("location", ELSEWHERE)
def test_a_hub_on_the_internet_is_not_followed_inside(location: str, calls: list[str]) -> None:
    for start in ("https://hub.example/a", "https://hub.example:8443/a"):
        with pytest.raises(MedCLIPSegError, match="it was not followed"):
            next_address(start, start, location)
    assert calls == []


@pytest.mark.parametrize(
    ("start", "here", "location", "target"),
    [
        ("https://hub.example/a/b", "https://hub.example/a/b", "/c", "https://hub.example/c"),
        ("https://hub.example/a", "https://hub.example/a", "https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("http://10.0.0.5:8080/a", "http://10.0.0.5:8080/a", "/b", "http://10.0.0.5:8080/b"),
        ("http://inside.example/a", "http://inside.example/a", "https://inside.example/b", "https://inside.example/b"),
        ("http://127.0.0.1:1/a", "http://127.0.0.1:1/a", "http://localhost:2/b", "http://localhost:2/b"),
        ("https://[fd00::5]/a", "https://[fd00::5]/a", "https://[fd00::5]:444/b", "https://[fd00::5]:444/b"),
    ],
)
def test_where_a_download_may_go(start: str, here: str, location: str, target: str, calls: list[str]) -> None:
    assert next_address(start, here, location) == target


@pytest.mark.parametrize(
    ("start", "here", "location", "words"),
    [
        ("https://hub.example/a", "https://hub.example/a", "http://hub.example/b", "not https"),
        ("https://127.0.0.1/a", "https://127.0.0.1/a", "http://127.0.0.1/b", "not https"),
        ("http://127.0.0.1/a", "http://127.0.0.1/a", "https://10.0.0.1/b", "10.0.0.1 is not on the internet"),
        ("https://hub.example/a", "https://hub.example/a", "https://127.0.0.1/b", "127.0.0.1 is not on the internet"),
        ("https://hub.example/a", "https://hub.example/a", "https://localhost/b", "is not on the internet"),
        ("http://inside.example/a", "http://inside.example/a", "http://hub.example/b", "not https"),
        ("https://inside.example/a", "https://inside.example/a", "https://10.9.9.9/b", "is not on the internet"),
        ("https://hub.example/a", "https://8.8.8.8/a", "http://hub.example/b", "not https"),
    ],
)
def test_where_it_may_not(start: str, here: str, location: str, words: str, calls: list[str]) -> None:
    with pytest.raises(MedCLIPSegError, match=words):
        next_address(start, here, location)


def test_a_token_stays_with_the_hub(a_hub: LoopbackHub, content: bytes) -> None:
    heard: list[tuple[str, str | None, str | None]] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, self.headers["Authorization"], self.headers["Accept-Encoding"]))
            self.send_response(302 if self.path == "/first" else 200)
            if self.path == "/first":
                self.send_header("Location", f"{a_hub.endpoint}/store/{CHECKPOINT.key}")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        there = f"http://localhost:{server.server_port}/first"
        a_hub.answer = lambda request: (  # type: ignore[method-assign]
            to(there)(a_hub, request)
            if request.command == "GET" and "/resolve/" in request.path and request.path.endswith(".pth")
            else LoopbackHub.answer(a_hub, request)
        )
        finish(a_hub)
        server.shutdown()
    assert heard == [("/first", None, "identity")]


def test_what_passes_is_waited_for(a_hub: LoopbackHub, content: bytes) -> None:
    answers = [
        plain(503, {"Content-Length": "0"}, b""),
        plain(429, {"Retry-After": "86400"}, b""),
        chunked(content[:9]),
    ]

    def answer(hub: LoopbackHub, request: Any) -> None:
        (answers.pop(0) if answers else LoopbackHub.answer)(hub, request)

    a_hub.answer = lambda request: on_content(answer)(a_hub, request)  # type: ignore[method-assign]
    finish(a_hub)
    assert answers == []


@pytest.mark.parametrize("status", [200, 206, 416])
def test_a_hub_that_begins_anew_is_followed(status: int, a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    """It ignores the range, sends another one, or knows nothing of it."""
    steps = download(ENTRY, True, endpoint=a_hub.endpoint)
    a_hub.stop_after, a_hub.breaks = 1000, 1
    first = [
        plain(status, {"Content-Range": "bytes 0-9/10"} if status == 206 else {}, content if status == 200 else b"")
    ]

    def answer(hub: LoopbackHub, request: Any) -> None:
        again = "Range" in request.headers and first
        (first.pop() if again else LoopbackHub.answer)(hub, request)

    a_hub.answer = lambda request: on_content(answer)(a_hub, request)  # type: ignore[method-assign]
    for _step in steps:
        pass
    assert first == []
    assert (a_home / "models" / "busi").is_dir()


@pytest.mark.parametrize("silent", ["HEAD", "GET"])
def test_a_silent_hub_can_be_left(
    silent: str, a_hub: LoopbackHub, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = threading.Event()
    monkeypatch.setattr(hub_module, "CANCEL_SECONDS", 0.0)

    def answer(request: Any) -> None:
        if request.command == silent and request.path.endswith(".pth"):
            silence.wait(20)
        LoopbackHub.answer(a_hub, request)

    a_hub.answer = answer  # type: ignore[method-assign]
    steps = download(ENTRY, True, endpoint=a_hub.endpoint)
    for step in steps:
        if [path for method, path, _headers in a_hub.requests if path.endswith("vocab.txt") and method == "GET"]:
            assert step.step in ("asking", "downloading", "checking")
            break
    steps.close()
    silence.set()


def test_a_hub_that_never_answers_is_given_up(
    a_hub: LoopbackHub, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then keeps the library waiting for ever."""
    over = threading.Event()
    monkeypatch.setattr(hub_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(hub_module, "SIZE_SECONDS", 0.3)

    def drip(_hub: LoopbackHub, request: Any) -> None:
        with contextlib.suppress(OSError):
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not over.wait(0.05):
                request.wfile.write(b"x")

    a_hub.answer = lambda request: on_question(drip)(a_hub, request)  # type: ignore[method-assign]
    with pytest.raises(MedCLIPSegError, match="no connection to the hub"):
        finish(a_hub)
    assert asked_size(a_hub) is None
    over.set()


def test_the_hub_is_asked_for_the_size(a_hub: LoopbackHub, content: bytes) -> None:
    assert asked_size(a_hub) == len(content)
    assert {method for method, _path, _headers in a_hub.requests} == {"HEAD"}
    for name in [name for name in HOSTILE if name.startswith("asked: size") or name == "asked: no bytes"]:
        a_hub.answer = lambda request, name=name: HOSTILE[name](a_hub, request)  # type: ignore[method-assign]
        assert asked_size(a_hub) is None


def test_a_token_that_is_none_gets_a_sentence(
    a_hub: LoopbackHub, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_sécret")
    with pytest.raises(MedCLIPSegError, match="HF_TOKEN"):
        finish(a_hub)
