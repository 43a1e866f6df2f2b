"""Prompt variants stay true to the picture."""

import numpy as np

from MedCLIPSegLab.data import prompt_words, rewording
from MedCLIPSegLab.data.wordings import wordings
from MedCLIPSegLab.training.prompting import VARIED, style_prompt


def test_flips_swap_the_words_of_side() -> None:
    for text, horizontal, vertical, wanted in [
        ("one polyp at the top left", True, False, "one polyp at the top right"),
        ("one polyp at the top left", False, True, "one polyp at the bottom left"),
        ("Left and right lung, upper lobe", True, True, "Right and left lung, lower lobe"),
        ("nothing leftover, topical", True, True, "nothing leftover, topical"),
        ("one polyp at the top left", False, False, "one polyp at the top left"),
    ]:
        assert prompt_words.swap_words(text, horizontal, vertical) == wanted
        assert prompt_words.swap_words(wanted, horizontal, vertical) == text


def test_location_is_dropped() -> None:
    for text, wanted in [
        ("one small pink polyp, located in top, left of the image", "One small pink polyp"),
        (
            "One medium oval tumor at the bottom right in the breast ultrasound image.",
            "One medium oval tumor in the breast ultrasound image.",
        ),
        ("MRI shows a meningioma lesion occupying the right area.", "MRI shows a meningioma lesion."),
        ("No tumor in the breast ultrasound image.", "No tumor in the breast ultrasound image."),
        ("Segment the left lung", "Segment the left lung"),
        ("upper left lung", "Upper left lung"),
        ("one nodule, located in top of the image, right kidney", "One nodule, right kidney"),
        ("a tumor in the middle ear", "A tumor in the middle ear"),
    ]:
        assert prompt_words.drop_location(text) == wanted


def test_size_and_color_are_dropped() -> None:
    assert prompt_words.drop_size("one small pink polyp") == "One pink polyp"
    assert prompt_words.drop_color("one small pink polyp") == "One small polyp"


def test_short_prompts_name_the_thing_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    text = "one medium orange oval polyp, located in bottom right of the image"
    shorts = {rewording.short(text, rng) for _ in range(200)}
    assert len(shorts) > 10
    things = ("polyp", *wordings().synonyms["polyp"])
    for short in shorts:
        assert any(thing in short.lower() for thing in things)
        assert not {"medium", "orange", "oval", "bottom", "right"} & set(short.lower().split())


def test_short_prompts_keep_the_part_that_is_meant() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert "posterior hippocampus" in rewording.short("Posterior hippocampus, the body and tail", rng).lower()


def test_absence_is_recognized_and_stays_one() -> None:
    rng = np.random.default_rng(0)
    assert prompt_words.names_absence("No tumor in the breast ultrasound image.")
    assert prompt_words.names_absence("Normal breast.")
    assert not prompt_words.names_absence("One nodule on the left")
    denials = {"No tumor in the image", *(rewording.fill(wording, "tumor") for wording in wordings().absence)}
    assert {style_prompt("No tumor in the image", VARIED, rng) for _ in range(50)} <= denials


def test_anatomy_of_a_set() -> None:
    texts = ["tumor in the breast ultrasound image"] * 15 + ["tumor near the skin"]
    assert prompt_words.anatomy(texts) == {"breast"}
    assert prompt_words.names_anatomy("Skin lesion visible")
    assert not prompt_words.names_anatomy("a tumor")
