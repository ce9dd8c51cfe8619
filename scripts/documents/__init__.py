"""The pages of docs/ that are made from the code, so that they cannot say something else.

Belongs here: one module a page, each with a `text()`. `python -m scripts.documents` writes them
all; with `--check` it says which ones are stale and changes nothing.
"""
