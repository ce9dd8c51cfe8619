"""What `make demo` runs: a whole site with two storage sites, and a failover there and back.

Belongs here: the story (`walkthrough`), the processes it needs (`stack`), its clients
(`client`, `volumes`) and how it is told (`telling`). It uses Replsite as anybody else would:
by the `cinder` command, by `manage.py`, and by NBD.
"""
