"""Published models in the panel: listed, asked about, downloaded, cancelled, on the real panel and a small hub."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pythonqt
from loopback_hub import LoopbackHub
from published_files import SMALL
from small_zoo import ENTRY, publish, use

from MedCLIPSegLogic.model import manifest
from MedCLIPSegLogic.zoo import importing


@pytest.fixture
def a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with the small model in the place of the published one."""
    monkeypatch.setattr(importing, "FLAVORS", SMALL)
    monkeypatch.setitem(manifest.zoo(), "busi", ENTRY)
    with LoopbackHub() as hub:
        publish(hub, tmp_path)
        use(hub, monkeypatch)
        yield hub


@pytest.fixture
def said(a_module_widget: Any) -> list[str]:
    lines: list[str] = []
    a_module_widget.logic.said.connect(lines.append)
    return lines


def wait(condition: Callable[[], bool]) -> None:
    assert pythonqt.runEventLoop(condition, 120)
    pythonqt.processEvents(10)


def choose(widget: Any, name: str) -> None:
    widget.ui.modelComboBox.currentIndex = widget.ui.modelComboBox.findData(name)
    pythonqt.processEvents(30)


def test_published_models_are_listed_and_described(a_module_widget: Any) -> None:
    ui = a_module_widget.ui
    combo = ui.modelComboBox
    names = [combo.itemData(index) for index in range(combo.count)]
    assert names[0] == "mini"
    published = {name for name, entry in manifest.zoo().items() if entry.kind == "model"}
    assert published | {"medclip-sam", "medclip-sam-v2"} == set(names[1:])
    assert ui.downloadModelButton.isHidden()
    assert ui.downloadModelBar.isHidden()
    choose(a_module_widget, "busi-25")
    assert combo.currentText == "BUSI 25 %: breast tumors in breast ultrasound, to download"
    assert ui.modelInfoLabel.text.split("\n") == [
        "Breast tumors in breast ultrasound. Trained on 25 % of BUSI.",
        "License: not stated (probably CC BY-NC 4.0, that of the UniMed-CLIP towers inside)",
        "Download of at least 858 MB",
    ]
    assert not ui.downloadModelButton.isHidden()
    assert not ui.modelCollapsibleButton.collapsed


def test_a_yes_is_asked_for_with_the_size_the_hub_states(a_module_widget: Any, a_hub: LoopbackHub) -> None:
    questions: list[str] = []
    a_module_widget.logic.confirm = lambda question: bool(questions.append(question))
    choose(a_module_widget, "busi")
    pythonqt.processEvents(50)
    assert a_hub.requests == []  # a look at a model asks nobody
    for answers in (True, False):
        if not answers:
            a_hub.refusal = 500, ""
        a_module_widget.ui.downloadModelButton.click()
        wait(lambda: a_module_widget.panel.model.download.entry is None)
        assert "Source: someone/models/BUSI/latest.pth" in questions[-1]
        assert "License: CC BY-NC 4.0" in questions[-1]
        assert ("Download: 0 MB\n" in questions[-1]) == answers
        assert ("the hub gave no answer" in questions[-1]) != answers
    assert len(questions) == 2
    assert {method for method, _path, _headers in a_hub.requests} == {"HEAD"}
    assert a_module_widget.ui.downloadModelButton.text == "Download model…"
    assert a_module_widget.ui.downloadModelBar.isHidden()


def test_the_panel_stays_alive_while_the_hub_is_silent(
    a_module_widget: Any, a_hub: LoopbackHub, said: list[str]
) -> None:
    answer, silence = a_hub.answer, threading.Event()
    a_hub.answer = lambda request: silence.wait(20) and answer(request)  # type: ignore[method-assign]
    questions: list[str] = []
    a_module_widget.logic.confirm = lambda question: bool(questions.append(question))
    choose(a_module_widget, "busi")
    ui = a_module_widget.ui
    ui.downloadModelButton.click()
    wait(lambda: ui.downloadModelBar.format == "Asking the hub for the size")
    choose(a_module_widget, "mini")
    assert ui.modelComboBox.currentText.startswith("MedCLIPSeg mini") or ui.modelComboBox.enabled
    ui.downloadModelButton.click()
    wait(lambda: a_module_widget.panel.model.download.entry is None)
    silence.set()
    assert questions == []
    assert "cancelled" in said[-1]


def test_a_model_is_downloaded_while_the_panel_stays_alive(
    a_module_widget: Any, a_hub: LoopbackHub, said: list[str]
) -> None:
    ui = a_module_widget.ui
    a_module_widget.logic.confirm = lambda _question: True
    choose(a_module_widget, "busi")
    ui.downloadModelButton.click()
    assert ui.downloadModelButton.text == "Cancel the download"
    assert not ui.downloadModelBar.isHidden()
    choose(a_module_widget, "mini")
    assert ui.modelComboBox.enabled
    wait(lambda: a_module_widget.panel.model.download.entry is None)
    assert said == ["The model “Breast tumors in breast ultrasound (BUSI)” is on this computer now."]
    choose(a_module_widget, "busi")
    assert ui.modelComboBox.currentText == "Breast tumors in breast ultrasound (BUSI)"
    assert ui.modelInfoLabel.text.endswith("MB, on this computer")
    assert ui.downloadModelButton.isHidden()
    assert ui.downloadModelBar.isHidden()


def test_a_download_is_cancelled_and_goes_on(a_module_widget: Any, a_hub: LoopbackHub, said: list[str]) -> None:
    ui = a_module_widget.ui
    a_module_widget.logic.confirm = lambda _question: True
    a_hub.stop_after, a_hub.pause = 5 * 16_384, threading.Event()
    choose(a_module_widget, "busi")
    ui.downloadModelButton.click()
    wait(lambda: ui.downloadModelBar.value > 0)
    ui.downloadModelButton.click()
    a_hub.pause.set()
    wait(lambda: a_module_widget.panel.model.download.entry is None)
    assert said == ["The download was cancelled; the next one goes on where it stopped."]
    assert ui.downloadModelButton.text == "Download model…"
    a_hub.pause = None
    ui.downloadModelButton.click()
    wait(lambda: a_module_widget.panel.model.download.entry is None)
    assert a_hub.gets()[-1]["Range"] == f"bytes={5 * 16_384}-"
    assert "on this computer now" in said[-1]


def test_a_failed_download_says_why(a_module_widget: Any, a_hub: LoopbackHub, said: list[str]) -> None:
    a_module_widget.logic.confirm = lambda _question: True
    a_hub.refusal = 503, ""
    choose(a_module_widget, "busi")
    a_module_widget.ui.downloadModelButton.click()
    wait(lambda: a_module_widget.panel.model.download.entry is None)
    assert "error 503" in said[-1]
    assert a_module_widget.ui.downloadModelButton.text == "Download model…"


def test_a_download_ends_with_the_panel(a_module_widget: Any, a_hub: LoopbackHub, a_home: Path) -> None:
    a_module_widget.logic.confirm = lambda _question: True
    a_hub.stop_after, a_hub.pause = 16_384, threading.Event()
    choose(a_module_widget, "busi")
    a_module_widget.ui.downloadModelButton.click()
    wait(lambda: a_module_widget.ui.downloadModelBar.value > 0)
    a_hub.pause.set()
    a_module_widget.onReload()
    assert list((a_home / "models").glob("*")) == [] if (a_home / "models").exists() else True
