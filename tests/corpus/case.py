"""An input and what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One input of the corpus.

    Attributes:
        kind: heading of the table, such as 'image'.
        name: what is wrong with it or unusual.
        run: writes it into a folder, uses it, and returns what came out, in words; or raises
            UserError, which the tools print as one line with status 2.
        refused: part of the message, or '' where the input is read.
        read: what ``run`` returns where it is read.
    """

    kind: str
    name: str
    run: Callable[[Path], str]
    refused: str = ''
    read: str = ''
