"""The read side: what a caller may see, lists, filters, sorting, paging.

Belongs here: questions to the database that change nothing. What a caller may not see does not
exist for them: `NotFound`, never `Forbidden`.
"""
