"""What is packed comes out again."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pack import pack
from packed import Pack, PackedItem


def small_set(folder: Path) -> None:
    """Two pictures with a bright dot, one of them without a label."""
    for part in ("Train_Folder/img", "Train_Folder/label", "Prompts_Folder"):
        (folder / part).mkdir(parents=True)
    rows = ["Image,Description,Ground Truth"]
    for number in range(2):
        mask = np.zeros((300, 400), np.uint8)
        if number == 0:
            cv2.circle(mask, (200, 150), 60, 255, -1)
        cv2.imwrite(str(folder / f"Train_Folder/img/{number}.png"), mask // 2 + 40)
        cv2.imwrite(str(folder / f"Train_Folder/label/{number}.png"), mask)
        rows.append(f"{number}.png,one small round polyp,{number}.png")
    (folder / "Prompts_Folder/Train_text.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_pictures_prompts_and_masks_come_out_again(tmp_path: Path) -> None:
    small_set(tmp_path / "Dots")
    pack(tmp_path, tmp_path / "pack.npz", ["Dots"])
    (dots,) = Pack(tmp_path / "pack.npz").load("Train", 96)
    assert dots.name == "Dots"
    assert dots.image_count == 2
    full, empty = dots.items
    assert isinstance(full, PackedItem)
    text, mask = full.targets[0]
    assert text == "one small round polyp"
    assert mask.shape == (96, 96)
    assert abs(mask.mean() - np.pi * 60 * 60 / (300 * 400)) < 0.01
    assert full.image[48, 48].mean() > 140
    assert full.is_picture
    assert not full.is_color
    assert not empty.targets[0][1].any()
