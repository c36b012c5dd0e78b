"""The tables of docs/robustness.md, of corpus, soak and mutants: python -m tests.robustness_page"""

import itertools
import json

from docs.generate.results_table import with_table
from tests import mutation
from tests.conftest import ROOT
from tests.corpus import CASES
from tests.soak import RESULT

PAGE = ROOT / 'docs' / 'robustness.md'
BEGIN = '<!-- made by python -m tests.robustness_page -->'
END = '<!-- end of what is made -->'

SOAKED = {
    'kill': '`kill -9` of the training',
    'term': 'SIGTERM to the training',
    'rank': '`kill -9` of one of two processes, `RESTARTS` set',
    'disk': 'full disk, then a larger one',
}


def soak_table(result: dict) -> list[str]:
    """Return the lines of what the committed soak found."""
    lines = ['| what happened | times | epochs | weights, optimiser, schedules, hooks, random |']
    lines += ['|---|---:|---:|---|']
    for kind, what in SOAKED.items():
        if kind in result:
            found = result[kind]
            state = ', '.join(found['differing']) + ' differ' if found['differing'] else 'equal'
            lines.append(f'| {what} | {len(found["rounds"])} | {found["epochs"]} | {state} |')
    found = [result[kind] for kind in SOAKED if kind in result]
    left = sum(len(one['left_behind']) for one in found)
    torn = sum(len(one['torn_files']) for one in found)
    machine = f'{result["minutes"]} minutes on {result["device"]}, torch {result["torch"]}'
    return [*lines, '', f'{left} processes left behind, {torn} torn files; {machine}.']


def corpus_tables() -> list[str]:
    """Return the lines of a table for each kind of input."""
    lines = [f'{len(CASES)} inputs, each in `tests/corpus/`, each tried by `make test`.']
    for kind, cases in itertools.groupby(CASES, lambda case: case.kind):
        lines += ['', f'### {kind}', '', '| input | what happens |', '|---|---|']
        for case in cases:
            outcome = f'error: "... {case.refused} ..."' if case.refused else f'read: {case.read}'
            lines.append(f'| {_cell(case.name)} | {_cell(outcome)} |')
    return lines


def _cell(text: str) -> str:
    return text.replace('|', '\\|').replace('<', '&lt;')


def page() -> tuple[str, str]:
    """Return the page as it is and as it should be."""
    text = PAGE.read_text(encoding='utf-8')
    soak = soak_table(json.loads(RESULT.read_text(encoding='utf-8')))
    parts = ['', '## Killed again and again', '', *soak]
    mutants = mutation.table(json.loads(mutation.RESULT.read_text(encoding='utf-8')))
    parts += ['', '## What the tests notice', '', *mutants]
    parts += ['', '## Bad and unusual input', '', *corpus_tables(), '']
    return text, with_table(text, '\n'.join(parts), BEGIN, END)


if __name__ == '__main__':
    PAGE.write_text(page()[1], encoding='utf-8')
