"""The command line's doors: `manage.py` commands for whoever has a shell on the site's host.

Belongs here: reading arguments, one call into the domain, and a readable answer. Whoever can run
them is trusted like an admin, since they can read the site's secrets anyway.
"""
