"""The command: ``petseg TOOL ...`` does what ``python tools/TOOL.py ...`` does in a checkout."""

import ast
import runpy
import sys
from pathlib import Path

# Not from the package, whose import takes the seconds that --help need not wait for.
_HERE = Path(__file__).resolve().parent
TOOLS = next(
    tools for tools in (_HERE / 'tools', _HERE.parent / 'tools') if (tools / '_start.py').is_file()
)


def overview() -> str:
    """Return the lines of ``petseg --help``: each tool with the first line of its description."""
    lines = ['usage: petseg TOOL ...', '', 'petseg TOOL --help tells more. The tools:']
    for path in sorted(TOOLS.glob('[a-z]*.py')):
        text = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''
        what = text.partition('\n')[0].partition(': python')[0].rstrip('.:')
        lines.append(f'  {path.stem:20} {what}')
    return '\n'.join(lines)


def main() -> None:
    """Run the tool that the first argument names."""
    name = sys.argv[1].replace('-', '_') if len(sys.argv) > 1 else ''
    tool = TOOLS / f'{name}.py'
    if name in ('', '__help', '_h'):
        print(overview())
        return
    if not (name.isidentifier() and name[0] != '_' and tool.is_file()):
        print(f'error: petseg {sys.argv[1]}: no such tool\n\n{overview()}', file=sys.stderr)
        raise SystemExit(2)
    del sys.argv[1]
    sys.path.insert(0, str(TOOLS))
    runpy.run_path(str(tool), run_name='__main__')


if __name__ == '__main__':
    main()
