"""A small NBD client for unix sockets: read, write, zero, flush and list extents, pipelined."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

MAXIMUM_REQUEST = 8 << 20
_OPTION_MAGIC, _REPLY_MAGIC = 0x49484156454F5054, 0x3E889045565A9
_REQUEST, _SIMPLE, _STRUCTURED = 0x25609513, 0x67446698, 0x668E33EF
_GO, _STRUCTURED_REPLIES, _SET_CONTEXT = 7, 8, 10
_ACK, _INFO, _CONTEXT, _FAILED = 1, 3, 4, 1 << 31
_READ, _WRITE, _DISCONNECT, _FLUSH, _ZERO, _EXTENTS = 0, 1, 2, 3, 6, 7
_CHUNK_EXTENTS, _CHUNK_ERROR, _LAST_CHUNK = 5, 1 << 15, 1
_EXTENT_SPAN = 1 << 30
HOLE, ZERO, DIRTY = 1, 2, 1
"""Flags of an extent: the first two of context `base:allocation`, the last of a dirty bitmap."""


class NbdError(OSError):
    """The server refused a request, or broke the connection."""


class Connection:
    """One connection to one export. Not safe for several threads."""

    def __init__(self, *, path: str, export: str, timeout: float = 10.0, context: str | None = None) -> None:
        self.size = 0
        self._cookie = 0
        self._reads: dict[int, tuple[int, int]] = {}
        self._waiting: set[int] = set()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
            self._greet(export.encode(), context)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye and close; a server that is gone is fine."""
        try:
            self._request(_DISCONNECT, 0, 0)
        except OSError:
            pass
        finally:
            self._socket.close()

    def read(self, *, offset: int, length: int) -> bytes:
        """Return bytes of the volume."""
        self.ask([(offset, length)])
        return bytes(self.answers()[0])

    def write(self, *, offset: int, data: bytes) -> None:
        """Write bytes; returns once the server has acknowledged them."""
        self.submit(offset=offset, data=data)
        self.settle()

    def flush(self) -> None:
        """Return once everything acknowledged before is on stable storage."""
        self.submit_flush()
        self.settle()

    def ask(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Send read requests for (offset, length) ranges, to be collected by `answers`."""
        for place, (offset, length) in enumerate(ranges):
            self._reads[self._request(_READ, offset, length)] = (place, length)

    def answers(self) -> list[bytearray]:
        """Return the data of everything asked for since the last time, in the order asked."""
        found: list[bytearray] = [bytearray()] * len(self._reads)
        while self._reads:
            place, length = self._reads.pop(self._simple_reply())
            found[place] = self._receive(length)
        return found

    def submit(self, *, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Send a write without waiting for its acknowledgement; `settle` waits for it, and must be
        called every so often, because a server stops listening to one who does not hear it out."""
        self._waiting.add(self._request(_WRITE, offset, len(data), data))

    def submit_zeroes(self, *, offset: int, length: int) -> None:
        """Send a request to make a range read as zeroes; `settle` waits for it."""
        self._waiting.add(self._request(_ZERO, offset, length))

    def submit_flush(self) -> None:
        """Send a flush of everything acknowledged so far; `settle` waits for it."""
        self._waiting.add(self._request(_FLUSH, 0, 0))

    def settle(self) -> None:
        """Wait until everything submitted was acknowledged."""
        while self._waiting:
            self._waiting.discard(self._simple_reply())

    def extents(self) -> Iterator[tuple[int, int, int]]:
        """Yield (offset, length, flags) for the whole volume, in the context asked for on connecting."""
        offset = 0
        while offset < self.size:
            self._request(_EXTENTS, offset, min(_EXTENT_SPAN, self.size - offset))
            for length, flags in self._extents_reply():
                yield offset, length, flags
                offset += length

    def _greet(self, export: bytes, context: str | None) -> None:
        magic, options, _ = struct.unpack(">8sQH", self._receive(18))
        if magic != b"NBDMAGIC" or options != _OPTION_MAGIC:
            raise NbdError("the server does not speak NBD as it should")
        self._socket.sendall(struct.pack(">I", 3))
        if context is not None:
            self._option(_STRUCTURED_REPLIES, b"")
            query = context.encode()
            named = struct.pack(">I", len(export)) + export + struct.pack(">II", 1, len(query)) + query
            if not any(kind == _CONTEXT for kind, _ in self._option(_SET_CONTEXT, named)):
                raise NbdError(f"the export '{export.decode()}' does not offer '{context}'")
        for kind, data in self._option(_GO, struct.pack(">I", len(export)) + export + b"\0\0"):
            if kind == _INFO and data[:2] == b"\0\0":
                self.size = struct.unpack(">Q", data[2:10])[0]

    def _option(self, option: int, data: bytes) -> list[tuple[int, bytes]]:
        """Send one option and return the replies before its acknowledgement."""
        self._socket.sendall(struct.pack(">QII", _OPTION_MAGIC, option, len(data)) + data)
        replies: list[tuple[int, bytes]] = []
        while True:
            magic, _, kind, length = struct.unpack(">QIII", self._receive(20))
            payload = bytes(self._receive(length))
            if magic != _REPLY_MAGIC:
                raise NbdError("the server does not speak NBD as it should")
            if kind & _FAILED:
                raise NbdError(f"the server refused: {payload.decode(errors='replace') or hex(kind)}")
            if kind == _ACK:
                return replies
            replies.append((kind, payload))

    def _request(self, kind: int, offset: int, length: int, data: bytes | bytearray | memoryview = b"") -> int:
        self._cookie += 1
        header = struct.pack(">IHHQQI", _REQUEST, 0, kind, self._cookie, offset, length)
        if len(data) <= 1 << 16:
            self._socket.sendall(header + bytes(data))
        else:
            self._socket.sendall(header)
            self._socket.sendall(data)
        return self._cookie

    def _simple_reply(self) -> int:
        """Return the cookie of the next request answered; its data, if any, follows on the socket."""
        magic, error, cookie = struct.unpack(">IIQ", self._receive(16))
        if magic != _SIMPLE:
            raise NbdError("the server does not speak NBD as it should")
        if error:
            raise NbdError(error, "the server failed a request")
        return int(cookie)

    def _extents_reply(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        last = False
        while not last:
            magic, flags, kind, _, length = struct.unpack(">IHHQI", self._receive(20))
            payload = self._receive(length)
            if magic != _STRUCTURED or kind & _CHUNK_ERROR:
                raise NbdError("the server failed to list extents")
            if kind == _CHUNK_EXTENTS:
                found += struct.iter_unpack(">II", payload[4:])
            last = bool(flags & _LAST_CHUNK)
        return found

    def _receive(self, length: int) -> bytearray:
        data = bytearray(length)
        view = memoryview(data)
        got = 0
        while got < length:
            count = self._socket.recv_into(view[got:])
            if not count:
                raise NbdError("the server closed the connection")
            got += count
        return data
