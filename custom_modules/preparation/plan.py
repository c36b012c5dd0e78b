"""What the data and the machine decide about a training, each line with its reason.

The questions are nnU-Net's (Isensee et al., Nature Methods 2021): how large a picture the network
sees, whole images or patches, how many at a time, how long. The answers are lines of a config.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from .facts import Facts

#: Sides of images are multiples of this: the networks of the plan halve them six times. The
#: smallest side leaves them two pixels, of which BatchNorm can tell a deviation.
DIVISOR, SMALLEST = 64, 128

#: Foreground thinner than this is lost where features are at a quarter of the size.
THIN = 8

#: A share of foreground below this is rare, and its pixels count more, up to the factor.
RARE, MOST_WEIGHT = 0.05, 10.0

#: Fewer images than this are augmented more often.
FEW_IMAGES = 300

#: The largest batch, and the share of the memory that a step's features may take.
LARGEST_BATCH, MEMORY_SHARE = 16, 0.4


@dataclass(frozen=True)
class Machine:
    """What a training runs on.

    Attributes:
        memory: bytes of free memory of the GPU, or of the machine without one.
        gpu: whether there is a GPU.
    """

    memory: int
    gpu: bool

    @property
    def largest_side(self) -> int:
        """The longest side that a network sees, in pixels."""
        return 512 if self.gpu else 256

    @property
    def steps(self) -> int:
        """Steps of a training."""
        return 10_000 if self.gpu else 1_500


@dataclass(frozen=True)
class Line:
    """A line of a config, such as ``max_epochs = 83  # of 18 steps each: 1,494 steps``.

    Attributes:
        key: the variable.
        value: what it is set to.
        reason: why, for the comment behind it.
    """

    key: str
    value: object
    reason: str

    def __str__(self) -> str:
        return f'{self.key} = {self.value!r}  # {self.reason}'


def plan(facts: Facts, machine: Machine, kept: Callable[[str, float, int, int], int]) -> list[Line]:
    """Return the lines of a config for a data set.

    Args:
        facts: of the data set.
        machine: that will train.
        kept: function that is given the base config, the factor of its channels, height and width,
            and returns the bytes that a step keeps of one image.
    """
    size, sizes = _size(facts, machine)
    patches = sizes[0].key == 'patch_size'
    scale = 1.0 if patches else max(size) / max(facts.height, facts.width)
    thin = facts.thickness * scale < THIN
    base = _base(patches, thin, machine)
    lines = [base, *sizes]
    if not machine.gpu and 'laptop' not in str(base.value):
        lines.append(Line('width', 0.5, 'no GPU: half of the channels'))
    factor = 1.0 if machine.gpu else 0.5
    batch, reason = _batch(facts, machine, kept(str(base.value), factor, *size))
    lines.append(Line('batch_size', batch, reason))
    steps = max(1, facts.training // batch)
    epochs = min(400, max(10, round(machine.steps / steps)))
    lines.append(Line('max_epochs', epochs, f'of {steps:,} steps each: {epochs * steps:,} steps'))
    if facts.training < FEW_IMAGES:
        text = f'{facts.training:,} images are few: most are turned and scaled'
        lines.append(Line('affine_prob', 0.75, text))
    if 0 < facts.share < RARE:
        weight = round(min(MOST_WEIGHT, math.sqrt((1 - facts.share) / facts.share)), 1)
        text = f'{facts.share:.1%} of the pixels are foreground: they count more'
        lines.append(Line('foreground_weight', weight, text))
    return lines


def _size(facts: Facts, machine: Machine) -> tuple[tuple[int, int], list[Line]]:
    """Return height and width that the network sees, and the lines that say so."""
    longest, largest = max(facts.height, facts.width), machine.largest_side
    seen = f'images are {facts.width}x{facts.height} (median)'
    side = max(SMALLEST, min(largest, math.ceil(longest / DIVISOR) * DIVISOR))
    thickness = facts.thickness * side / longest
    if longest > largest and facts.thickness > 0 and thickness < THIN:
        text = f'{seen}; at {side} the foreground would be {thickness:.1f} pixels thick'
        return (largest, largest), [Line('patch_size', largest, text)]
    height, width = (
        max(SMALLEST, round(edge / longest * side / DIVISOR) * DIVISOR)
        for edge in (facts.height, facts.width)
    )
    if max(height, width) <= 1.5 * min(height, width):
        return (side, side), [Line('image_size', side, seen)]
    return (height, width), [Line('image_size', (width, height), f'{seen}: no square')]


def _base(patches: bool, thin: bool, machine: Machine) -> Line:
    if patches:
        return Line('_base_', '../listed_pairs_patches.py', 'patches: thin things stay thick')
    if machine.gpu:
        return Line('_base_', '../listed_pairs_resnet34_unet.py', 'a GPU: the whole network')
    if thin:
        text = 'thin things: logits at full size'
        return Line('_base_', '../listed_pairs_resnet34_unet.py', text)
    text = 'no GPU: half the channels, logits at a quarter of the size'
    return Line('_base_', '../listed_pairs_laptop.py', text)


def _batch(facts: Facts, machine: Machine, kept: int) -> tuple[int, str]:
    """Return the largest power of two that leaves four steps an epoch and fits the memory."""
    by_images = min(facts.training, 2 ** int(math.log2(max(2, facts.training // 4))))
    by_memory = 2 ** int(math.log2(max(1, machine.memory * MEMORY_SHARE / kept)))
    batch = min(LARGEST_BATCH, by_images, by_memory)
    if batch == LARGEST_BATCH:
        reason = f'a step keeps {batch * kept / 2**30:.1f} GiB of features'
    elif by_images <= by_memory:
        reason = f'of {facts.training:,} images, for some steps an epoch'
    else:
        free = machine.memory / 2**30
        reason = f'a step keeps {kept / 2**30:.2f} GiB of an image, and {free:.1f} are free'
    return batch, reason
