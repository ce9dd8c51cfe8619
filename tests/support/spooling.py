"""What the spool tests' own processes do: `python -m tests.support.spooling VERB ADDRESS ...`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import kombu
from kombu.message import Message

from replsite import transports

QUEUE = "failover"


def produce(address: str, name: str, count: int) -> None:
    """Send numbered messages."""
    with kombu.Connection(address) as connection:
        producer = connection.Producer(serializer="json")
        for number in range(count):
            producer.publish({"id": f"{name}-{number}"}, routing_key=QUEUE)


def consume(address: str, stop: Path, hold: str) -> None:
    """Print each message's id until the stop file is there and nothing is left; wait for ever on `hold`."""

    def show(body: dict[str, str], message: Message) -> None:
        print(body["id"], flush=True)  # noqa: T201  what the test reads
        while body["id"] == hold:
            time.sleep(1)
        message.ack()

    with kombu.Connection(address) as connection:
        queue = kombu.Queue(QUEUE, kombu.Exchange("replsite"), routing_key=QUEUE)
        with connection.Consumer(queue, callbacks=[show], prefetch_count=1):
            while True:
                stopping = stop.exists()
                try:
                    connection.drain_events(timeout=0.3)
                except TimeoutError:
                    if stopping:
                        return


if __name__ == "__main__":
    transports.register()
    verb, address_given, first, second = sys.argv[1:]
    if verb == "produce":
        produce(address_given, first, int(second))
    else:
        consume(address_given, Path(first), second)
