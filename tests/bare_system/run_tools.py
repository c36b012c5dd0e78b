"""Runs tools of the project in turn in this process, as ``python tools/NAME.py`` each would.

The commands are JSON on stdin: lists of the tool's name and its arguments. The first that does not
end with status 0 ends them all, with its status.
"""

import json
import runpy
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / 'tools'

if __name__ == '__main__':
    sys.path.insert(0, str(TOOLS))
    for name, *arguments in json.load(sys.stdin):
        print(f'--- {name}', flush=True)
        sys.argv[:] = [str(TOOLS / f'{name}.py'), *arguments]
        runpy.run_path(sys.argv[0], run_name='__main__')
