"""Pictures of what a model does."""

from .contact_sheet import Example, save_contact_sheet

__all__ = ['Example', 'save_contact_sheet']
