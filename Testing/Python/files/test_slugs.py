"""Prompts as file names."""

import pytest

from MedCLIPSegLogic.files.slugs import slugs


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("One small tumor, left!", "one-small-tumor-left"),
        ("Ödem: links/rechts", "odem-links-rechts"),
        ("../../etc", "etc"),
        ("肝臓", "prompt-1"),
        ("x" * 500, "x" * 60),
    ],
)
def test_plain_names(prompt: str, wanted: str) -> None:
    assert slugs([prompt]) == [wanted]


def test_names_are_distinct() -> None:
    assert slugs(["liver", "Liver!", "liver-2", "liver"]) == ["liver", "liver-2", "liver-2-2", "liver-3"]
