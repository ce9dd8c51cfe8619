"""A storage system that exists only in one small database file.

Belongs here: the `fake` driver, the faults it can be told to act out, and the command line that
tells it (`python -m drivers.fake`). It is for tests, trials of the console and measurements of
scale; it keeps nobody's data.
"""
