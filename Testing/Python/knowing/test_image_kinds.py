"""Learning to tell kinds of image apart, on pictures whose kinds are plain to see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from MedCLIPSegLab.knowing import image_kinds
from MedCLIPSegLab.knowing.disguises import disguise, made_picture
from MedCLIPSegLab.knowing.image_kinds import learn_image_kinds
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.image_sight import image_features, model_input
from MedCLIPSegLogic.knowledge.image_rule import NO_MEDICAL_IMAGE
from MedCLIPSegLogic.model.library import LoadedModel

SIDE = 32


def stripes(rng: np.random.Generator) -> np.ndarray:
    wave = np.sin(np.arange(SIDE) * rng.uniform(1.0, 1.4) + rng.uniform(0, 6))
    return np.repeat(128 + 90 * wave[:, None], SIDE, axis=1) + rng.normal(0, 6, (SIDE, SIDE))


def disc(rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.indices((SIDE, SIDE)) - rng.uniform(12, 20, 2)[:, None, None]
    return 40 + 160.0 * (np.hypot(rows, columns) < rng.uniform(7, 11)) + rng.normal(0, 6, (SIDE, SIDE))


def grain(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0, 255, (SIDE, SIDE))


Draw = Callable[[np.random.Generator], np.ndarray]


def files(folder: Path, draw: Draw, count: int, seed: int) -> list[Path]:
    rng = np.random.default_rng(seed)
    folder.mkdir()
    paths = [folder / f"{number:03}.png" for number in range(count)]
    for path in paths:
        cv2.imwrite(str(path), np.clip(draw(rng), 0, 255).astype(np.uint8))
    return paths


def test_kinds_are_learned_and_the_others_are_foreign(
    a_model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_kinds, "MADE", 120)
    known = {"stripes": files(tmp_path / "s", stripes, 40, 0), "discs": files(tmp_path / "d", disc, 40, 1)}
    validation = files(tmp_path / "v", stripes, 10, 2)
    told: list[float] = []
    others = {"grain": files(tmp_path / "g", grain, 40, 3)}
    rule = learn_image_kinds(a_model, known, validation, others, told.append)
    assert rule.kinds == ("stripes", "discs", "grain", NO_MEDICAL_IMAGE)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)

    def sights(draw: Draw) -> list[str]:
        rng = np.random.default_rng(9)
        shown = [np.clip(draw(rng), 0, 255).astype(np.uint8) for _ in range(20)]
        rows = image_features(a_model.network, [model_input(a_model, picture) for picture in shown])
        return [rule.sight(row).kind or "foreign" for row in rows]

    assert sights(stripes).count("stripes") >= 18
    assert sights(disc).count("discs") >= 18
    assert sights(grain).count("foreign") >= 18
    assert learn_image_kinds(a_model, known, validation, others) == rule


def test_a_kind_without_a_picture_is_refused(a_model: LoadedModel, tmp_path: Path) -> None:
    flat = files(tmp_path / "flat", lambda rng: np.full((SIDE, SIDE), 7.0), 2, 0)
    with pytest.raises(MedCLIPSegError, match="no image with content of the kind 'air'"):
        learn_image_kinds(a_model, {"air": flat}, [], {})


@pytest.mark.parametrize("shape", [(224, 224), (150, 320), (40, 33), (16, 16)])
@pytest.mark.parametrize("in_color", [True, False])
def test_disguises_keep_the_size_and_change_the_picture(shape: tuple[int, int], in_color: bool) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (*shape, 3 if in_color else 1), np.uint8).repeat(1 if in_color else 3, axis=2)
    before = picture.copy()
    for _ in range(30):
        changed = disguise(picture, rng)
        assert (changed.shape, changed.dtype) == (picture.shape, np.uint8)
        assert (changed != picture).any()
    assert (picture == before).all()


def test_made_pictures_differ_and_fill_the_input() -> None:
    rng = np.random.default_rng(0)
    made = [made_picture(64, lambda: rng.integers(0, 256, (50, 70, 3), np.uint8), rng) for _ in range(60)]
    assert {picture.shape for picture in made} == {(64, 64, 3)}
    assert len({picture.tobytes() for picture in made}) == 60
