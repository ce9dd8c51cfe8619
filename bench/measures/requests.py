"""How long requests take, alone and many at once."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator

from bench import figures, filling, floors
from bench.figures import Figure
from bench.stack import Client, Stack
from groups import models
from groups.queries import volumes

PART = "requests"


def measure(stack: Stack, site: filling.Site, *, quick: bool) -> Iterator[Figure]:
    """Measure lists, one group and a creation, with 1, 8 and 32 clients. The site has 100 groups of 10 volumes."""
    times = 20 if quick else 100
    group = models.Group.objects.filter(project=site.project).values_list("pk", flat=True)[0]
    kinds: dict[str, Callable[[Client], object]] = {
        "groups/detail, 100 groups": lambda client: _get(client, f"{site.path}/groups/detail?limit=100"),
        "volumes/detail, 1,000 volumes": lambda client: _get(client, f"{site.path}/volumes/detail"),
        "one group": lambda client: _get(client, f"{site.path}/groups/{group}"),
        "create a volume": lambda client: client.post(
            f"{site.path}/volumes",
            {"volume": {"size": 1, "volume_type": site.volume_type.name, "name": uuid.uuid4().hex}},
        ),
    }
    bare = figures.of(PART, "", floors.bare_list(volumes.SHOWN, rows=1000, times=max(5, times // 5))).median
    for what, ask in kinds.items():
        for clients in (1, 8, 32):
            seconds, rate = _asked(stack, site, ask, clients=clients, times=times)
            floor = bare if what.startswith("volumes/detail") and clients == 1 else None
            yield figures.of(
                PART,
                f"{what}, {clients} at once",
                seconds,
                floor=floor,
                floor_of="bare values() and orjson" if floor else "",
                note=f"{rate:.0f} requests/s",
            )


def _get(client: Client, path: str) -> None:
    status, said = client.get(path)
    if status != 200:
        raise RuntimeError(f"{path}: {status} {said!r}")


def _asked(
    stack: Stack, site: filling.Site, ask: Callable[[Client], object], *, clients: int, times: int
) -> tuple[list[float], float]:
    """Return how long each of so many requests took, and how many were answered a second."""
    seconds: list[float] = []
    failed: list[Exception] = []
    share = max(2, times // clients)
    ready = threading.Barrier(clients + 1)

    def work() -> None:
        client = Client(stack.port, token=site.token)
        try:
            ask(client)
            ready.wait()
            seconds.extend([figures.timed(lambda: ask(client)) for _ in range(share)])
        except Exception as error:
            ready.abort()
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        raise failed[0] from None
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return seconds, len(seconds) / (time.perf_counter() - began)
