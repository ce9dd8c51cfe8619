"""Drill reports as documents: what fields there are, and how they look as HTML, PDF, CSV and a pack.

Belongs here: functions from a report's values to bytes. They know nothing of the database; what a
report says is gathered by `groups.engine.drills`.
"""
