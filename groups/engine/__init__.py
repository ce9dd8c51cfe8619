"""The work, done in workers: runner, steps, one handler a verb, sweeper, rounds, observing.

Belongs here: everything that calls a driver. Nothing else does. A worker may die at any line:
what it did is found again by looking, and another worker goes on.
"""
