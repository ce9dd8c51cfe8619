"""What drills need of the engine besides their handler: checks, reports, proofs, notices.

Belongs here: running a plan's checks, writing the report of a drill that has ended, telling people.
When a drill is due is decided by `groups.services.drills`.
"""
