"""The noise of a slice depends only on (seed, slice, sample)."""

import numpy as np
import torch
from scipy import stats

from MedCLIPSegLogic.model.noise import MeanNoise, SeededNoise


def draw(seed: int, rows: list[tuple[int, int]], adapter: int = 0, tokens: int = 5) -> torch.Tensor:
    return SeededNoise(seed, rows)(adapter, "image_from_text", torch.empty(len(rows), tokens, 8))


def test_rows_do_not_depend_on_the_batch() -> None:
    together = draw(7, [(3, 0), (1, 4), (3, 1)])
    for number, row in enumerate([(3, 0), (1, 4), (3, 1)]):
        assert torch.equal(together[number], draw(7, [row])[0])


def test_every_key_gives_other_noise() -> None:
    for other in [(8, 3, 0, 0), (7, 4, 0, 0), (7, 3, 1, 0), (7, 3, 0, 1)]:
        seed, slice_index, sample, adapter = other
        assert not torch.equal(draw(7, [(3, 0)]), draw(seed, [(slice_index, sample)], adapter))


def test_directions_differ() -> None:
    values = torch.empty(1, 5, 8)
    noise = SeededNoise(0, [(0, 0)])
    assert not torch.equal(noise(0, "image_from_text", values), noise(0, "text_from_image", values))


def test_fewer_tokens_get_a_prefix() -> None:
    assert torch.equal(draw(1, [(0, 0)], tokens=9)[:, :5], draw(1, [(0, 0)], tokens=5))


def test_it_is_standard_normal() -> None:
    values = SeededNoise(2**64 - 1, [(0, 0)])(0, "text_from_image", torch.empty(1, 400, 256)).numpy().ravel()
    assert stats.kstest(values, "norm").pvalue > 0.01


def test_neighboring_keys_are_uncorrelated() -> None:
    rows = [(slice_index, sample) for slice_index in range(6) for sample in range(6)]
    noise = SeededNoise(0, rows)(0, "image_from_text", torch.empty(len(rows), 64, 64)).flatten(1).numpy()
    correlation = np.corrcoef(noise) - np.eye(len(rows))
    assert np.abs(correlation).max() < 5 / np.sqrt(64 * 64)


def test_many_numbers_are_drawn_by_several_threads_and_are_the_same() -> None:
    rows = [(3, sample) for sample in range(3)]
    values = torch.zeros(3, 500, 400)
    together = SeededNoise(9, rows)(1, "text_from_image", values)
    for number, row in enumerate(rows):
        assert torch.equal(together[number : number + 1], SeededNoise(9, [row])(1, "text_from_image", values[:1]))


def test_the_mean_of_the_noise_is_zero() -> None:
    values = torch.ones(2, 3, 4)
    assert torch.equal(MeanNoise()(0, "image_from_text", values), torch.zeros(2, 3, 4))
