# Sourced by the scripts: PYTHON, the active environment's python, or that of .venv if none is active.
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python
    venv=$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/python
    if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && [ -x "$venv" ]; then PYTHON=$venv; fi
fi
