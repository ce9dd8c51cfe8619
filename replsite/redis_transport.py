"""Redis as a broker of wake-up calls, for which nothing is kept until it is acknowledged.

When Redis goes away, kombu's own transport wants to put back what was not acknowledged yet, over
the connection that has just gone, and the worker ends for it. An early acknowledgement keeps no
message from being lost anyway: operations whose message is lost are found by the sweeper.
"""

from __future__ import annotations

from kombu.transport import redis


class Channel(redis.Channel):
    """Puts nothing back."""

    do_restore = False
    ack_emulation = False


class Transport(redis.Transport):
    """Brings messages through Redis."""

    Channel = Channel
