"""The losses once more, pixel by pixel from their papers: slow, plain and independent."""

import math
from collections.abc import Callable
from itertools import chain, pairwise

import numpy as np
from torch import nn

Pixels = list[tuple[float, int]]  # of an image or a batch: logit and truth of what counts


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def counted(logits: np.ndarray, target: np.ndarray) -> list[Pixels]:
    """Return the pixels of each image that count."""
    return [
        [(float(z[i]), int(t[i])) for i in np.ndindex(t.shape) if t[i] != 255]
        for z, t in zip(logits, target, strict=True)
    ]


def mean_over_pixels(cost: Callable[[float, int], float], images: list[Pixels]) -> float:
    pixels = [*chain(*images)]
    return sum(cost(z, t) for z, t in pixels) / len(pixels)


def cross_entropy(loss: nn.Module, logits: np.ndarray, target: np.ndarray) -> float:
    total = number = 0.0
    for n in range(len(target)):
        for y, x in np.ndindex(target[n].shape):
            if target[n][y, x] == 255:
                continue
            label = float(target[n][y, x] == 1)
            label = label * (1 - loss.label_smoothing) + loss.label_smoothing / 2
            p = sigmoid(logits[n][y, x])
            distance = to_outline(target[n] == 1, y, x)
            factor = 1.0
            if distance is not None:
                factor += loss.outline_weight * math.exp(
                    -(distance**2) / (2 * loss.outline_width**2)
                )
            total -= factor * (
                loss.pos_weight * label * math.log(p) + (1 - label) * math.log(1 - p)
            )
            number += 1
    return total / number


def to_outline(mask: np.ndarray, y: int, x: int) -> float | None:
    """Return the distance of a pixel to the nearest one of the other side, less half a pixel."""
    others = [(v, u) for v, u in np.ndindex(mask.shape) if mask[v, u] != mask[y, x]]
    return min((math.hypot(v - y, u - x) for v, u in others), default=None) and (
        min(math.hypot(v - y, u - x) for v, u in others) - 0.5
    )


def boundary(loss: nn.Module, logits: np.ndarray, target: np.ndarray) -> float:
    total = number = 0.0
    for n in range(len(target)):
        mask = target[n] == 1
        for y, x in np.ndindex(mask.shape):
            if target[n][y, x] != 255:
                distance = to_outline(mask, y, x) or 0.0
                total += sigmoid(logits[n][y, x]) * (-distance if mask[y, x] else distance)
                number += 1
    return loss.loss_weight * total / number


def focal(loss: nn.Module, logits: np.ndarray, target: np.ndarray) -> float:
    def cost(z: float, t: int) -> float:
        q = sigmoid(z) if t else 1 - sigmoid(z)
        a = 1.0 if loss.alpha is None else loss.alpha if t else 1 - loss.alpha
        return -a * (1 - q) ** loss.gamma * math.log(q)

    return mean_over_pixels(cost, counted(logits, target))


def dice(loss: nn.Module, logits: np.ndarray, target: np.ndarray) -> float:
    def of(pixels: Pixels) -> float:
        both = sum(sigmoid(z) * t for z, t in pixels)
        total = sum(sigmoid(z) + t for z, t in pixels)
        return 1 - (2 * both + loss.smooth) / (total + loss.smooth)

    return over(loss, of, counted(logits, target))


def tversky(loss: nn.Module, logits: np.ndarray, target: np.ndarray) -> float:
    def of(pixels: Pixels) -> float:
        both = sum(sigmoid(z) * t for z, t in pixels)
        invented = sum(sigmoid(z) * (1 - t) for z, t in pixels)
        missed = sum((1 - sigmoid(z)) * t for z, t in pixels)
        below = both + loss.alpha * invented + loss.beta * missed + loss.smooth
        return (1 - (both + loss.smooth) / below) ** loss.gamma

    return over(loss, of, counted(logits, target))


def over(loss: nn.Module, of: Callable[[Pixels], float], images: list[Pixels]) -> float:
    groups = [[*chain(*images)]] if loss.over == 'batch' else images
    return sum(map(of, groups)) / len(groups)


def lovasz(_: nn.Module, logits: np.ndarray, target: np.ndarray) -> float:
    """The definition: errors in falling order, each times how much the IoU falls by its pixel."""

    def cost_of(wrong: set[int], truth: list[int]) -> float:
        inside = {i for i, t in enumerate(truth) if t}
        if not wrong:
            return 0.0
        return 1 - len(inside - wrong) / len(inside | wrong)

    values = []
    for pixels in counted(logits, target):
        truth = [t for _, t in pixels]
        errors = [1 - z if t else 1 + z for z, t in pixels]
        order = sorted(range(len(pixels)), key=lambda i: -errors[i])
        costs = [cost_of(set(order[:k]), truth) for k in range(len(order) + 1)]
        steps = [after - before for before, after in pairwise(costs)]
        values.append(sum(max(0.0, errors[i]) * step for i, step in zip(order, steps, strict=True)))
    return sum(values) / len(values)


def centerline_dice(loss: nn.Module, logits: np.ndarray, target: np.ndarray) -> float:
    values = []
    for z, t in zip(logits, target, strict=True):
        counts = t != 255
        predicted = np.vectorize(sigmoid)(z) * counts
        mask = (t == 1).astype(float)
        parts = []
        for of, inside in ((predicted, mask), (mask, predicted)):
            skeleton = skeleton_of(of, loss.iterations)
            parts.append(((skeleton * inside).sum() + loss.smooth) / (skeleton.sum() + loss.smooth))
        values.append(1 - 2 * parts[0] * parts[1] / (parts[0] + parts[1]))
    return loss.loss_weight * float(np.mean(values))


CROSS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
SQUARE = tuple((v, u) for v in (-1, 0, 1) for u in (-1, 0, 1))


def around(values: np.ndarray, shape: tuple, pick: Callable) -> np.ndarray:
    height, width = values.shape
    return np.array(
        [
            [
                pick(
                    values[y + v, x + u]
                    for v, u in shape
                    if 0 <= y + v < height and 0 <= x + u < width
                )
                for x in range(width)
            ]
            for y in range(height)
        ]
    )


def skeleton_of(values: np.ndarray, iterations: int) -> np.ndarray:
    skeleton = np.zeros_like(values)
    for _ in range(iterations + 1):
        eroded = around(values, CROSS, min)
        lost = np.maximum(values - around(eroded, SQUARE, max), 0)
        skeleton = skeleton + np.maximum(lost - skeleton * lost, 0)
        values = eroded
    return skeleton
