"""States that several people keep in one file."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from full_disk import full_disk

from MedCLIPSegLogic.desk.review import Review, ReviewState, now, overall
from MedCLIPSegLogic.desk.standing import Standing
from MedCLIPSegLogic.desk.state_file import StateFile
from MedCLIPSegLogic.errors import MedCLIPSegError

TIMES = [f"2026-11-27T10:00:0{second}.000000+00:00" for second in range(10)]


def said(reviewer: str, state: ReviewState, second: int, mask: str = "m") -> Standing:
    return Standing(mask, "found", 0.8, (Review(state, reviewer, TIMES[second], "", mask),))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), "unreviewed"),
        (("accepted", "accepted"), "accepted"),
        (("accepted", "accepted-after-edit"), "accepted-after-edit"),
        (("accepted", "unreviewed"), "unreviewed"),
        (("accepted", "unreviewed", "rejected"), "rejected"),
    ],
)
def test_state_of_a_case(states: tuple[ReviewState, ...], expected: str) -> None:
    assert overall(states) == expected


def test_times_sort_as_texts() -> None:
    times = [now() for _time in range(50)]
    assert times == sorted(times)


def test_what_two_people_say_is_kept_side_by_side(tmp_path: Path) -> None:
    first, second = StateFile(tmp_path), StateFile(tmp_path)
    assert first.read() == {}
    first.add("case 1", {"liver": said("Ann", "accepted", 1), "spleen": said("Ann", "accepted", 1)})
    known = second.add("case 1", {"liver": said("Bob", "rejected", 2)})
    assert known == first.read()
    liver, spleen = known["case 1"]["liver"], known["case 1"]["spleen"]
    assert [review.reviewer for review in liver.reviews] == ["Ann", "Bob"]
    assert (liver.state, liver.is_disputed, spleen.state, spleen.is_disputed) == ("rejected", True, "accepted", False)
    second.add("case 1", {"liver": said("Bob", "unreviewed", 3)})  # taken back
    assert first.read()["case 1"]["liver"].state == "unreviewed"
    first.add("case 1", {"liver": said("Ann", "accepted", 0)})  # an old opinion does not come back
    assert {review.time for review in first.read()["case 1"]["liver"].reviews} == {TIMES[1], TIMES[3]}


def test_a_judgment_ends_with_its_mask(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    file.add("case", {"liver": said("Ann", "accepted", 1, mask="old")})
    [standing] = file.add("case", {"liver": Standing("new")})["case"].values()
    assert (standing.state, standing.is_disputed, len(standing.reviews)) == ("unreviewed", False, 1)


def _add_many(folder: Path, reviewer: str, count: int) -> None:
    for number in range(count):
        StateFile(folder).add(f"case {number}", {"liver": said(reviewer, "accepted", 1)})


@pytest.mark.slow
def test_people_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    people = [context.Process(target=_add_many, args=(tmp_path, name, 8)) for name in ("Ann", "Bob", "Eve")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [person.exitcode for person in people] == [0, 0, 0]
    known = StateFile(tmp_path).read()
    assert len(known) == 8
    for standings in known.values():
        assert [review.reviewer for review in standings["liver"].reviews] == ["Ann", "Bob", "Eve"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"version": 2, "cases": {}}',
        '{"version": 1, "cases": {"a": 3}}',
        '{"version": 1, "cases": {"a": {"liver": {"reviews": [{"state": "great"}]}}}}',
        '{"version": 1, "cases": {"a": {"liver": {"reviews": [{"state": "accepted", "time": "now"}]}}}}',
        '{"version": 1, "cases": {"a": {"liver": {"mask": 3}}}}',
    ],
)
def test_a_damaged_file_is_told_of_and_left_alone(tmp_path: Path, text: str) -> None:
    file = StateFile(tmp_path)
    file.path.parent.mkdir()
    file.path.write_text(text, encoding="utf-8")
    for use in (file.read, lambda: file.add("b", {"liver": Standing("m")})):
        with pytest.raises(MedCLIPSegError, match=r"states\.json"):
            use()
    assert file.path.read_text(encoding="utf-8") == text


def test_a_full_disk_leaves_the_old_states(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    file.add("case", {"liver": said("Ann", "accepted", 1)})
    before = file.path.read_bytes()
    with pytest.raises(MedCLIPSegError, match=r"states\.json"), full_disk():
        file.add("case", {"liver": said("Bob", "accepted", 2)})
    assert file.path.read_bytes() == before
    assert [path.name for path in file.path.parent.iterdir()] == ["states.json"]


def test_odd_names_come_back(tmp_path: Path) -> None:
    case, prompt = 'a "b"\n\\ué.nii.gz', "Milz | größer als 脑"
    StateFile(tmp_path).add(case, {prompt: said("Zoë", "rejected", 1)})
    assert StateFile(tmp_path).read()[case][prompt].state == "rejected"
    assert json.loads(StateFile(tmp_path).path.read_text(encoding="utf-8"))["version"] == 1
