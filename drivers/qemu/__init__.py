"""Replicate volumes between sites that each run one QEMU storage daemon.

Belongs here: everything of the `qemu` driver, from the wire (`qmp`, `nbd`) over one site's files
and daemon (`folder`, `images`, `record`, `graph`, `side`) to what is done with them. `site`
starts one site.
"""
