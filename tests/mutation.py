"""What the tests notice: a tool changes the code a little, thousands of times, and runs them.

``python -m tests.mutation [GROUP ...]`` copies the committed files, lets mutmut change each
function of a group and run the group's tests, and writes the shares to
results/robustness/mutants.json, from which docs/robustness.md has them. On two cores the models
took four minutes, each of the others about a quarter of an hour.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import ROOT

RESULT = ROOT / 'results' / 'robustness' / 'mutants.json'

#: Group -> files of the package, and the tests that are to notice. Tests that start processes are
#: left out, because the tool does not see what they run through, and so are trainings and tests of
#: whole nets where others notice the same: a change that nobody notices costs all tests.
GROUPS: dict[str, tuple[list[str], list[str]]] = {
    'models': (
        ['models/losses/*.py', 'models/*_head.py', 'models/foreground_logits.py'],
        ['batch_mixing', 'losses', 'models'],
    ),
    'metrics': (
        ['evaluation/*.py'],
        ['boundary', 'comparison', 'evaluation', 'evaluation_details', 'metric_table'],
    ),
    'data': (
        ['datasets/transforms/*.py', 'datasets/size_changes.py', 'datasets/seeded_*.py'],
        ['count_border', 'loading', 'padding', 'resizing', 'seeded_dataset', 'transforms'],
    ),
    'hooks': (
        ['engine/hooks/*.py', 'engine/loops.py'],
        [
            *('console', 'evaluation_loops', 'finite_loss', 'hooks', 'scalars_hook', 'schedules'),
            'training_loop',
        ],
    ),
    'resume': (
        ['engine/training_state.py', 'engine/rng.py', 'runs/resume_check.py'],
        ['resume_check', 'resumed_settings', 'training_state', 'waiting_gradients'],
    ),
}

#: Exit status of a mutant's tests, as the tool notes it -> what that means.
OUTCOMES = {0: 'survived', 5: 'untested', 33: 'untested', None: 'untested'}


def run(group: str, commit: str, folder: Path) -> list[dict]:
    """Return for each file of a group how many of its mutants the tests noticed.

    Args:
        group: of ``GROUPS``.
        commit: whose files are changed.
        folder: empty, for a copy of them.
    """
    files, tests = GROUPS[group]
    archive = subprocess.run(
        ['git', 'archive', commit], cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(['tar', '-x', '-C', str(folder)], input=archive, check=True)
    rest = sorted(
        path.name
        for path in folder.iterdir()
        if path.name not in ('custom_modules', 'tests', 'pyproject.toml')
    )
    settings = dict(
        source_paths=['custom_modules'],
        only_mutate=[f'custom_modules/{name}' for name in files],
        also_copy=rest,
        pytest_add_cli_args_test_selection=[f'tests/test_{name}.py' for name in tests],
        process_isolation='fork',
    )
    lines = [f'{key} = {json.dumps(value)}' for key, value in settings.items()]
    with open(folder / 'pyproject.toml', 'a', encoding='utf-8') as file:
        file.write('\n'.join(['', '[tool.mutmut]', *lines, '']))
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    subprocess.run([sys.executable, '-m', 'mutmut', 'run'], cwd=folder, env=environment, check=True)
    package = folder / 'mutants' / 'custom_modules'
    rows = []
    for path in sorted(package.rglob('*.py.meta')):
        file = str(path.relative_to(package)).removesuffix('.meta')
        row = dict(file=file, killed=0, survived=0, words=0, untested=0)
        outcomes = json.loads(path.read_text(encoding='utf-8'))['exit_code_by_key']
        for name, status in outcomes.items():
            outcome = OUTCOMES.get(status, 'killed')
            if outcome == 'survived':
                changed = change(name, folder, environment)
                print(f'{name}\n{changed}', flush=True)
                outcome = 'words' if is_of_words(changed) else outcome
            row[outcome] += 1
        if len(outcomes):
            rows.append(row)
    return rows


def change(name: str, folder: Path, environment: dict[str, str]) -> str:
    """Return the lines that a mutant took out and put in."""
    shown = subprocess.run(
        [sys.executable, '-m', 'mutmut', 'show', name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return '\n'.join(
        line for line in shown if line[:1] in ('-', '+') and line[:3] not in ('---', '+++')
    )


def is_of_words(changed: str) -> bool:
    """Say whether a change is of the letters of a text alone, such as those of a message."""
    lines = changed.splitlines()
    if len(lines) != 2 or not re.search('XX|[A-Z]{3}', lines[1]):
        return False
    before, after = (re.split('[\'"]', line[1:]) for line in lines)
    differing = [pair for pair in zip(before, after, strict=False) if pair[0] != pair[1]]
    return len(before) == len(after) and all(
        ' ' in old and new.replace('XX', '').lower() == old.lower() for old, new in differing
    )


def main() -> None:
    """Run the groups that the command names, and keep the rows of the others."""
    groups = sys.argv[1:] or [*GROUPS]
    result = json.loads(RESULT.read_text(encoding='utf-8')) if RESULT.is_file() else {}
    tool = f'mutmut {importlib.metadata.version("mutmut")}'
    for group in groups:
        # Others may have committed since the group before.
        head = ['git', 'rev-parse', '--short', 'HEAD']
        commit = subprocess.run(
            head, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()
        with tempfile.TemporaryDirectory() as folder:
            rows = run(group, commit, Path(folder))
        result[group] = dict(commit=commit, tool=tool, rows=rows)
        RESULT.write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')


def table(result: dict) -> list[str]:
    """Return the lines of the page's table, the last one for all files together."""
    lines = [
        '| file | changes | noticed | not noticed | words of messages | run by no test | share |'
    ]
    lines += ['|---|---:|---:|---:|---:|---:|---:|']
    rows = [row for name in GROUPS if name in result for row in result[name]['rows']]
    keys = ('killed', 'survived', 'words', 'untested')
    together = {key: sum(row[key] for row in rows) for key in keys}
    for row in [*rows, dict(file='', **together)]:
        numbers = [row[key] for key in keys]
        name = f'`{row["file"]}`' if row['file'] else 'together'
        cells = [name, sum(numbers), *numbers, f'{numbers[0] / sum(numbers):.0%}']
        lines.append(f'| {" | ".join(map(str, cells))} |')
    groups = [f'{name} at {group["commit"]}' for name, group in result.items()]
    tools = sorted({group['tool'] for group in result.values()})
    return [*lines, '', f'{", ".join(tools)}; {", ".join(groups)}.']


if __name__ == '__main__':
    main()
