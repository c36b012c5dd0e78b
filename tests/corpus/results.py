"""Results, sidecar files and scalars that somebody else wrote."""

import json
from collections.abc import Callable
from pathlib import Path

from custom_modules.export.metadata import METADATA, read_metadata
from custom_modules.runs.metrics_json import read_metrics
from custom_modules.runs.per_image_csv import read_rows
from custom_modules.runs.scalars import read_epochs
from custom_modules.runs.tuned_threshold import stored_threshold
from custom_modules.studies.results import read_study

from .case import Case
from .run_configs import METRICS

NO_TEST, NO_TABLE = 'is of no test', 'no table of tools/test.py'
UNREAD = 'cannot be read'

LATENCY = dict(median=1.0, low=1.0, high=1.0, runs=9)
COST = dict(parameters=1, multiply_accumulates=1, image_size=[8, 8], latency=LATENCY)

#: What is in metrics.json -> part of the message.
METRICS_FILES: dict[str, tuple[str, str]] = {
    'brackets without end': ('[' * 200_000, 'nested more than'),
    'an object in objects': ('{"a":' * 5_000 + '1' + '}' * 5_000, 'nested more than'),
    'half an object': ('{"Dice": 0.9', UNREAD),
    'no JSON': ('Dice = 0.9', UNREAD),
    'no UTF-8': ('\udcff', UNREAD),
    'a list': ('[0.9]', NO_TEST),
    'Dice is a text': (json.dumps(METRICS | dict(Dice='high')), NO_TEST),
    'Dice is true': (json.dumps(METRICS | dict(Dice=True)), NO_TEST),
    'Dice is 1.5': (json.dumps(METRICS | dict(Dice=1.5)), NO_TEST),
    'Dice is NaN': (json.dumps(METRICS | dict(Dice=float('nan'))), UNREAD),
    'Dice is 1e400': (json.dumps(METRICS).replace('0.5', '1e400', 1), UNREAD),
    'Dice twice': (json.dumps(METRICS)[:-1] + ', "Dice": 0.9}', 'a key comes twice'),
    'a count of 2**70': (json.dumps(METRICS | dict(num_images=2**70)), UNREAD),
    'a threshold of text': (json.dumps(METRICS | dict(threshold='0.5')), NO_TEST),
    'an interval of one number': (json.dumps(METRICS | dict(intervals=dict(Dice=[1]))), NO_TEST),
    'a curve of unequal lengths': (
        json.dumps(METRICS | dict(validation=dict(curve=dict(thresholds=[0.1], Dice=[])))),
        NO_TEST,
    ),
    'a latency of text': (
        json.dumps(METRICS | dict(cost=COST | dict(latency=dict(LATENCY, median='1')))),
        NO_TEST,
    ),
    'a latency of no run': (
        json.dumps(METRICS | dict(cost=COST | dict(latency=dict(LATENCY, runs=0)))),
        NO_TEST,
    ),
    'an image of one side': (json.dumps(METRICS | dict(cost=COST | dict(image_size=[8]))), NO_TEST),
    'a split of a megabyte': (json.dumps(METRICS | dict(split='x' * 10**6)), NO_TEST),
    'a device that moves the cursor': (json.dumps(METRICS | dict(device='\x1b[2J')), NO_TEST),
    'nine megabytes': ('[' + '0,' * (9 << 19) + '0]', 'more than'),
}

_HEAD, _ROW = 'id,species,breed,tp,fp,fn,tn,dice\n', 'a,cat,pet,1,0,0,1,1\n'
TABLES: dict[str, tuple[str, str]] = {
    'only a header': (_HEAD, 'has no images in it'),
    'a column twice': (_HEAD.replace('tn', 'tp'), 'is missing'),
    'a cell too many': (_HEAD + _ROW.replace('pet', 'pet,x'), NO_TABLE),
    'a negative count': (_HEAD + _ROW.replace(',1,0', ',-1,0'), NO_TABLE),
    'a count of 1e3': (_HEAD + _ROW.replace(',1,0', ',1e3,0'), NO_TABLE),
    'a Dice that is not that of its counts': (_HEAD + _ROW.replace('1\n', '0.5\n'), NO_TABLE),
    'a Dice of nan': (_HEAD + _ROW.replace('1\n', 'nan\n'), NO_TABLE),
    'an image twice': (_HEAD + _ROW * 2, 'comes twice'),
    'an image above the folder': (_HEAD + _ROW.replace('a,', '../a,', 1), 'no name of an image'),
    'a field of two megabytes': (_HEAD + _ROW.replace('cat', 'c' * (2 << 20)), NO_TABLE),
    'a quote without end': (_HEAD + '"' + _ROW * 9, NO_TABLE),
}

THRESHOLDS: dict[str, str] = {
    'nan': '{"threshold": NaN, "Dice": 1}',
    'a text': '{"threshold": "0.5", "Dice": 1}',
    '2': '{"threshold": 2, "Dice": 1}',
    'in brackets without end': '[' * 10**5,
}

SCALARS: dict[str, tuple[str, str]] = {
    'a line that is no record': ('[1]\n', 'scalars.json'),
    'an epoch of text': ('{"epoch": "one", "train/loss": 1}\n', 'scalars.json'),
    'an epoch of 1e400': ('{"epoch": 1e400, "train/loss": 1}\n', 'scalars.json'),
    'no whole epoch': ('{"iter": 1, "step/loss": 1}\n', 'no whole epoch'),
}

FACTS = dict(version=1, size_divisor=16, threshold=0.5, precision='fp32')
FOREIGN = 'was not written by tools/export.py'
METADATA_TEXTS: dict[str, str] = {
    'a threshold of text': json.dumps(FACTS | dict(threshold='0.5')),
    'a threshold of 1e400': json.dumps(FACTS).replace('0.5', '1e400'),
    'a threshold of true': json.dumps(FACTS | dict(threshold=True)),
    'size_divisor 4096': json.dumps(FACTS | dict(size_divisor=4096)),
    'size_divisor 48': json.dumps(FACTS | dict(size_divisor=48)),
    'a precision of a megabyte': json.dumps(FACTS | dict(precision='x' * 10**6)),
    'a training of a list': json.dumps(FACTS | dict(training=[])),
    'metadata nested without end': '[' * 10**6,
}


def _read(name: str, content: str, use: Callable[[Path], object]) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode('utf-8', 'surrogateescape'))
        return str(use(path))

    return run


RESULTS = (
    *(
        Case('metrics.json', name, _read('metrics.json', text, read_metrics), refused=said)
        for name, (text, said) in METRICS_FILES.items()
    ),
    *(
        Case('per_image.csv', name, _read('per_image.csv', text, read_rows), refused=said)
        for name, (text, said) in TABLES.items()
    ),
    *(
        Case(
            'tuned threshold',
            name,
            _read('best.threshold.json', text, lambda p: stored_threshold(p.with_name('best.pth'))),
            refused='best.threshold.json: ',
        )
        for name, text in THRESHOLDS.items()
    ),
    *(
        Case(
            'scalars',
            name,
            _read('vis_data/scalars.json', text, lambda p: read_epochs(p.parent.parent)),
            refused=said,
        )
        for name, (text, said) in SCALARS.items()
    ),
    *(
        Case('study', name, _read('study.json', text, read_study), refused='study.json: ')
        for name, text in {
            'a list': '[]',
            'rows of text': '{"study": "a", "question": "b", "base": "c", "rows": "d"}',
            'a row that lacks all': '{"study": "a", "question": "b", "base": "c", "rows": [{}]}',
        }.items()
    ),
    *(
        Case(
            'exported file',
            name,
            lambda folder, text=text: str(read_metadata(folder / 'm.onnx', {METADATA: text})),
            refused=FOREIGN,
        )
        for name, text in METADATA_TEXTS.items()
    ),
)
