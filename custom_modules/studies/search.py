"""A search for good values of a config, by Optuna."""

import ast
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ..base.errors import UserError
from ..base.json_file import write_json
from ..base.paths import make_writable, short_path
from ..config import load_config
from ..config.line import config_line
from ..runs.metrics_json import read_metrics
from .experiments import Experiment, begun_with, plan
from .local import run_jobs
from .running import (
    DONE,
    FAILED,
    PRUNED,
    STOPPED,
    TRAINING,
    Progress,
    Stop,
    run_experiment_or_say_why,
)
from .search_space import import_optuna

if TYPE_CHECKING:
    import optuna

#: Why a trial failed, in the storage.
_NOTE = 'note'

#: What a trial is judged by.
METRIC = 'valid/dice'

#: Trials that run to their end before any is stopped early, and epochs that every trial has.
TRIALS_BEFORE_PRUNING = 5
EPOCHS_BEFORE_PRUNING = 2

#: Seconds between two looks at a trial's curve.
_PERIOD = 1.0


@dataclass
class Search:
    """A search over one config.

    Attributes:
        config: path of the config file.
        space: distribution for each key of the config, as ``parse_space`` returns them.
        folder: folder in whose ``<study>`` the trials' experiments and the storage lie.
        budget: path of the budget's file, or None.
        options: ``--cfg-options`` of all trials.
    """

    config: Path
    space: Mapping[str, 'optuna.distributions.BaseDistribution']
    folder: Path
    budget: Path | None
    options: Sequence[str]

    def run(self, trials: int, jobs: int = 1) -> int:
        """Train until there are ``trials`` trials, test the best one, write and print all.

        A trial is judged by the Dice of its validation, and stopped early if it is worse after an
        epoch than the median of the trials before (Optuna's MedianPruner). Trials that were cut off
        are taken up again.

        Returns:
            The status for the shell, which is 0, or 1 if a trial failed, or 130 if the search was
            stopped.

        Raises:
            UserError: another search runs in this folder, or the folder is of another search.
        """
        if trials < 1:
            raise UserError(f'--trials {trials}: give a number of trials, 1 or more')
        make_writable(self._home, '--work-dir')
        lock = FileLock(self._home / f'.{self.config.stem}.lock')
        try:
            held = lock.acquire(blocking=False)
        except Timeout:
            raise UserError(f'{self._home}: another search runs there') from None
        with held:
            study = self._study()
            progress: list[Progress] = []
            one_at_a_time = threading.Lock()

            def work(environment: Mapping[str, str], stop: Stop) -> None:
                while not stop.asked:
                    with one_at_a_time:
                        if _begun(study) >= trials:
                            return
                        trial = study.ask(dict(self.space))
                        one = Progress(self._experiment(trial.params))
                        progress.append(one)
                    _run_trial(study, trial, one, stop, environment)

            run_jobs(jobs, work, progress)
            states = {one.state for one in progress}
            test = None
            if STOPPED not in states and _ended_well(study):
                print('testing the best trial', flush=True)
                best = Progress(self._experiment(study.best_params))
                run_experiment_or_say_why(best)
                states.add(best.state)
                test = best.experiment.results()
            found = self._found(study, test)
            write_json(self._home / f'{self.config.stem}.json', found, indent=1)
            print(self._summary(found, trials))
            return 1 if FAILED in states else 130 if STOPPED in states else 0

    @property
    def _home(self) -> Path:
        """Folder for the storage, with the experiments' folders in it."""
        return self._experiment({}).folder.parent

    def _study(self) -> 'optuna.Study':
        """Return the search as it is stored; trials that nobody runs any more are queued again."""
        optuna = import_optuna()
        journal = self._home / f'{self.config.stem}.journal'
        storages = optuna.storages.journal
        # Its own lock is a symbolic link, which not every system allows.
        lock = storages.JournalFileOpenLock(str(journal))
        backend = storages.JournalFileBackend(str(journal), lock_obj=lock)
        own = self._experiment({})
        study = optuna.create_study(
            study_name=self.config.stem,
            storage=optuna.storages.JournalStorage(backend),
            direction='maximize',
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=own.seed, constant_liar=True),
            pruner=optuna.pruners.MedianPruner(TRIALS_BEFORE_PRUNING, EPOCHS_BEFORE_PRUNING),
        )
        to_json = optuna.distributions.distribution_to_json
        space = {key: to_json(one) for key, one in self.space.items()}
        asked = dict(space=space, written=own.written)
        before = study.user_attrs
        if before and (before['space'], begun_with(before, journal)) != (space, own.written):
            raise UserError(
                f'{journal} is of a search over another config or other values; remove it or '
                'choose another --work-dir'
            )
        for key, value in asked.items():
            study.set_user_attr(key, value)
        for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            study.enqueue_trial(trial.params)
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        return study

    def _experiment(self, values: Mapping[str, Any]) -> Experiment:
        """Return a trial's experiment. Its folder is named by the values, so it goes on there."""
        grid = {key: [str(value)] for key, value in values.items()}
        (experiment,) = plan([self.config], self.folder, grid, None, self.budget, self.options)
        return experiment

    def _found(self, study: 'optuna.Study', test: Path | None) -> dict[str, Any]:
        """Return all trials and the best one, as ``<config>.json`` in the folder keeps them."""
        trials = [
            dict(
                number=trial.number,
                state=trial.state.name.lower(),
                values=trial.params,
                epochs=max(trial.intermediate_values, default=0),
                validation_dice=trial.value,
                note=trial.user_attrs.get(_NOTE, ''),
            )
            for trial in study.trials
        ]
        found: dict[str, Any] = dict(config=short_path(str(self.config)), trials=trials, best=None)
        if _ended_well(study):
            config = load_config(self.config, self._experiment(study.best_params).options)
            found['best'] = dict(
                values=study.best_params,
                validation_dice=study.best_value,
                test_dice=read_metrics(test / 'metrics.json')['Dice'] if test else None,
                run=short_path(test) if test else None,
                lines=[
                    config_line(config, key, _as_python(value))
                    for key, value in study.best_params.items()
                ],
            )
        return found

    def _summary(self, found: Mapping[str, Any], asked: int) -> str:
        states = Counter(trial['state'] for trial in found['trials'] if not _is_cut_off(trial))
        lines = [
            f'{found["config"]}: {states["complete"]} trials ran to their end, '
            f'{states["pruned"]} were stopped early, {states["fail"]} failed'
        ]
        lines += [
            f'  failed: {trial["values"]}: {trial["note"]}'
            for trial in found['trials']
            if trial['state'] == 'fail' and trial['note']
        ]
        if best := found['best']:
            test = '' if best['test_dice'] is None else f', test Dice {best["test_dice"]:.4f}'
            lines.append(f'best: validation Dice {best["validation_dice"]:.4f}{test}')
            lines += [f'  {line}' for line in best['lines']]
        missing = asked - sum(states[state] for state in ('complete', 'pruned', 'fail'))
        if missing > 0:
            lines.append(f'{missing} of {asked} trials to do; the same command goes on')
        return '\n'.join(lines)


def _run_trial(
    study: 'optuna.Study',
    trial: 'optuna.Trial',
    progress: Progress,
    stop: Stop,
    environment: Mapping[str, str],
) -> None:
    """Train a trial and tell Optuna how it goes.

    A trial that is cut off stays 'running' in the storage; the next search queues it again.
    """
    states = import_optuna().trial.TrialState
    own, pruned = Stop(), False
    arguments = (progress, own, environment, [TRAINING])
    thread = threading.Thread(target=run_experiment_or_say_why, args=arguments)
    thread.start()
    curve: dict[int, float] = {}
    alive = True
    while alive:
        thread.join(_PERIOD)
        alive = thread.is_alive()  # before the look, so that the last one sees all
        while own.asked < stop.asked:
            own.ask()
        before, curve = curve, _curve(progress.experiment)
        new = sorted(curve.keys() - before.keys())
        in_epochs = progress.experiment.unit == 'epoch'
        for place, number in enumerate(sorted(curve), start=1):
            if number in new:  # in steps, validations are counted
                trial.report(curve[number], number if in_epochs else place)
        if new and new[-1] < progress.experiment.total and not own.asked and trial.should_prune():
            pruned = True
            own.ask()
    if progress.state == DONE and not curve:
        progress.state, progress.note = FAILED, f'the run has no {METRIC}; is there a validation?'
    if progress.state == DONE:
        study.tell(trial, max(curve.values()))
    elif progress.state == FAILED:
        trial.set_user_attr(_NOTE, progress.note)
        study.tell(trial, state=states.FAIL)
    elif pruned and not stop.asked:
        progress.state = PRUNED
        study.tell(trial, state=states.PRUNED)


def _curve(experiment: Experiment) -> dict[int, float]:
    """Return the Dice of the validation after each epoch so far."""
    return {
        epoch: row[METRIC] for epoch, row in experiment.epochs_so_far().items() if METRIC in row
    }


def _begun(study: 'optuna.Study') -> int:
    """Return how many trials there are, without those that were cut off and queued again."""
    return sum(
        trial.state.name in ('RUNNING', 'COMPLETE', 'PRUNED') or _NOTE in trial.user_attrs
        for trial in study.trials
    )


def _ended_well(study: 'optuna.Study') -> bool:
    return any(trial.state.name == 'COMPLETE' for trial in study.trials)


def _is_cut_off(trial: Mapping[str, Any]) -> bool:
    return trial['state'] == 'fail' and not trial['note']


def _as_python(value: Any) -> str:
    """Return how a config writes a value of the command line."""
    try:
        return repr(ast.literal_eval(value) if isinstance(value, str) else value)
    except (SyntaxError, ValueError):
        return repr(value)
