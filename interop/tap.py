"""A tap on the loopback: passes bytes on between a client and a server, and remembers them."""

import socket
import threading

from machine import ADDRESS, PATIENCE


class Tap:
    """Listens on a port of its own, for one server. Used as a context."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.dialogues = []
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
            dialogue = Dialogue()
            self.dialogues.append(dialogue)
            server = socket.create_connection((ADDRESS, self.server_port), PATIENCE)
            for source, sink, direction in ((client, server, "C"), (server, client, "S")):
                threading.Thread(
                    target=dialogue.carry, args=(source, sink, direction), daemon=True
                ).start()

    def first(self):
        """Each (direction, line) of the first connection, in order."""
        return self.dialogues[0].lines() if self.dialogues else []

    def lines(self):
        """Each (direction, line) of all connections, in order."""
        return [line for dialogue in self.dialogues for line in dialogue.lines()]


class Dialogue:
    """What was said on one connection, in the order in which it passed."""

    def __init__(self):
        self.said = []
        self.lock = threading.Lock()

    def carry(self, source, sink, direction):
        """Ends when one side does; a half that is closed is passed on as such."""
        try:
            while data := source.recv(65536):
                with self.lock:
                    self.said.append((direction, data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # Broken: so that the other side hears of it, too.
            for end in (source, sink):
                end.close()

    def lines(self):
        """Whole lines: (direction, bytes without the line's end). Until TLS begins."""
        lines, rest = [], {"C": b"", "S": b""}
        with self.lock:
            said = list(self.said)
        for direction, data in said:
            if data[:1] in (b"\x16", b"\x15", b"\x17"):
                break  # a TLS record
            *whole, rest[direction] = (rest[direction] + data).split(b"\n")
            lines += [(direction, line.rstrip(b"\r")) for line in whole]
        return lines
