"""Downloads from a hub on this computer that answers, and fails, as the real one does."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from filelock import FileLock
from loopback_hub import COMMIT, LoopbackHub
from published_files import logits, small_network
from small_zoo import CHECKPOINT, ENTRY, VOCABULARY, publish

from MedCLIPSegLab.models.commands import import_model, model_info, remove_model, verify_model
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import default_model
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.model.manifest import ZooEntry, consent_text
from MedCLIPSegLogic.zoo import hub as hub_module
from MedCLIPSegLogic.zoo import receiving
from MedCLIPSegLogic.zoo.download import DownloadReport, download
from MedCLIPSegLogic.zoo.hub import DownloadProgress

CHUNK = 16_384


@pytest.fixture
def content(a_hub: LoopbackHub, tmp_path: Path, small_flavors: None, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The published checkpoint; no pause before retries."""
    monkeypatch.setattr(receiving, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 0.005)
    return publish(a_hub, tmp_path)


def finish(hub: LoopbackHub, entry: ZooEntry = ENTRY) -> tuple[DownloadReport, list[DownloadProgress]]:
    steps, seen = download(entry, True, endpoint=hub.endpoint), []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return stop.value, seen


def kept(home: Path) -> list[Path]:
    """What is kept of an interrupted checkpoint."""
    return list((home / "downloads" / "busi").glob("*latest.pth"))


def nothing_installed(home: Path) -> bool:
    return not (home / "models").exists() or list((home / "models").iterdir()) == []


def test_a_download_becomes_a_model(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    report, steps = finish(a_hub)
    assert torch.equal(logits(load_model("busi").network), logits(small_network("unimedclip")))
    verify_model("busi")
    assert report.first_seen == (VOCABULARY, CHECKPOINT)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert steps[-1].step == "making"
    record = json.loads((a_home / "models/busi/import.json").read_text())["source"]
    sha256 = hashlib.sha256(content).hexdigest()
    assert record == {
        "repository": "someone/models",
        "file": "BUSI/latest.pth",
        "revision": COMMIT,
        "sha256": sha256,
    }
    assert json.loads((a_home / "hashes.json").read_text())[CHECKPOINT.key]["sha256"] == sha256
    assert kept(a_home) == []
    assert finish(a_hub)[0].imported is None
    remove_model("busi")
    assert nothing_installed(a_home)


def test_the_model_downloaded_last_is_the_default(a_hub: LoopbackHub, content: bytes, a_checkpoint: Path) -> None:
    assert default_model() == "mini"
    import_model(a_checkpoint, "carried")
    assert default_model() == "mini"  # only a download changes it
    finish(a_hub)
    assert default_model() == "busi"
    assert load_model().name == "busi"
    remove_model("busi")
    assert default_model() == "mini"


def test_without_a_yes_nothing_is_asked_of_the_network(a_hub: LoopbackHub, content: bytes) -> None:
    with pytest.raises(MedCLIPSegError, match="only after a yes to its size, source and license"):
        next(download(ENTRY, False, endpoint=a_hub.endpoint))
    assert a_hub.requests == []
    text = consent_text(ENTRY)
    assert "size is not published, and the hub gave no answer" in text
    assert "someone/models/BUSI/latest.pth" in text
    assert "License: CC BY-NC 4.0" in text
    assert "biomedclip (MIT)" in text


def test_consent_is_recorded_once(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    assert "accepted" not in model_info("busi")["license"]
    finish(a_hub)
    first = (a_home / "consents.json").read_text()
    assert json.loads(first)["CC BY-NC 4.0"]["model"] == "busi"
    assert "CC BY-NC 4.0, accepted on 20" in model_info("unimedclip")["license"]
    remove_model("busi")
    finish(a_hub)
    assert (a_home / "consents.json").read_text() == first


def test_a_cancelled_download_goes_on_where_it_stopped(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    a_hub.stop_after, a_hub.pause = 5 * CHUNK, threading.Event()
    steps = download(ENTRY, True, endpoint=a_hub.endpoint)
    for step in steps:
        if step.received >= 4 * CHUNK:
            break
    a_hub.pause.set()
    steps.close()
    a_hub.pause = None
    (part,) = kept(a_home)
    size = part.stat().st_size
    assert 4 * CHUNK <= size <= 5 * CHUNK
    assert part.read_bytes() == content[:size]
    assert nothing_installed(a_home)
    before = len(a_hub.gets())
    finish(a_hub)
    assert [headers["Range"] for headers in a_hub.gets()[before:]] == [f"bytes={size}-"]
    verify_model("busi")


def test_a_broken_connection_is_mended(a_hub: LoopbackHub, content: bytes) -> None:
    a_hub.stop_after, a_hub.breaks = 3 * CHUNK, 2
    finish(a_hub)
    ranges = [headers.get("Range") for headers in a_hub.gets()]
    assert ranges[0] is None
    assert len(ranges) == 3
    verify_model("busi")


def test_a_connection_that_stays_broken_keeps_the_part(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    a_hub.stop_after, a_hub.breaks = 2 * CHUNK, 1
    answer = a_hub.answer

    def break_for_good(request) -> None:  # noqa: ANN001
        if a_hub.gets() and not a_hub.breaks:
            request.close_connection = True
        else:
            answer(request)

    a_hub.answer = break_for_good
    with pytest.raises(
        MedCLIPSegError, match=r"no connection to the hub .*of .* MB are kept; the same command goes on"
    ):
        finish(a_hub)
    (part,) = kept(a_home)
    assert part.stat().st_size == 2 * CHUNK
    a_hub.answer = answer
    finish(a_hub)
    verify_model("busi")


def test_a_killed_process_leaves_a_part_that_is_used(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    name = f"{hashlib.sha256(content).hexdigest()[:16]}-latest.pth"
    (a_home / "downloads" / "busi").mkdir(parents=True)
    (a_home / "downloads" / "busi" / name).write_bytes(content[:1000])
    (a_home / "downloads" / "busi.lock").touch()
    finish(a_hub)
    assert a_hub.gets()[-1]["Range"] == "bytes=1000-"
    verify_model("busi")


@pytest.mark.parametrize("source", ["list", "hub", "record", "part"])
def test_a_wrong_hash_is_rejected_and_removed(source: str, a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    entry = ENTRY
    if source == "list":
        entry = dataclasses.replace(ENTRY, file=dataclasses.replace(CHECKPOINT, sha256="0" * 64))
    elif source == "hub":
        a_hub.stated_hash = "0" * 64
    elif source == "record":
        (a_home / "hashes.json").write_text(json.dumps({CHECKPOINT.key: {"sha256": "0" * 64}}))
    else:
        (a_home / "downloads" / "busi").mkdir(parents=True)
        part = a_home / "downloads" / "busi" / f"{hashlib.sha256(content).hexdigest()[:16]}-latest.pth"
        part.write_bytes(b"x" * 1000)
    with pytest.raises(MedCLIPSegError, match=r"was removed, as its SHA-256 .* is not"):
        finish(a_hub, entry)
    assert kept(a_home) == []
    assert nothing_installed(a_home)


def test_a_small_file_that_arrives_changed_is_rejected(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    send = a_hub._send

    def garble(request, status: int, headers: dict[str, str], body: bytes) -> None:  # noqa: ANN001
        changed = request.command == "GET" and request.path.endswith("vocab.txt")
        send(request, status, headers, body[:-2] + b"x\n" if changed else body)

    a_hub._send = garble
    with pytest.raises(MedCLIPSegError, match="did not arrive as the hub has it"):
        finish(a_hub)
    assert not list((a_home / "downloads" / "busi").glob("*vocab.txt"))


def test_another_size_than_the_list_states_is_not_downloaded(a_hub: LoopbackHub, content: bytes) -> None:
    entry = dataclasses.replace(ENTRY, vocabulary=None, file=dataclasses.replace(CHECKPOINT, size=7))
    with pytest.raises(MedCLIPSegError, match="not what was published"):
        finish(a_hub, entry)
    assert a_hub.gets() == []


def test_a_full_disk_is_noticed_before_and_meanwhile(
    a_hub: LoopbackHub, content: bytes, a_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _folder: usage(10**9, 10**9, 10**6))
        with pytest.raises(MedCLIPSegError, match=r"0\.0 GB free, but .* GB are needed; free some space"):
            finish(a_hub)
    assert a_hub.gets() == []

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "_copy", full)
        with pytest.raises(MedCLIPSegError, match=r"cannot be stored in .*No space left on device.*MEDCLIPSEG_HOME"):
            finish(a_hub)
    assert nothing_installed(a_home)
    finish(a_hub)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (500, "", "error 500"),
        (503, "", "error 503"),
        (403, "", "error 403"),
        (401, "RepoNotFound", "only with a token in HF_TOKEN"),
        (403, "GatedRepo", "asks for an account"),
        (404, "EntryNotFound", "hub has no"),
        (404, "RevisionNotFound", "error 404"),
    ],
)
def test_refusals_of_the_hub(status: int, code: str, words: str, a_hub: LoopbackHub, content: bytes) -> None:
    a_hub.refusal = status, code
    with pytest.raises(MedCLIPSegError, match=words) as caught:
        finish(a_hub)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(a_hub: LoopbackHub, content: bytes) -> None:
    del a_hub.bodies[CHECKPOINT.key]
    with pytest.raises(MedCLIPSegError, match=r"has no someone/models/BUSI/latest\.pth"):
        finish(a_hub)


def test_no_network(content: bytes, a_home: Path) -> None:
    steps = download(ENTRY, True, endpoint="http://127.0.0.1:9")
    with pytest.raises(MedCLIPSegError, match=r"no connection to the hub .*medclipseg models import"):
        list(steps)
    assert nothing_installed(a_home)


def test_offline_mode(a_hub: LoopbackHub, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MedCLIPSegError, match="switched off by HF_HUB_OFFLINE"):
        finish(a_hub)
    assert a_hub.requests == []


def test_the_token_is_sent(a_hub: LoopbackHub, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    finish(a_hub)
    pointers = [headers for _method, path, headers in a_hub.requests if "/resolve/" in path]
    assert {headers["authorization"] for headers in pointers} == {"Bearer hf_secret"}


def test_a_proxy_is_used(a_hub: LoopbackHub, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    huggingface_hub.close_session()
    monkeypatch.setenv("http_proxy", a_hub.endpoint)
    monkeypatch.setenv("no_proxy", "")
    try:
        with pytest.raises(MedCLIPSegError):
            list(download(ENTRY, True, endpoint="http://hub.invalid"))
    finally:
        huggingface_hub.close_session()
    assert a_hub.requests[0][1].startswith("http://hub.invalid/someone/bert/resolve/main/vocab.txt")


@pytest.mark.slow
def test_two_processes_at_once(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("download_once.py")), a_hub.endpoint]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert len([headers for headers in a_hub.gets() if "Range" not in headers]) == 1
    verify_model("busi")
    assert [path.name for path in (a_home / "models").iterdir()] == ["busi"]


def test_another_download_is_waited_for_and_can_be_cancelled(a_hub: LoopbackHub, content: bytes, a_home: Path) -> None:
    (a_home / "downloads" / "busi").mkdir(parents=True)
    with FileLock(a_home / "downloads" / "busi.lock"):
        steps = download(ENTRY, True, endpoint=a_hub.endpoint)
        assert next(steps).step == "waiting"
        steps.close()
        with pytest.raises(MedCLIPSegError, match="is being downloaded"):
            remove_model("busi")
    assert a_hub.requests == []
    (a_home / "downloads" / "busi" / "x.pth").write_bytes(b"12345")
    assert remove_model("busi").model_bytes == 5
