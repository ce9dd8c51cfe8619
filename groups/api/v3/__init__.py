"""Cinder's Block Storage API, as far as replication groups need it.

Belongs here: what turns a request of a Cinder client into one call of `groups.services` or
`groups.queries`, and the result into the fields, codes and sentences those clients expect.
Rules of replication do not: they are the services', alike for every door.
"""
