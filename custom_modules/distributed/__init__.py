"""More than one process: starting them, sharing a model among them, normalising over them."""
