"""Odd prompts, on a small model, to the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from damages import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import accept
from PIL import Image

PROMPTS = st.lists(st.sampled_from(TEXTS) | st.text(max_size=60), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prompts")
    Image.effect_noise((24, 24), 60).save(folder / "a.png")
    return folder


def _options(prompts: list[str]) -> list[str]:
    return [f"--prompt={prompt}" for prompt in prompts]


@settings(max_examples=300)
@given(PROMPTS)
def test_prompts_are_checked_first(place: Path, prompts: list[str]) -> None:
    assert accept("segment", place / "a.png", *_options(prompts), "--model", "none-such", "--out", place / "out")


@pytest.mark.slow
def test_prompts_to_the_end(place: Path, the_model_folder: Path) -> None:
    @settings(max_examples=25)
    @given(PROMPTS)
    def check(prompts: list[str]) -> None:
        options = ("--model", the_model_folder, "--samples", 1, "--out", place / "result", "--overwrite")
        accept("segment", place / "a.png", *_options(prompts), *options)

    check()
