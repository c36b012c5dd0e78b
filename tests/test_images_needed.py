"""How many images a difference needs: by hand, by simulation, and with groups drawn together."""

import math

import numpy as np
import pytest

from custom_modules.evaluation.bootstrap import percentile_intervals, resampled_sums
from custom_modules.evaluation.from_rows import drawn_together, image_table, metrics_from_rows
from custom_modules.evaluation.images_needed import describe_needed, images_needed
from custom_modules.studies.seeds import Value, too_few_images


def test_by_hand() -> None:
    """With d = 0.01 and s^2 = 4 * 0.04^2 / 3, z s / d is 9.05 and 12.94."""
    found = images_needed([0.05, -0.03, 0.05, -0.03])
    assert found.difference == pytest.approx(0.01)
    assert found.deviation == pytest.approx(0.04 * math.sqrt(4 / 3))
    assert (found.interval, found.power, found.too_few) == (82, 168, True)
    assert describe_needed(found) == (
        '4 images are too few to believe a difference of +0.0100 in Dice: of images like these '
        'about 82 put the 95 % interval on one side of 0, and about 168 do so in four tests of five'
    )
    mirrored = images_needed([-0.05, 0.03, -0.05, 0.03])
    assert (mirrored.interval, mirrored.power) == (82, 168)
    steady = images_needed([0.01, 0.01, 0.01])
    assert (steady.interval, steady.power, steady.too_few) == (2, 2, False)
    assert describe_needed(steady).startswith('3 images are enough to believe a difference')


@pytest.mark.parametrize(
    ('differences', 'together', 'said', 'too_few'),
    [
        ([0.1, -0.1], None, 'The mean Dice is the same', False),
        ([0.1, 0.2, -0.3], None, 'The mean Dice is the same', False),  # 2.8e-17 by its sum
        ([0.1], None, 'One image, or one group of them, cannot tell a difference of +0.1', True),
        ([0.1, 0.2], ['a', 'a'], 'One image, or one group of them', True),
    ],
)
def test_what_no_number_of_images_tells(
    differences: list[float], together: list[str] | None, said: str, too_few: bool
) -> None:
    found = images_needed(differences, together)
    assert (found.interval, found.power, found.too_few) == (None, None, too_few)
    assert describe_needed(found).startswith(said)


def test_the_promise_holds_in_a_simulation() -> None:
    """Of tests with that many images, half and four of five have an interval without 0."""
    random = np.random.default_rng(0)
    gains = random.normal(0.004, 0.05, 4000)  # a long test, which says how many a short one needs
    found = images_needed(gains)
    for images, share in ((found.interval, 0.5), (found.power, 0.8)):
        assert images is not None and images < 3000
        tests = random.normal(found.difference, found.deviation, (2000, images))
        error = tests.std(axis=1, ddof=1) / math.sqrt(images)
        seen = np.mean(np.abs(tests.mean(axis=1)) > 1.96 * error)
        assert seen == pytest.approx(share, abs=0.03)


def test_images_of_one_patient_are_one_witness() -> None:
    """Five copies of each image need five times as many images, and intervals stay as wide."""
    random = np.random.default_rng(1)
    single = random.normal(0.01, 0.1, 200)
    alone = images_needed(single)
    copies = np.repeat(single, 5)
    patients = [str(number // 5) for number in range(1000)]
    copied = images_needed(copies, patients)
    assert copied.deviation == pytest.approx(alone.deviation * math.sqrt(5))
    assert images_needed(copies).deviation == pytest.approx(alone.deviation, rel=0.01)

    counts = random.integers(1, 90, (60, 4))
    rows = [
        dict(id=f'{number}_{copy}', groups=dict(group=f'p{number:02}'), tp=a, fp=b, fn=c, tn=d)
        for number, (a, b, c, d) in enumerate(counts.tolist())
        for copy in range(5)
    ]
    together = drawn_together(rows)
    tables = [image_table(rows[::5], {}), image_table(rows, {}, together), image_table(rows, {})]
    once, by_patient, by_image = (
        percentile_intervals(table.metrics(resampled_sums(table.drawn))) for table in tables
    )
    for name, interval in once.items():
        assert by_patient[name] == pytest.approx(interval)
        assert np.ptp(by_image[name]) < 0.6 * np.ptp(interval)
    assert metrics_from_rows(rows)['intervals'] == by_patient
    assert 'over the 60 groups of images' in str(metrics_from_rows(rows)['interval_method'])
    assert 'group' not in metrics_from_rows(rows)['breakdowns']  # type: ignore[operator]


def test_patients_of_different_sizes() -> None:
    """A drawn set is averaged over the images that it has, which are not always as many."""
    rows = [dict(id=str(n), groups=dict(group='a'), tp=1, fp=0, fn=0, tn=9) for n in range(3)]
    rows += [dict(id='b', groups=dict(group='b'), tp=0, fp=1, fn=0, tn=9)]
    table = image_table(rows, {}, drawn_together(rows))
    both, first, second = table.metrics(np.array([[1, 1], [2, 0], [0, 2]]) @ table.drawn)['Dice']
    assert (both, first, second) == (0.75, 1.0, 0.0)


@pytest.mark.parametrize(
    ('groups', 'expected'),
    [
        (['', ''], None),
        (['a', 'b'], None),
        (['a', 'a'], None),  # one group: only its images can be drawn
        (['a', 'a', ''], ['a', 'a', 'image 2']),
    ],
)
def test_who_is_drawn_together(groups: list[str], expected: list[str] | None) -> None:
    rows = [dict(id=str(n), groups=dict(group=name)) for n, name in enumerate(groups)]
    assert drawn_together(rows) == expected


def test_values_of_a_study() -> None:
    """With their seeds; where a row is of a result of before, nothing is said."""

    def rows(*gains: float, deviation: float | None = 0.1) -> list[dict]:
        known = {} if deviation is None else dict(deviation=deviation)
        return [dict(num_images=400, difference=dict(Dice=gain) | known) for gain in gains]

    assert too_few_images(Value('a', rows(0.01))) == ''  # 385 do
    assert too_few_images(Value('a', rows(0.005, 0.012, 0.013))) == ''
    assert too_few_images(Value('a', rows(0.009))) == (
        'warning: a: 400 images are too few to believe a difference of +0.0090 in Dice: of images '
        'like these about 475 put the 95 % interval on one side of 0, and about 969 do so in four '
        'tests of five'
    )
    assert too_few_images(Value('a', rows(0.02, -0.01))).startswith(
        'warning: a, the mean of 2 seeds that do not agree on its sign: 400 images are too few'
    )
    for silent in (rows(0.001, deviation=None), [dict(num_images=9, difference=None)]):
        assert too_few_images(Value('a', silent)) == ''
