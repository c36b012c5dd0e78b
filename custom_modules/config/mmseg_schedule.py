"""A schedule of MMSegmentation's configs: training in steps, with the loops that resume here."""

from typing import Any

#: Loops of MMEngine -> those that do the same here, stop at any step and go on to the last bit.
_LOOPS = {
    'EpochBasedTrainLoop': 'ResumableTrainLoop',
    'IterBasedTrainLoop': 'ResumableIterLoop',
    'ValLoop': 'ValidationLoop',
    'TestLoop': 'EvaluationLoop',
}

#: What a file of a schedule sets beside it, and ``_base_/default_runtime.py`` here.
_OF_THE_RUNTIME = ('val_cfg', 'test_cfg', 'default_hooks')

_WRAPPERS = ('OptimWrapper', 'AmpOptimWrapper')


def with_loops_that_resume(config: dict[str, Any]) -> dict[str, Any]:
    """Return a merged config with the loops of MMEngine replaced by those that mean the same."""
    found = dict(config)
    for key in ('train_cfg', 'val_cfg', 'test_cfg'):
        loop = config.get(key)
        if isinstance(loop, dict) and (kind := _kind(loop)) in _LOOPS:
            found[key] = {**loop, 'type': _LOOPS[kind]}
    return found


def as_schedule(values: dict[str, Any]) -> dict[str, Any]:
    """Return what a base file of MMSegmentation's schedules is here; other files as they are.

    Length, validations and rate become the variables ``max_iters``, ``val_interval`` and
    ``learning_rate``, so that one line changes them; a schedule that goes on to the end of the
    training ends at ``max_iters``. Hooks and evaluation loops are those of the runtime here.

    Args:
        values: what the file sets.
    """
    training = values.get('train_cfg')
    if not isinstance(training, dict) or _kind(training) != 'IterBasedTrainLoop':
        return values
    found = {key: value for key, value in values.items() if key not in _OF_THE_RUNTIME}
    length = training.get('max_iters')
    found['train_cfg'] = dict(training, type=_LOOPS['IterBasedTrainLoop'])
    for key in ('max_iters', 'val_interval'):
        if key in training:
            found[key], found['train_cfg'][key] = training[key], f'${key}'
    found['param_scheduler'] = [
        {**one, 'end': '$max_iters'} if one.get('end') == length else dict(one)
        for one in values.get('param_scheduler', [])
    ]
    wrapper = values.get('optim_wrapper')
    if isinstance(wrapper, dict) and _kind(wrapper) in _WRAPPERS:
        kept = {key: value for key, value in wrapper.items() if key not in ('loss_scale', 'dtype')}
        optimizer = dict(wrapper['optimizer'])
        found['learning_rate'], optimizer['lr'] = optimizer['lr'], '$learning_rate'
        found['optim_wrapper'] = kept | dict(
            type='AutocastOptimWrapper', precision='$precision', optimizer=optimizer
        )
    return found


def _kind(config: dict[str, Any]) -> str:
    return str(config.get('type')).removeprefix('mmengine.')
