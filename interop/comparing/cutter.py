"""A line that breaks: it passes connections on to a server, and cuts each after so many bytes.

It listens at an address of its own, on the port of the server and on all that the server may use for data
connections, and passes each on to the same port there. So it needs to read no dialogue, and TLS goes
through it. Clients must connect to the address that they have from the user, whatever the reply to PASV
says, or use EPSV.
"""

import copy
import itertools
import random
import selectors
import socket
import struct
import threading

from host_setup import ADDRESS

CUT_ADDRESS = "127.0.0.2"
PIECE = 1 << 14


class Cutter:
    """`data`: the bytes after which data connections are cut, one after the other; later ones are not.
    `seed`: both kinds of connections are cut after a random number of bytes, of which `most` is the
    greatest for data."""

    def __init__(self, place, data=(), seed=None, most=0):
        self.place = copy.copy(place)
        self.place.address = CUT_ADDRESS
        self.control, self.passive = place.port, place.kind.passive_ports
        self.data, self.dice, self.most = iter(data), seed and random.Random(seed), most
        self.cuts = 0
        # On data connections, both ways.
        self.moved = 0
        self.is_open = True

    def __enter__(self):
        self.selector = selectors.DefaultSelector()
        first, last = self.passive
        self.listeners = []
        for port in (self.control, *range(first, last + 1)):
            listener = socket.create_server((CUT_ADDRESS, port), backlog=64)
            listener.setblocking(False)
            self.selector.register(listener, selectors.EVENT_READ, self.accept)
            self.listeners.append(listener)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_open = False
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def run(self):
        while self.is_open:
            for key, _ in self.selector.select(0.1):
                # An event before it may have closed it.
                if key.fileobj.fileno() >= 0:
                    key.data(key.fileobj)

    def accept(self, listener):
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            return
        port = listener.getsockname()[1]
        try:
            server = socket.create_connection((ADDRESS, port), 5)
        except OSError:
            client.close()
            return
        line = Line(self, client, server, port == self.control)
        for end in (client, server):
            end.settimeout(5)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(end, selectors.EVENT_READ, line.move)

    def limit(self, is_control):
        """After how many bytes the next connection is cut; `None`: never."""
        if self.dice is None:
            return None if is_control else next(self.data, None)
        if is_control:
            return self.dice.randrange(300, 60_000)
        return self.dice.randrange(1, self.most)


class Line:
    """A connection, and the one that it is passed on to."""

    def __init__(self, cutter, client, server, is_control):
        self.cutter, self.ends, self.is_control = cutter, [client, server], is_control
        self.limit = cutter.limit(is_control)
        self.others = {client: server, server: client}
        self.is_reset = bool(cutter.dice and cutter.dice.random() < 0.5)

    def move(self, end):
        other = self.others[end]
        try:
            piece = end.recv(PIECE if self.limit is None else min(PIECE, self.limit))
            if not piece:
                self.cutter.selector.unregister(end)
                self.ends.remove(end)
                other.shutdown(socket.SHUT_WR)
                if not self.ends:
                    self.close()
                return
            other.sendall(piece)
        except OSError:
            self.close()
            return
        self.cutter.moved += 0 if self.is_control else len(piece)
        if self.limit is not None:
            self.limit -= len(piece)
            if self.limit <= 0:
                self.cutter.cuts += 1
                self.close(self.is_reset)

    def close(self, is_reset=False):
        for end in self.others:
            if end in self.ends:
                self.cutter.selector.unregister(end)
            if is_reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        self.ends = []


def free_range(count):
    """So many ports in a row that nobody listens on."""
    for first in itertools.count(20_000 + random.randrange(8000), count):
        try:
            for port in range(first, first + count):
                with socket.create_server((ADDRESS, port)), socket.create_server((CUT_ADDRESS, port)):
                    pass
            return first, first + count - 1
        except OSError:
            continue
