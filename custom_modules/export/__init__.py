"""A trained model in formats that run without this project."""
