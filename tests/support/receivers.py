"""Where notices arrive in tests: a mail server and a webhook on real sockets, which can be told to misbehave."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import email
import email.message
import email.policy
import http.server
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self


class Receiver:
    """A server in threads of its own, on a free port of this machine."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        """What the next requests are answered with instead of being taken."""
        self.hangs = threading.Event()
        """While set, nobody is answered."""
        self.asked = 0
        self._released = threading.Event()

    def __enter__(self) -> Self:
        self._server = self._made()
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self._server.server_address[1])

    def next_failure(self) -> int:
        """Return the answer to give instead of the good one; 0 for the good one. Hangs while told to."""
        self.asked += 1
        if self.hangs.is_set():
            self._released.wait()
        return self.failures.pop(0) if self.failures else 0

    def _made(self) -> socketserver.ThreadingMixIn | Any:
        raise NotImplementedError


class Webhook(Receiver):
    """Takes JSON, as a chat's webhook does."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[dict[str, Any]] = []

    def address(self, path: str = "/services/secret-path") -> str:
        """Return where to post to."""
        return f"http://127.0.0.1:{self.port}{path}"

    def _made(self) -> Any:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = receiver.next_failure()
                if not code:
                    receiver.posts.append(json.loads(body))
                self.send_response(code or 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@dataclasses.dataclass(frozen=True)
class Mail:
    """One message that was taken."""

    to: list[str]
    message: email.message.EmailMessage
    encrypted: bool
    user: str

    @property
    def text(self) -> str:
        """Return its body."""
        return str(self.message.get_content())


class MailServer(Receiver):
    """Takes mail by SMTP, with STARTTLS where it has a certificate."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.mails: list[Mail] = []
        self.tls = tls

    def _made(self) -> Any:
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                session = _Session(receiver, self)
                # A client that will not trust it hangs up in the middle.
                with contextlib.suppress(OSError):
                    session.run()
                session.end()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True

        return Server(("127.0.0.1", 0), Handler)


class _Session:
    """One client's talk with the mail server."""

    def __init__(self, server: MailServer, handler: socketserver.StreamRequestHandler) -> None:
        self._server, self._handler = server, handler
        self._socket, self._file = handler.connection, handler.rfile
        self._encrypted, self._user = False, ""
        self._to: list[str] = []

    def run(self) -> None:
        failure = self._server.next_failure()
        if failure:
            self._say(f"{failure} not now")
            return
        self._say("220 mail.example ESMTP")
        # Read anew each time: it is another file once the talk is encrypted.
        while line := self._file.readline():
            words = line.decode().strip()
            if not self._answer(words.upper(), words):
                return

    def end(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def _answer(self, verb: str, words: str) -> bool:
        if verb.startswith("EHLO"):
            offers = [] if self._server.tls is None or self._encrypted else ["STARTTLS"]
            for line in ("mail.example", *offers):
                self._say(f"250-{line}")
            self._say("250 AUTH PLAIN")
        elif verb == "STARTTLS":
            self._say("220 go on")
            assert self._server.tls is not None
            self._socket = self._server.tls.wrap_socket(self._socket, server_side=True)
            self._file, self._encrypted = self._socket.makefile("rb", 0), True
        elif verb.startswith("AUTH PLAIN"):
            self._user = base64.b64decode(words.split()[2]).decode().split("\0")[1]
            self._say("235 welcome")
        elif verb.startswith("RCPT TO:"):
            self._to.append(words.partition("<")[2].rpartition(">")[0])
            self._say("250 well")
        elif verb == "DATA":
            self._say("354 go on")
            self._take(b"".join(self._lines()))
            self._say("250 taken")
        else:
            self._say("221 bye" if verb == "QUIT" else "250 well")
        return verb != "QUIT"

    def _lines(self) -> Iterator[bytes]:
        for line in iter(self._file.readline, b".\r\n"):
            yield line.removeprefix(b".")

    def _take(self, content: bytes) -> None:
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, email.message.EmailMessage)
        self._server.mails.append(Mail(self._to, message, self._encrypted, self._user))

    def _say(self, text: str) -> None:
        self._socket.sendall(f"{text}\r\n".encode())
