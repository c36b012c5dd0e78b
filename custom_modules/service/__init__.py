"""A model behind HTTP; ``tools/serve.py`` starts it."""
