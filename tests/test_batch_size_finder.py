"""Which batch sizes fit, which one is worth its memory, and that running out of it ends nothing."""

import multiprocessing
import os
import sys
from pathlib import Path

import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.commands import find_batch_size as batch_size_finder
from custom_modules.commands.find_batch_size import (
    Measurement,
    choose,
    expected_memory,
    find_batch_size,
    measure_batch_size,
    search,
)
from custom_modules.config import load_config
from custom_modules.engine.memory_use import (
    available_memory,
    is_out_of_memory,
    memory_limit,
    peak_memory,
)
from custom_modules.models import BinarySegmentor
from tests.conftest import Command, tiny_options

CONFIG = 'configs/sample/unet_sample.py'
NARROW = [
    'model.backbone.channels=[4,8]',
    'model.decode_head.in_channels=[4,8]',
    'model.decode_head.channels=[4]',
]
FULL = Measurement(8, failure='takes more than 1 GiB', ends_search=True)


@pytest.mark.parametrize(
    ('table', 'choice'),
    [
        ({1: 10.0}, (1, 1)),
        ({1: 10.0, 2: 20.0, 4: 40.0}, (4, 4)),
        ({1: 10.0, 2: 95.0, 4: 100.0}, (4, 2)),  # 5 % slower is as fast
        ({1: 10.0, 2: 94.9, 4: 100.0}, (4, 4)),
        ({1: 99.0, 2: 100.0, 4: 60.0}, (4, 1)),  # the fastest need not be the largest
    ],
)
def test_choices_by_hand(table: dict[int, float], choice: tuple[int, int]) -> None:
    rows = [Measurement(size, pace) for size, pace in table.items()]
    assert choose(rows) == choose([*rows, FULL]) == choice


def test_no_size_fits() -> None:
    with pytest.raises(UserError, match=r'8: takes more than 1 GiB\); choose a smaller image_size'):
        choose([FULL])


def test_what_would_not_fit_is_not_tried() -> None:
    tried: list[int] = []

    def measure(size: int) -> Measurement:
        tried.append(size)
        return Measurement(size, 1.0, 100 + 10 * size)

    assert expected_memory([measure(4)]) == 0
    assert expected_memory([measure(4), measure(8)]) == 100 + 10 * 16
    tried.clear()
    # The size of 16 takes all of it, that of 32 would take 420.
    sizes = list(search(measure, 1000, limit=260))
    assert tried == [1, 2, 4, 8, 16]
    assert sizes[-1].failure == 'not tried: would take about 0.00 GiB'
    assert choose(sizes) == (16, 1)
    assert [row.size for row in search(measure, 7, limit=10**9)] == [1, 2, 4]


def test_what_means_out_of_memory() -> None:
    allocator = "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"
    for error in (MemoryError(), torch.OutOfMemoryError('CUDA'), RuntimeError(allocator)):
        assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError('shapes differ'))
    assert not is_out_of_memory(UserError("can't allocate memory"))


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='only Linux has such a limit')
@pytest.mark.skipif(torch.cuda.is_available(), reason='limits the GPU')
def test_memory_is_refused_not_taken() -> None:
    assert peak_memory() > 0 and available_memory() > 0
    with memory_limit(2**28), pytest.raises(RuntimeError) as refused:
        torch.empty(2**32, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    torch.empty(2**32, dtype=torch.uint8)  # never touched, so it takes nothing


@pytest.mark.parametrize(
    'error',
    [
        torch.OutOfMemoryError('CUDA out of memory'),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_an_allocation_that_fails(
    sample: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    original = BinarySegmentor._network

    def network(self: BinarySegmentor, inputs: torch.Tensor) -> torch.Tensor:
        if len(inputs) >= 4:
            raise error
        return original(self, inputs)

    monkeypatch.setattr(BinarySegmentor, '_network', network)
    monkeypatch.setattr(batch_size_finder, 'LEAST_SECONDS', 0.0)
    config = load_config(CONFIG, [*tiny_options(sample), *NARROW]).resolved
    rows = list(search(lambda size: measure_batch_size(config, size, 2**32), 16, 2**33))
    assert [(row.size, row.failure) for row in rows] == [
        *((1, ''), (2, ''), (4, 'takes more than 4.00 GiB'))
    ]
    assert choose(rows)[0] == 2
    assert all(row.images_per_second > 0 and row.memory >= 0 for row in rows[:2])


def test_too_few_values_for_batch_norm(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_size_finder, 'LEAST_SECONDS', 0.0)
    config = load_config(CONFIG, [*tiny_options(sample), *NARROW, 'image_size=2']).resolved
    rows = list(search(lambda size: measure_batch_size(config, size, 2**32), 2, 2**32))
    assert [row.failure for row in rows] == ['BatchNorm needs more values', '']
    assert choose(rows) == (2, 2)


def die(*_: object) -> None:
    os._exit(9)


def test_a_process_that_is_killed(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fork = multiprocessing.get_context('fork')  # a new interpreter would not have the patch
    monkeypatch.setattr(batch_size_finder, 'get_context', lambda _: fork)
    monkeypatch.setattr(batch_size_finder, '_load_and_measure', die)
    config = load_config(CONFIG, [*tiny_options(sample), *NARROW])
    rows = list(find_batch_size(config).measurements)
    assert [(row.size, row.failure) for row in rows] == [(1, 'its process was killed')]


def test_the_tool(
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_tool_here: Command,
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [*tiny_options(sample), *NARROW]
    words = ['find_batch_size.py', CONFIG, '--largest', '1', '--cfg-options', *options]
    lines = run_tool_here(*words).stdout.splitlines()
    lines = lines[lines.index('16 images to train') - 1 :]  # before it: what the data set says
    assert lines[1] == '16 images to train'
    assert lines[4].split()[0] == '1' and lines[4].endswith(' GiB')
    assert lines[6].startswith('largest that fits: 1;') and lines[7] == 'batch_size = 1'
    assert 'find the learning rate anew' in lines[8]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(largest=0), '--largest 0: use 1 or more'),
        (dict(memory_share=0.0), '--memory-share 0: use a number above 0, up to 1'),
        (dict(memory_share=float('nan')), '--memory-share nan'),
        (dict(memory_share=1.5), '--memory-share 1.5'),
    ],
)
def test_bad_input(sample: Path, arguments: dict, message: str) -> None:
    config = load_config(CONFIG, [*tiny_options(sample), *NARROW])
    with pytest.raises(UserError, match=message):
        find_batch_size(config, **arguments)
