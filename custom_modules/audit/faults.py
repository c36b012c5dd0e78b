"""What is wrong with a label: the kinds of faults, told apart, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .evidence import Evidence

#: Kind of a fault -> what it means, for those who read the page.
KINDS = {
    'inverted': 'foreground and background are exchanged',
    'empty': 'no foreground, where the network sees some',
    'full': 'nothing but foreground, where the network sees background too',
    'shifted': 'moved as a whole, it would agree better',
    'too large': 'smaller all around, it would agree better',
    'too small': 'larger all around, it would agree better',
    'another object': 'it is elsewhere than what the network sees: the mask of another image?',
    'ragged outline': 'its outline is much rougher than the one that the network sees',
    'part missing': 'the network sees more',
    'part too much': 'the network sees less',
}

#: What a strength counts: a label that is elsewhere goes before one with a wrong outline.
_WEIGHT = dict(disagreement=1.5, shift=1.0, size=1.0, roughness=1.0)

#: Spreads are at least this, so that labels which agree alike are not told apart by nothing.
_LEAST_SPREAD = dict(disagreement=0.01, shift=0.01, size=0.05, roughness=0.1)

#: A change explains a label that takes away this share of what it lost and leaves no more
#: disagreement than this many spreads above the middle. An outline is ragged from so many spreads.
_EXPLAINS, _ORDINARY, _RAGGED = 1 / 3, 1.5, 1.5

#: Less overlap, as Dice, is another object; an inverted label overlaps at least this much.
_SAME_OBJECT, _INVERTED = 0.8, 0.5


@dataclass(frozen=True)
class Ordinary:
    """How much speaks against the labels of a data set, of which most are right.

    Attributes:
        middle: what speaks for a fault -> its median over all images.
        spread: what speaks for a fault -> by how much the 90th percentile is above the median,
            which rare faults do not change.
    """

    middle: dict[str, float]
    spread: dict[str, float]

    @classmethod
    def of(cls, found: Sequence[Evidence]) -> 'Ordinary':
        """Return what is ordinary among images, one or more."""
        strengths = [one.strength for one in found]
        columns = {name: np.array([one[name] for one in strengths]) for name in strengths[0]}
        middle = {name: float(np.median(column)) for name, column in columns.items()}
        spread = {
            name: max(_LEAST_SPREAD[name], float(np.quantile(column, 0.9)) - middle[name])
            for name, column in columns.items()
        }
        return cls(middle, spread)

    def beyond(self, name: str, strength: float) -> float:
        """Return how many spreads above the middle a strength is."""
        return (strength - self.middle[name]) / self.spread[name]

    def suspicion(self, found: Evidence) -> float:
        """Return how far the most unusual of what speaks against a label is beyond the ordinary."""
        return max(_WEIGHT[name] * self.beyond(name, one) for name, one in found.strength.items())


def kind_of(found: Evidence, ordinary: Ordinary) -> str:
    """Return the kind of the fault that explains best why a label and a network disagree."""
    if not found.labelled:
        return 'empty'
    if found.labelled == found.pixels:
        return 'full'
    if found.overlap_inverted > max(found.overlap, _INVERTED):
        return 'inverted'
    gains = {
        'shifted': found.shift_gain,
        'too large': found.shrink_gain,
        'too small': found.grow_gain,
    }
    best = max(gains, key=lambda kind: gains[kind])
    rest = ordinary.beyond('disagreement', found.disagreement(found.lost - gains[best]))
    if gains[best] > _EXPLAINS * found.lost and rest < _ORDINARY:
        return best
    strength = found.strength
    rough = ordinary.beyond('roughness', strength['roughness'])
    if rough > max(_RAGGED, ordinary.beyond('disagreement', strength['disagreement'])):
        return 'ragged outline'
    if found.overlap < _SAME_OBJECT:
        return 'another object'
    return 'part missing' if found.predicted > found.labelled else 'part too much'


def reason(kind: str, found: Evidence, scale: tuple[float, float] = (1.0, 1.0)) -> str:
    """Return in words what speaks for a fault.

    Args:
        kind: one of ``KINDS``.
        found: what speaks against the label.
        scale: pixels of the file for a pixel of the evidence, across and down.
    """
    across, down = scale
    overlap = f'Dice {found.overlap:.2f} with the prediction'
    labelled, seen = (f'{n / found.pixels:.0%}' for n in (found.labelled, found.predicted))
    width = round((found.shrink if kind == 'too large' else found.grow) * (across * down) ** 0.5)
    match kind:
        case 'empty' | 'full':
            what = 'no foreground' if kind == 'empty' else 'nothing but foreground'
            return f'{what}, the network sees foreground in {seen} of the image'
        case 'inverted':
            return f'{overlap}, {found.overlap_inverted:.2f} the other way round'
        case 'shifted':
            right, below = round(found.shift[0] * across), round(found.shift[1] * down)
            steps = (right, 'to the right', 'to the left'), (below, 'down', 'up')
            words = [f'{abs(n):,} px {ahead if n > 0 else back}' for n, ahead, back in steps if n]
            return f'{overlap}; better {" and ".join(words)}'
        case 'too large':
            return f'{overlap}; better {width:,} px smaller all around'
        case 'too small':
            return f'{overlap}; better {width:,} px larger all around'
        case 'ragged outline':
            times = found.rough / max(1, found.rough_predicted)
            return f'{overlap}; its outline is {times:.1f} times as rough'
        case 'another object':
            return f'{overlap}, which is elsewhere or of another shape'
    return f'{overlap}; the label has {labelled} of the image, the network sees {seen}'
