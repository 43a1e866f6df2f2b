"""Prompts as file names."""

from MedCLIPSegLogic.files.slugs import slugs


def test_plain_names() -> None:
    for prompt, wanted in [
        ("One small tumor, left!", "one-small-tumor-left"),
        ("Ödem: links/rechts", "odem-links-rechts"),
        ("../../etc", "etc"),
        ("肝臓", "prompt-1"),
        ("x" * 500, "x" * 60),
    ]:
        assert slugs([prompt]) == [wanted]


def test_names_are_distinct() -> None:
    assert slugs(["liver", "Liver!", "liver-2", "liver"]) == ["liver", "liver-2", "liver-2-2", "liver-3"]
