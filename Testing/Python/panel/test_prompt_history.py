"""Prompts typed earlier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

from MedCLIPSegLib.prompts.prompt_entry import MAX_ENTRIES, SETTINGS_KEY, PromptHistory


class SettingsDouble(dict[str, Any]):
    """Settings in memory."""

    def value(self, key: str) -> Any:
        return self.get(key)

    def setValue(self, key: str, value: Any) -> None:
        self[key] = value


def test_the_newest_comes_first_and_each_once() -> None:
    history = PromptHistory(SettingsDouble())
    for prompt in ("liver", "kidney", " liver "):
        history.add([prompt])
    assert history.entries() == ["liver", "kidney"]


def test_several_prompts_keep_their_order() -> None:
    history = PromptHistory(SettingsDouble())
    history.add(["old"])
    history.add(["a", "b", "a"])
    assert history.entries() == ["a", "b", "old"]


def test_the_oldest_are_forgotten() -> None:
    history = PromptHistory(SettingsDouble())
    for number in range(MAX_ENTRIES + 5):
        history.add([f"prompt {number}"])
    assert len(history.entries()) == MAX_ENTRIES == 50
    assert history.entries()[0] == "prompt 54"
    assert history.entries()[-1] == "prompt 5"


def test_blank_prompts_are_not_remembered() -> None:
    settings = SettingsDouble()
    PromptHistory(settings).add(["", "  "])
    assert settings == {}


def test_whatever_the_settings_return_is_understood() -> None:
    for stored, entries in [
        (None, []),
        ("liver", ["liver"]),
        ("", []),
        (("liver", "kidney"), ["liver", "kidney"]),
        (["liver", None, 3, "liver", " "], ["liver"]),
        (7, []),
        ({"a": 1}, []),
    ]:
        assert PromptHistory(SettingsDouble({SETTINGS_KEY: stored})).entries() == entries


def test_prompts_survive_a_restart(tmp_path: Path) -> None:
    for prompts in [["one"], ["tumor, left"], ["@x", "a|b", '"q"'], ["左肾 é", "50 %"], ["two\nlines"]]:
        file = str(tmp_path / f"{len(prompts[0])}.ini")
        settings = QSettings(file, QSettings.Format.IniFormat)
        PromptHistory(settings).add(prompts)
        settings.sync()
        del settings
        assert PromptHistory(QSettings(file, QSettings.Format.IniFormat)).entries() == prompts
