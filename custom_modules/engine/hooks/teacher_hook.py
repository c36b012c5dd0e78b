"""The teacher in a training: who it is, whether it fits, and whether it is the one of before."""

import logging
from pathlib import Path
from typing import Any

from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...base.errors import UserError
from ...base.paths import resolve_path, short_path
from ...config.held_datasets import reading_of
from ...models.data_preprocessor import BinarySegPreprocessor
from ...models.distillation import distillation_of
from ...models.precision import memory_format
from ...runs.initial_weights import set_start
from ...runs.teacher import ReadTeacher, read_teacher
from ...runs.trained_with import image_size
from ..model_wrapping import computes_below_fp32

#: A side, [width, height], or '' for none, as ``trained_with.image_size`` returns it.
_Size = list[int] | int | str


class TeacherHook(Hook):
    """Loads the teacher that the model of a training names, if it names one.

    A checkpoint notes the teacher's ``name`` and ``digest`` as ``meta.teacher``, and a line of both
    in ``meta.training``, for metrics, report and card. A run does not go on with another one,
    though it may lie elsewhere than before. The images that the teacher learned from count as
    images that this training started from.
    """

    def before_run(self, runner: Any) -> None:
        """Give the teacher to model and preprocessor.

        Raises:
            UserError: it cannot be loaded, or is for other images than this training has.
        """
        part = distillation_of(runner.bare_model)
        if part is None or part.teacher is not None or not runner.is_training_run:
            return
        found = read_teacher(part.source)
        _check_images(runner, found)
        network = found.teacher.model.to(get_device())
        if computes_below_fp32(runner.cfg):
            network.to(memory_format=memory_format(get_device()))
        part.teacher = found.teacher
        here = image_size(runner.cfg.train_dataloader['dataset'])
        part.teacher.scale = part.teacher_scale or _scale(found.image_size, here)
        runner.bare_model.data_preprocessor.teacher = found.teacher
        set_start(part, found.start)
        _say(found, here)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        teacher = _teacher_of(runner)
        checkpoint['meta']['teacher'] = teacher
        if teacher is not None:
            shown = teacher | dict(name=_name_elsewhere(teacher['name']))
            checkpoint['meta']['training']['teacher'] = _named(shown)

    def after_load_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Refuse to go on with another teacher, or with none.

        Raises:
            UserError: the teacher has other weights than that of the run.
        """
        if 'meta' not in checkpoint:  # weights to start from
            return
        now, then = _teacher_of(runner), checkpoint['meta'].get('teacher')
        then = then if isinstance(then, dict) else None
        same = (then or {}).get('digest') == (now or {}).get('digest')
        if not same and not runner.cfg.get('allow_changes'):
            raise UserError(
                f'--resume {runner.log_dir}: the teacher was {_named(then)}, is {_named(now)}, so '
                'that it would be another run; resume with the teacher of before, start without '
                '--resume, or go on all the same with --allow-changes'
            )


def _teacher_of(runner: Any) -> dict[str, str] | None:
    part = distillation_of(runner.bare_model)
    if part is None or part.teacher is None:
        return None
    return dict(name=part.teacher.name, digest=part.teacher.digest)


def _named(teacher: dict[str, str] | None) -> str:
    return f'{teacher.get("name")} ({teacher.get("digest", "")[:12]})' if teacher else 'none'


def _name_elsewhere(name: str) -> str:
    """Return a teacher's name as others may read it, without the folders of this machine."""
    path = Path(short_path(resolve_path(name)))
    return Path(*path.parts[1:][-2:]).as_posix() if path.is_absolute() else path.as_posix()


def _check_images(runner: Any, found: ReadTeacher) -> None:
    name, own, other = found.teacher.name, runner.bare_model, found.teacher.model
    if own.in_channels != other.in_channels:
        raise UserError(
            f'teacher {name}: is for images of {other.in_channels} channels, and this training has '
            f'{own.in_channels}; take a teacher of as many channels'
        )
    for whose, model in (('this model', own), (f'the teacher {name}', other)):
        if not isinstance(model.data_preprocessor, BinarySegPreprocessor):
            raise UserError(
                f'model.distillation: data_preprocessor of {whose} is '
                f'{type(model.data_preprocessor).__name__}, which cannot show a batch to both '
                'networks; use BinarySegPreprocessor, or a class that inherits from it'
            )
    reading = reading_of(runner.cfg.train_dataloader['dataset'])
    if reading.settings() != found.reading.settings():
        raise UserError(
            f'teacher {name}: reads images as {found.reading}, and this training as {reading}; '
            'give both the same image_reading'
        )


def _scale(learned: _Size, here: _Size) -> float:
    """Return the factor between two sizes; 1 where one has none, or another shape."""
    if '' in (learned, here):
        return 1.0
    (width, height), (own_width, own_height) = _sides(learned), _sides(here)
    return width / own_width if width * own_height == height * own_width else 1.0


def _say(found: ReadTeacher, here: _Size) -> None:
    teacher = found.teacher
    numbers = sum(one.numel() for one in teacher.model.parameters())
    line = f'teacher: {teacher.name}, {numbers:,} parameters'
    if found.image_size != here or teacher.scale != 1:
        line += f'; it learned from images of {_size(found.image_size)} and sees {_size(here)} here'
    if teacher.scale != 1:
        line += f', shown {teacher.scale:g} times as large'
    print_log(line, 'current', logging.INFO)
    if is_main_process():
        print(line, flush=True)


def _size(size: _Size) -> str:
    """Return a size as a message has it: '128x128'."""
    return 'their own size' if size == '' else 'x'.join(map(str, _sides(size)))


def _sides(size: _Size) -> tuple[int, int]:
    """Return width and height."""
    width, height = size if isinstance(size, list) else (size, size)
    return int(width), int(height)
