"""How one kind of storage replicates groups of volumes.

Belongs here: the driver contract (`base`), its errors, its declared options, the
registry, the conformance kit (`testing`), and one folder a driver. Plain Python:
nothing here knows Django, Celery or `groups`. A driver returns facts, never a status.
"""
