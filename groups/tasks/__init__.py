"""Celery's doors: each turns a message into one call of the engine.

Belongs here: tasks with keyword-only ids, tolerant of unknown keywords so that old workers
survive new senders. Results are ignored: nothing is decided from them.
"""

from groups.tasks.operations import check_connection, run_operation, run_round
from groups.tasks.sites import run_site
from groups.tasks.ticks import drills, lag, observe, rounds, sweep

__all__ = ["check_connection", "drills", "lag", "observe", "rounds", "run_operation", "run_round", "run_site", "sweep"]
