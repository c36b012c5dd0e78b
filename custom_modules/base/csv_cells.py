"""Texts of users in tables: a spreadsheet must not take one for a formula."""

import re

#: A cell that begins with one of these is computed by spreadsheets, or was escaped here.
_FORMULA = ('=', '+', '-', '@', '\t', '\r', "'")


def as_cell(text: str) -> str:
    """Return a text as the cell of a table: ``'=1+1.jpg`` for a file called ``=1+1.jpg``."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def from_cell(cell: str) -> str:
    """Return the text that ``as_cell`` was given."""
    return cell.removeprefix("'")


def as_markdown_cell(text: str) -> str:
    """Return a text as the cell of a table in Markdown, where it is nothing but text."""
    return re.sub(r'([\\|<>\[\]`*])', r'\\\1', text)
