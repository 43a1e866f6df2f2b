"""Prompt lists as CSV files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from MedCLIPSegLib.prompts.prompt_list_file import MAX_BYTES, ListedPrompt, loadPromptList, savePromptList
from MedCLIPSegLib.prompts.prompt_rows import PromptRow
from MedCLIPSegLogic.errors import MedCLIPSegError

ODD_PROMPTS = ["a, b; c\td", 'say "it"', "two\nlines", "左肾 é ß 😀", "x" * 500, "a|b", "=1+1", "prompt"]


@pytest.fixture
def a_path(tmp_path: Path) -> Path:
    return tmp_path / "prompts é.csv"


def load(path: Path, text: str, encoding: str = "utf-8") -> list[ListedPrompt]:
    path.write_bytes(text.encode(encoding))
    return loadPromptList(path)


def test_what_was_saved_is_read_again(a_path: Path) -> None:
    for prompt in ODD_PROMPTS:
        color = (0.2, 0.4, 1.0)
        savePromptList([PromptRow(prompt, "a name", color, 0.35), PromptRow(prompt + "2")], a_path, True)
        first, second = loadPromptList(a_path)
        assert first == ListedPrompt(prompt, "a name", color, 0.35)
        assert second.color == pytest.approx(PromptRow().color, abs=0.5 / 255)
        assert (second.prompt, second.name, second.threshold) == (prompt + "2", "", 0.5)


def test_rows_without_prompt_are_not_saved(a_path: Path) -> None:
    savePromptList([PromptRow("liver"), PromptRow(" "), PromptRow("", "name")], a_path)
    assert [entry.prompt for entry in loadPromptList(a_path)] == ["liver"]


def test_spreadsheet_programs_see_what_the_text_is(a_path: Path) -> None:
    savePromptList([PromptRow("é")], a_path)
    assert a_path.read_bytes().startswith(b"\xef\xbb\xbfname,prompt,color,threshold\r\n")


def test_columns_in_any_order_and_style(a_path: Path) -> None:
    for encoding in ["utf-8", "utf-8-sig"]:
        for end in ["\n", "\r\n", "\r"]:
            for delimiter in [",", ";", "\t"]:
                lines = [["Threshold", " PROMPT", "note"], ["0.25", "liver", "x"], [], ["", "left kidney", ""]]
                text = end.join(delimiter.join(line) for line in lines) + end
                assert load(a_path, text, encoding) == [
                    ListedPrompt("liver", threshold=0.25),
                    ListedPrompt("left kidney"),
                ]


def test_decimal_commas_of_a_spreadsheet(a_path: Path) -> None:
    assert load(a_path, "prompt;threshold\nliver;0,25\n") == [ListedPrompt("liver", threshold=0.25)]


def test_short_lines_leave_the_rest_open(a_path: Path) -> None:
    assert load(a_path, "name,prompt,color,threshold\nL,liver\n") == [ListedPrompt("liver", "L")]


def test_one_prompt_a_line(a_path: Path) -> None:
    for header in ["", "prompt\n", "Prompt\r\n", "\n\nprompt\n"]:
        text = header + 'liver, left lobe\n\n  kidney \n"spleen, with ""spots"""\ntumor; both sides'
        expected = ["liver, left lobe", "kidney", 'spleen, with "spots"', "tumor; both sides"]
        assert [entry.prompt for entry in load(a_path, text)] == expected


def test_a_line_without_header_is_taken_as_it_is(a_path: Path) -> None:
    for line in ['say "it"', '"it" and "that"', '"', "it's", "#ff0000", "0.5"]:
        assert [entry.prompt for entry in load(a_path, line + "\nliver")] == [line, "liver"]


def test_a_table_that_lost_its_header_is_still_a_table(a_path: Path) -> None:
    entries = load(a_path, "L,liver,#0000ff,0.5\nK,kidney,,\n")
    assert entries == [ListedPrompt("liver", "L", (0.0, 0.0, 1.0)), ListedPrompt("kidney", "K")]


def test_errors_name_file_and_line(a_path: Path) -> None:
    for text, line, problem in [
        ("prompt,color\nliver,red\n", 2, "“red”"),
        ("prompt,color\nliver,#12345\n", 2, "“#12345”"),
        ("prompt,threshold\nliver,\nkidney,1\n", 3, "“1”"),
        ("prompt,threshold\nliver,nan\n", 2, "“nan”"),
        ("prompt,threshold\nliver,half\n", 2, "“half”"),
        ("\n\nprompt,name\n,L\n", 4, "no prompt"),
        ('prompt,threshold\n"two\nlines",0.5\n\nliver,2\n', 5, "“2”"),
        ("name,prompt\nL,liver,0.5\n", 2, "3 cells for 2 columns"),
        ("L,liver,#0000ff,0.5\nK,kidney,blue,0.5\n", 2, "“blue”"),
        ('prompt,name\n"' + "x" * 200_000 + '",L\n', 2, "can't be read"),
    ]:
        with pytest.raises(MedCLIPSegError, match=re.escape(f"Line {line} of the prompt list {a_path} ")) as caught:
            load(a_path, text)
        assert problem in str(caught.value)


def test_a_list_without_prompts_is_refused(a_path: Path) -> None:
    for text in ["", "\n \n", "prompt\n", "name,prompt\n,\n"]:
        with pytest.raises(MedCLIPSegError, match="holds no prompt"):
            load(a_path, text)


def test_other_files_are_refused(a_path: Path, tmp_path: Path) -> None:
    with pytest.raises(MedCLIPSegError, match="UTF-8"):
        load(a_path, "prompt\nhépatique\n", "latin-1")
    with pytest.raises(MedCLIPSegError, match="too large"):
        load(a_path, "x" * (MAX_BYTES + 1))
    with pytest.raises(MedCLIPSegError, match="No such file"):
        loadPromptList(tmp_path / "gone.csv")
    with pytest.raises(MedCLIPSegError, match="can't be read"):
        loadPromptList(tmp_path)


def test_nothing_is_overwritten_unasked(a_path: Path) -> None:
    a_path.write_text("precious")
    with pytest.raises(MedCLIPSegError, match="exists already"):
        savePromptList([PromptRow("liver")], a_path)
    assert a_path.read_text() == "precious"
    savePromptList([PromptRow("liver")], a_path, overwrite=True)
    assert [entry.prompt for entry in loadPromptList(a_path)] == ["liver"]


def test_a_list_that_cannot_be_written_leaves_everything_as_it_was(a_path: Path) -> None:
    a_path.write_text("precious")
    with pytest.raises(MedCLIPSegError, match="can't be written"):
        savePromptList([PromptRow("liver"), PromptRow("\ud800")], a_path, overwrite=True)
    assert a_path.read_text() == "precious"
    assert list(a_path.parent.iterdir()) == [a_path]
    with pytest.raises(MedCLIPSegError, match="can't be written"):
        savePromptList([PromptRow("liver")], a_path.parent / "gone" / "list.csv")
