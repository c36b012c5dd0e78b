"""Hooks of a training or test, registered in MMEngine."""
