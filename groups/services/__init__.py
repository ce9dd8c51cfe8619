"""The verbs: check, move the statuses, record the operation, wake a worker.

Belongs here: one module a noun, called by every door alike. The order of refusal is the same
everywhere: not visible, not allowed, wrong state, bad input. Every check comes first, then one
transaction changes everything or nothing. No storage is called from here.
"""
