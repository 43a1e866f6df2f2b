"""Names of nodes and segments."""

from __future__ import annotations

from MedCLIPSegLogic.scene.nodes import node_name, one_line


def test_one_line_keeps_every_readable_character() -> None:
    assert one_line(' left\nkidney \t (upper) & 左肾 🫀 | "x" ') == 'left kidney (upper) & 左肾 🫀 | "x"'
    assert one_line("a\x00b\x07c\udcffd") == "abcd"


def test_node_name_is_short_and_can_be_saved() -> None:
    assert node_name("CT & PET") == "CT + PET"
    assert node_name("a" * 60) == "a" * 60
    assert node_name("肾" * 61) == "肾" * 57 + "..."
    assert node_name("word " * 20, limit=13) == "word word..."
