"""Our own API under `/api/`: what Cinder's has no words for.

Belongs here: turning requests into values, one call of a service or query, and its answer back.
"""
