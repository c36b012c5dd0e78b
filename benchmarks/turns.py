"""Measuring several variants fairly, and writing down what was measured."""

import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.models.cost import seconds_of
from custom_modules.runs.environment import environment

RESULTS = PROJECT_ROOT / 'results' / 'benchmarks'


def in_turns(
    variants: Mapping[str, Callable[[], object]], rounds: int, steps: int, warm_up: int = 2
) -> dict[str, list[float]]:
    """Return seconds per step of each variant and round.

    The variants take turns, and every round begins with another one, so that what else happens on
    the machine, its temperature and its clock meet all of them alike.

    Args:
        variants: name -> one step.
        rounds: how often each has its turn.
        steps: of a turn.
        warm_up: steps of each before anything is measured.
    """
    for step in variants.values():
        for _ in range(warm_up):
            step()
    names = list(variants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            seconds[name].append(seconds_of(variants[name], steps) / steps)
    return seconds


def ratios(seconds: Mapping[str, list[float]], base: str) -> dict[str, float]:
    """Return how many times faster than ``base`` each variant is: the median over the rounds."""
    return {
        name: statistics.median(b / v for b, v in zip(seconds[base], values, strict=True))
        for name, values in seconds.items()
    }


def report(
    name: str, protocol: str, images: int, seconds: Mapping[str, list[float]], base: str
) -> None:
    """Print a table and write ``results/benchmarks/<name>.json``.

    Args:
        name: of the benchmark.
        protocol: what was measured, in a sentence.
        images: of a step.
        seconds: of ``in_turns``.
        base: the variant that the others are compared with.
    """
    faster = ratios(seconds, base)
    rows = {
        variant: dict(
            images_per_second=round(images / statistics.median(values), 2),
            times_faster=round(faster[variant], 3),
            seconds=[round(value, 5) for value in values],
        )
        for variant, values in seconds.items()
    }
    print(f'{protocol}\n')
    width = max(map(len, rows))
    print(f'{"":{width}}  images/s   x {base}')
    for variant, row in rows.items():
        print(f'{variant:{width}}  {row["images_per_second"]:8.2f}   {row["times_faster"]:.3f}')
    write(name, dict(protocol=protocol, base=base, rows=rows))


def write(name: str, result: Mapping[str, object]) -> Path:
    """Write ``results/benchmarks/<name>.json`` with the environment it was measured in."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f'{name}.json'
    path.write_text(json.dumps({**result, **environment()}, indent=2) + '\n', encoding='utf-8')
    print(f'\n{path.relative_to(PROJECT_ROOT)}')
    return path
