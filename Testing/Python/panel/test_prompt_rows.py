"""Rows of the prompt table without their widgets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from MedCLIPSegLib.prompts.prompt_rows import PromptRow, PromptRows

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
ODD_PROMPTS = ["a|b", "say \"it\" 'now'", "two\nlines", "左肾 é ß 😀", "x" * 500, "<b>bold</b>"]


@pytest.fixture
def a_list() -> PromptRows:
    rows = PromptRows([RED, GREEN, BLUE])
    rows.add(["liver", "kidney", "spleen"])
    return rows


def prompts(rows: PromptRows) -> list[str]:
    return [row.prompt for row in rows]


def test_new_rows_take_the_colors_in_turn(a_list: PromptRows) -> None:
    assert [row.color for row in a_list] == [RED, GREEN, BLUE]
    a_list.remove(1)
    assert a_list.add(["tumor"])[0].color == GREEN


def test_moving_stops_at_the_ends(a_list: PromptRows) -> None:
    assert a_list.move(2, -1) == 1
    assert prompts(a_list) == ["liver", "spleen", "kidney"]
    assert a_list.move(0, -1) == 0
    assert a_list.move(2, 5) == 2
    assert prompts(a_list) == ["liver", "spleen", "kidney"]


def test_a_copy_is_another_row_without_segment(a_list: PromptRows) -> None:
    a_list.update(a_list[0].rowId, segmentId="Segment_1", threshold=0.7, name="L")
    copy = a_list.duplicate(0)
    assert a_list[1] is copy
    assert (copy.prompt, copy.name, copy.threshold, copy.segmentId) == ("liver", "L", 0.7, "")
    assert copy.rowId not in {a_list[0].rowId, a_list[2].rowId}


def test_every_change_is_told_once_and_no_change_never(a_list: PromptRows) -> None:
    told: list[int] = []
    a_list.changed.connect(lambda: told.append(len(a_list)))
    a_list.add(["a", "b"])
    a_list.update(a_list[0].rowId, name="L")
    a_list.update(a_list[0].rowId, name="L")
    a_list.update("gone", name="L")
    a_list.add([])
    a_list.move(0, -1)
    assert told == [5, 5]


def test_any_prompt_survives_the_scene(a_list: PromptRows) -> None:
    for prompt in ODD_PROMPTS:
        a_list.update(a_list[1].rowId, prompt=prompt, name=prompt[::-1], threshold=0.25, segmentId="S")
        text = a_list.toJson()
        assert text.isascii()
        assert PromptRows.parse(text) == list(a_list)


def test_what_does_not_fit_is_left_out_and_a_row_without_id_gets_one() -> None:
    for text in ("", "nonsense", "{}", "3", '["x", 4, null]', "[[]]"):
        assert PromptRows.parse(text) == []
    plain = PromptRow(prompt="liver", name="L", rowId="1")
    for field, value in (
        ("prompt", 3),
        ("color", [1, 2, 3]),
        ("color", "red"),
        ("color", [0, 0]),
        ("threshold", 1),
        ("threshold", "0.5"),
        ("threshold", float("nan")),
        ("threshold", True),
        ("segmentId", None),
        ("other", 1),
    ):
        entry = {"prompt": "liver", "name": "L", "rowId": "1", field: value}
        expected = replace(plain, prompt="") if field == "prompt" else plain
        assert PromptRows.parse(json.dumps([entry])) == [expected]
    first, second = PromptRows.parse('[{"prompt": "a", "rowId": ""}, {"prompt": "b"}]')
    assert first.rowId
    assert first.rowId != second.rowId


def test_label_is_the_name_or_the_prompt() -> None:
    assert PromptRow(prompt="liver").label == "liver"
    assert PromptRow(prompt="liver", name="L").label == "L"
    assert not PromptRow(prompt="  ").canRun
