"""The judge: reads what happened at a site, and says which of the engine's promises were broken.

`history.collect` reads it all once; `verdict.judge` returns one sentence for each complaint.
"""
