"""A tap on the loopback: passes bytes on between a client and a server, and remembers them."""

import contextlib
import socket
import threading

from host_setup import ADDRESS, PATIENCE


class Tap:
    """Listens on a port of its own, for one server. Used as a context."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.dialogues = []
        # Held until a dialogue is among them: a client may be done with it before.
        self.lock = threading.Lock()
        self.listener = socket.create_server((ADDRESS, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            server = socket.create_connection((ADDRESS, self.server_port), PATIENCE)
            with self.lock:
                self.dialogues.append(Dialogue(client, server))

    def first(self):
        """Each (direction, line) of the first connection, in order."""
        with self.lock:
            first = self.dialogues[:1]
        return first[0].lines() if first else []

    def lines(self):
        """Each (direction, line) of all connections, in order."""
        with self.lock:
            dialogues = list(self.dialogues)
        return [line for dialogue in dialogues for line in dialogue.lines()]


class Dialogue:
    """What was said on one connection, in the order in which it passed."""

    def __init__(self, client, server):
        self.said = []
        self.lock = threading.Lock()
        self.threads = [
            threading.Thread(target=self.carry, args=ends, daemon=True)
            for ends in ((client, server, "C"), (server, client, "S"))
        ]
        for thread in self.threads:
            thread.start()

    def carry(self, source, sink, direction):
        """Until the source ends. What the other end no longer takes is still remembered."""
        try:
            while data := source.recv(65536):
                with self.lock:
                    self.said.append((direction, data))
                with contextlib.suppress(OSError):
                    sink.sendall(data)
        except OSError:
            pass  # broken, which is an end as well
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def lines(self):
        """Whole lines: (direction, bytes without the line's end). Until TLS begins."""
        for thread in self.threads:
            thread.join(5)  # the last words may be under way
        lines, rest = [], {"C": b"", "S": b""}
        with self.lock:
            said = list(self.said)
        for direction, data in said:
            if data[:1] in (b"\x16", b"\x15", b"\x17"):
                break  # a TLS record
            *whole, rest[direction] = (rest[direction] + data).split(b"\n")
            lines += [(direction, line.rstrip(b"\r")) for line in whole]
        return lines
