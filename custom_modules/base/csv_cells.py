"""Texts of users in tables: a spreadsheet must not take one for a formula."""

import re

#: A cell that begins with one of these is computed by spreadsheets, or was escaped here.
_FORMULA = ('=', '+', '-', '@', '\t', '\r', "'")

#: What means something within a line of Markdown, tables and formulas of GitHub among it.
_MARKDOWN = re.compile(r'[\\`*_\[\]<>|~$&]')


def as_cell(text: str) -> str:
    """Return a text as the cell of a table: ``'=1+1.jpg`` for a file called ``=1+1.jpg``."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def from_cell(cell: str) -> str:
    """Return the text that ``as_cell`` was given."""
    return cell.removeprefix("'")


def as_markdown_cell(text: str) -> str:
    """Return a text as the cell of a table in Markdown, where it is nothing but text."""
    return _MARKDOWN.sub(r'\\\g<0>', as_line(text))


def as_line(text: str) -> str:
    """Return a text with spaces for what ends a line or is not to be seen."""
    return ''.join(sign if sign.isprintable() else ' ' for sign in text).strip()
