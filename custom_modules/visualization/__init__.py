"""Pictures of what a model does."""

from .contact_sheet import Example, save_contact_sheet
from .examples import save_examples

__all__ = ['Example', 'save_contact_sheet', 'save_examples']
