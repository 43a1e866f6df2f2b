"""Pictures as another clinic might have taken them, and pictures that are no medical image of any kind."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(H, W, 3) R, G, B."""
Values = NDArray[np.floating]
"""(H, W, 3), 0…1."""
LETTERS = list("ABCDEFGHKLMRSTX0123456789:./- ")


def disguise(picture: Picture, rng: np.random.Generator) -> Picture:
    """The same picture from another device: cut, framed, of other tones, blurred, noisy, written upon, compressed."""
    image: Values = picture.astype(np.float32) / 255
    is_gray = float(np.abs(np.diff(image, axis=2)).mean()) < 0.01
    image = _framed(_cut(image, rng), rng)
    image = _toned(image, is_gray, rng)
    image = _degraded(image, is_gray, rng)
    result = _bytes(image)
    if rng.random() < 0.25:
        result = _written_on(result, rng)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))]
        result = np.asarray(cv2.imdecode(cv2.imencode(".jpg", result, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return result


def made_picture(size: int, real: Callable[[], Picture], rng: np.random.Generator) -> Picture:
    """A picture (size, size, 3) of nothing a model could know.

    Noise of natural spectra, overlapping shapes as in photographs, drawings with writing, and pictures that are no
    longer what they were: negatives, shuffled pieces, foreign colors, two in one.

    Args:
        size: side in pixels.
        real: gives a picture the model knows.
        rng: the only source of chance.
    """
    draw = rng.random()
    if draw < 0.22:
        return _bytes(_noise(size, rng.uniform(0, 3.2), rng.random() < 0.5, rng))
    if draw < 0.5:
        return _bytes(_shapes(size, rng.random() < 0.6, rng))
    if draw < 0.62:
        return _drawing(size, rng)
    first = cv2.resize(real(), (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    if draw < 0.72:
        return _bytes(1 - first)
    if draw < 0.82:
        return _bytes(_shuffled(first, rng))
    if draw < 0.9:
        return _bytes(_foreign_colors(first, rng))
    second = cv2.resize(real(), (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    if rng.random() < 0.5:
        share = rng.uniform(0.3, 0.7)
        return _bytes(share * first + (1 - share) * second)
    return _bytes(np.concatenate([first[:, : size // 2], second[:, size // 2 :]], axis=1))


def _bytes(image: NDArray[np.floating]) -> Picture:
    return np.ascontiguousarray(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _cut(image: Values, rng: np.random.Generator) -> Values:
    height, width = image.shape[:2]
    if rng.random() < 0.8:
        zoom = rng.uniform(0.65, 1.0)
        across, down = int(width * zoom), int(min(height, height * zoom * rng.uniform(0.85, 1.18)))
        left, top = int(rng.integers(0, width - across + 1)), int(rng.integers(0, height - down + 1))
        part = image[top : top + down, left : left + across]
        image = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return image[:, ::-1] if rng.random() < 0.5 else image


def _framed(image: Values, rng: np.random.Generator) -> Values:
    """With a border, a round field of view or cut corners."""
    height, width = image.shape[:2]
    rows, columns = np.indices((height, width))
    if rng.random() < 0.35:
        top, bottom = (int(part * height) for part in rng.uniform(0, 0.16, 2))
        left, right = (int(part * width) for part in rng.uniform(0, 0.16, 2))
        small = cv2.resize(
            np.ascontiguousarray(image), (width - left - right, height - top - bottom), interpolation=cv2.INTER_AREA
        )
        image = np.full_like(image, 0 if rng.random() < 0.85 else 1)
        image[top : height - bottom, left : width - right] = small
    image = np.array(image)
    if rng.random() < 0.12:
        far = np.hypot(rows / height - 0.5, columns / width - 0.5) > rng.uniform(0.46, 0.62)
        image[far] = 0
    if rng.random() < 0.12:
        corner = rng.uniform(0.1, 0.3)
        for down in (rows / height, 1 - rows / height):
            for across in (columns / width, 1 - columns / width):
                image[down + across < corner] = 0
    return image


def _toned(image: Values, is_gray: bool, rng: np.random.Generator) -> Values:
    toned = np.clip(image, 0, 1) ** np.exp(rng.normal(0, 0.3))
    toned = (toned - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.07)
    if not is_gray:
        toned = toned * np.exp(rng.normal(0, 0.12, 3))
        gray = toned.mean(axis=2, keepdims=True)
        toned = gray + (toned - gray) * np.exp(rng.normal(0, 0.3))
    return np.clip(toned, 0, 1).astype(np.float32)


def _degraded(image: Values, is_gray: bool, rng: np.random.Generator) -> Values:
    height, width = image.shape[:2]
    if rng.random() < 0.35:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.0)), np.float32)
    if rng.random() < 0.25:
        scale = rng.uniform(0.3, 0.8)
        small = cv2.resize(image, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if rng.random() < 0.35:
        channels = 1 if is_gray or rng.random() < 0.5 else 3
        image = image + rng.normal(0, rng.uniform(0.005, 0.05), (height, width, channels)).astype(np.float32)
    if rng.random() < 0.2:
        blurred = cv2.GaussianBlur(image, (0, 0), 12)
        image = image + np.float32(0.6 * rng.uniform(0.3, 1)) * (image - blurred)
    return np.clip(image, 0, 1)


def _written_on(picture: Picture, rng: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(1, 5))):
        text = "".join(rng.choice(LETTERS, int(rng.integers(2, 12))))
        color = ((255, 255, 255), (255, 255, 0), (0, 255, 0), (200, 200, 200))[int(rng.integers(4))]
        place = (int(rng.integers(0, max(1, width - 40))), int(rng.integers(min(10, height - 1), height)))
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.25, 0.5), color, 1, cv2.LINE_AA)
    return picture


def _noise(size: int, falloff: float, in_color: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise whose power falls with that power of the frequency, as in natural images (about 2)."""
    frequencies = np.fft.fftfreq(size)
    distance = np.hypot(*np.meshgrid(frequencies, frequencies))
    distance[0, 0] = 1 / size
    channels: list[NDArray[np.float64]] = []
    for _ in range(3 if in_color else 1):
        spectrum = (rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))) / distance ** (falloff / 2)
        values = np.real(np.fft.ifft2(spectrum))
        values = (values - values.mean()) / (values.std() + 1e-9)
        channels.append(0.7 * channels[0] + 0.3 * values if channels and rng.random() < 0.7 else values)
    level = rng.uniform(0.2, 0.8, len(channels))
    return np.clip(np.stack(channels * (3 // len(channels)), axis=2) * rng.uniform(0.1, 0.3) + level, 0, 1)


def _shapes(size: int, in_color: bool, rng: np.random.Generator) -> Values:
    """Shapes of all sizes that hide each other ("dead leaves"), which share their statistics with photographs."""
    image = _bytes(_noise(size, 2, in_color, rng))
    palette = rng.integers(0, 256, (int(rng.integers(3, 12)), 3 if in_color else 1))
    for _ in range(int(np.exp(rng.uniform(2, 6)))):
        shade = np.clip(palette[int(rng.integers(len(palette)))] + rng.normal(0, 13, palette.shape[1]), 0, 255)
        color = tuple(int(value) for value in np.broadcast_to(shade, 3))
        place = (int(rng.integers(size)), int(rng.integers(size)))
        extent = int(np.clip(size * 0.075 * rng.pareto(2) + 2, 2, size // 3))
        draw = rng.random()
        if draw < 0.4:
            cv2.circle(image, place, extent, color, -1, cv2.LINE_AA)
        elif draw < 0.7:
            axes = (extent, max(1, extent // int(rng.integers(1, 5))))
            cv2.ellipse(image, place, axes, rng.uniform(0, 180), 0, 360, color, -1)
        else:
            corners = np.asarray(place) + rng.normal(0, extent, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(image, [corners.astype(np.int32)], color)
    values = image / 255
    if rng.random() < 0.6:
        values = values + (_noise(size, rng.uniform(0, 2), False, rng) - 0.5) * rng.uniform(0, 0.4)
    return np.clip(values, 0, 1)


def _drawing(size: int, rng: np.random.Generator) -> Picture:
    image = np.full((size, size, 3), 255 if rng.random() < 0.7 else int(rng.integers(256)), np.uint8)
    for _ in range(int(rng.integers(3, 40))):
        shade = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.repeat(rng.integers(0, 128), 3)
        color = tuple(int(value) for value in shade)
        first, second = ((int(x), int(y)) for x, y in rng.integers(0, size, (2, 2)))
        draw = rng.random()
        if draw < 0.3:
            cv2.line(image, first, second, color, int(rng.integers(1, 4)), cv2.LINE_AA)
        elif draw < 0.5:
            cv2.rectangle(image, first, second, color, int(rng.choice([-1, 1, 2])))
        elif draw < 0.8:
            text = "".join(rng.choice(LETTERS, int(rng.integers(3, 25))))
            cv2.putText(image, text, first, int(rng.integers(0, 8)), rng.uniform(0.3, 1.5), color, 1, cv2.LINE_AA)
        else:
            cv2.circle(image, first, int(rng.integers(2, 60)), color, int(rng.choice([-1, 1, 2])), cv2.LINE_AA)
    return image


def _shuffled(image: Values, rng: np.random.Generator) -> Values:
    """In equal pieces, in another order."""
    count = int(rng.choice([2, 3, 4]))
    side = image.shape[0] // count
    shuffled = np.zeros_like(image)
    for place, piece in enumerate(rng.permutation(count * count)):
        (row, column), (top, left) = divmod(place, count), divmod(int(piece), count)
        shuffled[row * side : (row + 1) * side, column * side : (column + 1) * side] = image[
            top * side : (top + 1) * side, left * side : (left + 1) * side
        ]
    return shuffled


def _foreign_colors(image: Values, rng: np.random.Generator) -> NDArray[np.floating]:
    """Grey values through a random color table; colors exchanged."""
    if float(np.abs(np.diff(image, axis=2)).mean()) < 0.01:
        table = rng.random((5, 3))
        return np.stack([np.interp(image[..., 0], np.linspace(0, 1, 5), table[:, channel]) for channel in range(3)], 2)
    return image[..., [1, 2, 0] if rng.random() < 0.5 else [2, 1, 0]]
