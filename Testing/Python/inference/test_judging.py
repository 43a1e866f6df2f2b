"""Runs that judge: what is asked, what is held back, and the verdicts."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from small_runs import finish

from MedCLIPSegLogic.inference import judging
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.judging import LOOKED_AT, spread_out
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult, SlicePreview
from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing
from MedCLIPSegLogic.knowledge.sight import ImageSight
from MedCLIPSegLogic.knowledge.understanding import Understanding
from MedCLIPSegLogic.model.library import LoadedModel
from MedCLIPSegLogic.volumes.volume import Volume

MAPS = ("probability", "uncertainty", "mutual_information")
KNOWLEDGE = Knowledge(
    kinds={
        "breast ultrasound": KnownKind(images=10, things={"tumor": KnownThing(images=9, dice=0.8)}),
        "colonoscopy": KnownKind(images=10, things={"polyp": KnownThing(images=9, dice=0.8)}),
    },
    words={"tumor": {"breast ultrasound": 9}, "polyp": {"colonoscopy": 9}},
)
BREAST = ImageSight("breast ultrasound", "breast ultrasound", 0.1, False)
FOREIGN = ImageSight(None, "chest X-ray", 0.9, True)
EMPTY, FULL = 1 - 1e-7, 1e-7
"""Thresholds that no probability of the random model reaches, and that each of them does."""


@pytest.fixture
def a_knowing_model(a_model: LoadedModel) -> LoadedModel:
    return dataclasses.replace(a_model, knowledge=KNOWLEDGE)


@pytest.fixture
def no_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of an outline by which it could be doubted."""
    monkeypatch.setattr(judging, "answer_signs", lambda *_: {})


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The slices that were looked at; all images look like breast ultrasound."""
    return see(monkeypatch, BREAST)


@pytest.fixture(autouse=True)
def _signs_of_random_masks_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "answer_signs", lambda *_: {})


def see(monkeypatch: pytest.MonkeyPatch, sight: ImageSight) -> list[np.ndarray]:
    looks: list[np.ndarray] = []
    monkeypatch.setattr(judging, "look", lambda _, pixels, encode: looks.append(pixels) or sight)
    return looks


def understand_as(monkeypatch: pytest.MonkeyPatch, **parts: Any) -> None:
    monkeypatch.setattr(
        judging, "understand", lambda prompt, *_: Understanding(**({"prompt": prompt, "asked": prompt} | parts))
    )


def is_held_back(prompt: PromptResult) -> bool:
    values = [getattr(prompt, name) for name in (*MAPS, "mean_uncertainty")]
    return values == [None] * 4 and not prompt.mask.any() and not any(prompt.samples_drawn)


def assert_same_maps(one: PromptResult, other: PromptResult) -> None:
    for name in (*MAPS, "mask"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_one_prompt_is_understood_and_the_other_is_held_back(
    a_knowing_model: LoadedModel, a_volume: Volume, looks: list[np.ndarray]
) -> None:
    *_, plain = run(a_knowing_model, SegmentationRequest(volume=a_volume, prompts=("tumor",), samples=4), previews=True)
    assert isinstance(plain, SegmentationResult)
    assert plain.prompts[0].verdict is None
    assert "sight" not in plain.settings
    request = SegmentationRequest(
        volume=a_volume, prompts=("asdfgh", "tumor"), samples=4, judge=True, threshold=(FULL, 0.5)
    )
    *steps, result = run(a_knowing_model, request, previews=True)
    assert isinstance(result, SegmentationResult)
    unknown, tumor = result.prompts
    assert is_held_back(unknown)
    assert (unknown.verdict.kind, unknown.verdict.suggestions) == ("not-understood", ("tumor",))
    assert "“asdfgh”" in unknown.verdict.text
    assert_same_maps(tumor, plain.prompts[0])
    assert tumor.mean_uncertainty == plain.prompts[0].mean_uncertainty
    assert tumor.verdict.kind == ("found" if tumor.mask.any() else "absent")
    assert {step.prompt_number for step in steps if isinstance(step, SlicePreview)} == {1}
    fractions = [step.fraction for step in steps if not isinstance(step, SlicePreview)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert [step.stage for step in steps[: len(looks)]] == ["looking"] * 5


@pytest.mark.parametrize(("sight", "kind"), [(BREAST, "not-understood"), (FOREIGN, "foreign-image")])
@pytest.mark.parametrize("adaptive", [False, True])
def test_show_anyway_is_the_run_without_judging(
    a_knowing_model: LoadedModel,
    a_volume: Volume,
    monkeypatch: pytest.MonkeyPatch,
    sight: ImageSight,
    kind: str,
    adaptive: bool,
) -> None:
    see(monkeypatch, sight)
    asked = {"prompts": ("asdfgh",), "threshold": FULL, "samples": 4}
    [plain] = finish(a_knowing_model, a_volume, **asked).prompts
    [held] = finish(a_knowing_model, a_volume, **asked, judge=True).prompts
    assert is_held_back(held)
    shown = finish(a_knowing_model, a_volume, **asked, judge=True, show_anyway=True)
    assert_same_maps(shown.prompts[0], plain)
    assert shown.prompts[0].verdict == held.verdict
    assert held.verdict.kind == kind
    assert shown.prompts[0].mean_uncertainty is None
    assert (shown.settings["sight"], shown.settings["show_anyway"]) == (sight.record(), True)


def test_a_foreign_image_is_named_with_what_the_model_knows(
    a_knowing_model: LoadedModel, a_picture: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(monkeypatch, FOREIGN)
    passes = []
    monkeypatch.setattr(a_knowing_model.network, "decode", lambda *_: passes.append(1))
    [prompt] = finish(a_knowing_model, a_picture, judge=True).prompts
    assert is_held_back(prompt)
    assert not passes
    for name in ("chest X-ray", "breast ultrasound", "colonoscopy"):
        assert name in prompt.verdict.text


@pytest.mark.parametrize(
    ("threshold", "kind", "words"),
    [(FULL, "doubtful", "100 % of the image"), (EMPTY, "absent", "As the prompt says, no tumor is seen.")],
)
def test_a_denial_is_a_question_about_presence(
    a_knowing_model: LoadedModel,
    a_picture: Volume,
    monkeypatch: pytest.MonkeyPatch,
    threshold: float,
    kind: str,
    words: str,
) -> None:
    asked, passes = [], []
    tokenizer, decode = a_knowing_model.tokenizer, a_knowing_model.network.decode
    model = dataclasses.replace(a_knowing_model, tokenizer=lambda texts: asked.extend(texts) or tokenizer(texts))
    monkeypatch.setattr(model.network, "decode", lambda *a: passes.append(1) or decode(*a))
    for show_anyway in (False, True):
        [prompt] = finish(
            model, a_picture, prompts=("no tumor",), judge=True, threshold=threshold, show_anyway=show_anyway
        ).prompts
        assert is_held_back(prompt)
        assert (prompt.verdict.kind, prompt.verdict.suggestions) == (kind, ("tumor",) if kind == "doubtful" else ())
        assert words in prompt.verdict.text
    assert asked == ["tumor", "tumor"]
    assert len(passes) == 2


def test_a_denial_on_a_volume_tells_on_how_many_slices(a_knowing_model: LoadedModel, a_volume: Volume) -> None:
    [prompt] = finish(a_knowing_model, a_volume, prompts=("no tumor",), judge=True, threshold=FULL).prompts
    assert "(on 5 of 5 slices)" in prompt.verdict.text


@pytest.mark.usefixtures("no_signs")
def test_own_words_are_asked_and_named(a_knowing_model: LoadedModel, a_picture: Volume) -> None:
    [plain] = finish(a_knowing_model, a_picture, prompts=("tumor",), threshold=FULL).prompts
    [own] = finish(a_knowing_model, a_picture, prompts=("cancer",), threshold=FULL, judge=True, own_words=True).prompts
    assert_same_maps(own, plain)
    assert (own.prompt, own.verdict.asked_as, own.verdict.kind) == ("cancer", "tumor", "found")
    assert own.verdict.text.startswith("Asked as “tumor”: ")


@pytest.mark.usefixtures("no_signs")
def test_an_empty_answer_with_unknown_words_is_not_understood(
    a_knowing_model: LoadedModel, a_picture: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    understand_as(monkeypatch, thing="tumor", unknown=("green",), suggestions=("tumor",))
    empty, full = (
        finish(a_knowing_model, a_picture, prompts=("green tumor",), judge=True, threshold=threshold).prompts[0]
        for threshold in (EMPTY, FULL)
    )
    assert empty.verdict.kind == "not-understood"
    assert [getattr(empty, name) for name in (*MAPS, "mean_uncertainty")] == [None] * 4
    assert full.verdict.kind == "found"
    assert "but not “green”" in full.verdict.text
    assert full.probability is not None
    assert full.mean_uncertainty is not None


@pytest.mark.usefixtures("no_signs")
def test_a_model_without_knowledge_never_says_that_nothing_is_there(a_model: LoadedModel, a_picture: Volume) -> None:
    empty, full = (
        finish(a_model, a_picture, prompts=("no asdfgh",), judge=True, threshold=threshold).prompts[0].verdict
        for threshold in (EMPTY, FULL)
    )
    assert (empty.kind, empty.doubts) == ("doubtful", ("no-knowledge",))
    assert full.kind == "found"


def test_a_thing_of_another_kind_of_image_is_not_outlined_unless_asked_for_anyway(
    a_knowing_model: LoadedModel, a_picture: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    understand_as(monkeypatch, thing="polyp", known_on=("colonoscopy",), suggestions=("tumor",))
    held, anyway = (
        finish(a_knowing_model, a_picture, prompts=("polyp",), judge=True, threshold=FULL, show_anyway=show).prompts[0]
        for show in (False, True)
    )
    assert is_held_back(held)
    assert (held.verdict.kind, held.verdict.suggestions) == ("absent", ("tumor",))
    assert anyway.mask.all()
    assert (anyway.verdict.kind, anyway.verdict.doubts[0]) == ("doubtful", "words")
    understand_as(monkeypatch, thing="polyp", asked="polyp", denies=True, known_on=("colonoscopy",))
    for show in (False, True):
        [denied] = finish(a_knowing_model, a_picture, prompts=("no polyp",), judge=True, show_anyway=show).prompts
        assert is_held_back(denied)
        assert denied.verdict.kind == "absent"
    understand_as(monkeypatch, thing="polyp", known_on=("colonoscopy",), suggestions=("tumor",))
    see(monkeypatch, dataclasses.replace(BREAST, looks_like=""))
    [unsure] = finish(a_knowing_model, a_picture, prompts=("polyp",), judge=True, threshold=FULL).prompts
    assert unsure.mask.all()
    assert unsure.verdict.kind == "doubtful"


def test_flat_slices_are_nothing_to_look_at(
    a_knowing_model: LoadedModel, a_volume: Volume, looks: list[np.ndarray]
) -> None:
    flat = dataclasses.replace(a_volume, voxels=np.full_like(a_volume.voxels, 9))
    result = finish(a_knowing_model, flat, prompts=("tumor", "asdfgh"), judge=True)
    assert [(p.verdict.kind, p.verdict.doubts) for p in result.prompts] == [("doubtful", ("no-content",))] * 2
    assert result.settings["skipped_slices"] == [0, 1, 2, 3, 4]
    assert looks == []


def test_a_volume_is_looked_at_on_slices_with_content_spread_over_the_range(
    a_knowing_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = np.random.default_rng(2).integers(0, 255, (60, 24, 24), dtype=np.uint8)
    voxels[:30] = 0
    seen = see(monkeypatch, BREAST)
    volume = Volume(voxels, np.eye(4), "half_air")
    [prompt] = finish(a_knowing_model, volume, prompts=("asdfgh",), judge=True, slices=(0, 58)).prompts
    assert prompt.verdict.kind == "not-understood"
    assert len(seen) == LOOKED_AT
    assert all(pixels.any() for pixels in seen)


def test_the_first_slices_are_spread_over_the_range() -> None:
    for count in (1, 2, 5, 58):
        order = list(spread_out(range(100, 100 + count)))
        assert sorted(order) == list(range(100, 100 + count))
        first = sorted(order[:LOOKED_AT])
        assert max(np.diff([99, *first, 100 + count])) <= count / 4 + 2


def test_a_pass_on_a_smaller_image_is_encoded_once_and_comes_back_in_full(
    a_knowing_model: LoadedModel, a_picture: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    passes: list[int] = []
    network = a_knowing_model.network
    encode, decode = network.encode_images, network.decode
    monkeypatch.setattr(network, "encode_images", lambda images: sizes.append(images.shape[-1]) or encode(images))
    monkeypatch.setattr(network, "decode", lambda *a: passes.append(1) or decode(*a))

    def signs(maps: Any, axis: Any, asked: Any, knowledge: Any, kind: Any, ask: Any) -> dict[str, float]:
        again = [ask(words, 0, scale) for words, scale in (("tumor", 1), ("mass", 1), ("tumor", 0.5), ("mass", 0.5))]
        assert [probability.shape for probability in again] == [(48, 64)] * 4
        assert np.abs(again[0] - again[2]).max() > 0
        return {}

    monkeypatch.setattr(judging, "answer_signs", signs)
    finish(a_knowing_model, a_picture, batch_size=4, judge=True)
    side = a_knowing_model.config.image.image_size
    assert (sizes, len(passes)) == ([side, side // 2], 1 + 4)


def test_closing_the_generator_while_it_looks_cancels(
    a_knowing_model: LoadedModel, a_volume: Volume, looks: list[np.ndarray]
) -> None:
    steps = run(a_knowing_model, SegmentationRequest(volume=a_volume, prompts=("tumor",), judge=True))
    next(steps)
    steps.close()
    assert len(looks) == 1
    assert list(steps) == []


def test_an_uncertainty_is_low_or_high_among_the_answers_the_model_is_known_by(
    a_model: LoadedModel, a_volume: Volume
) -> None:
    knowing = dataclasses.replace(a_model, knowledge=dataclasses.replace(KNOWLEDGE, uncertainty=(0.0, 1.0)))
    prompts = finish(knowing, a_volume, prompts=("one tumor", "a kidney"), threshold=(0.4, 0.999)).prompts
    assert [prompt.uncertainty_level for prompt in prompts] == ["medium", None]  # nothing is outlined of the second
    [unknown] = finish(a_model, a_volume, prompts=("one tumor",), threshold=0.4).prompts
    assert unknown.uncertainty_level is None
