"""A client that speaks byte by byte, from a loopback address of its choice."""

import hashlib
import socket
import ssl

from host_setup import ADDRESS, PATIENCE


class Closed(Exception):
    """The server closed the connection where a reply was expected."""


class Peer:
    """A control connection. `heard` is all that the server said so far."""

    def __init__(self, server, source, *, tls=False, greet=True, buffers=None):
        self.server, self.heard, self.waiting = server, [], b""
        self.socket = socket.socket()
        try:
            self.socket.settimeout(PATIENCE)
            if buffers:  # must be set before connecting
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Leaves the choice of the port to connect(): many addresses, many ports each.
            self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            self.socket.bind((source, 0))
            self.socket.connect((ADDRESS, server.port))
            if tls:
                self.start_tls()
            if greet:
                self.hear()
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def start_tls(self):
        """Shakes hands, and checks that it is our server's certificate."""
        self.socket = CONTEXT.wrap_socket(self.socket)
        shown = hashlib.sha256(self.socket.getpeercert(binary_form=True)).hexdigest()
        if shown != self.server.fingerprint:
            raise ssl.SSLError("not the server's certificate")

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, line):
        """Says a line and gives the reply."""
        self.send(line.encode() + b"\r\n")
        return self.hear()

    def hear(self):
        """The next reply; of one with many lines, the last."""
        while True:
            line, end, rest = self.waiting.partition(b"\n")
            if end:
                self.waiting = rest
                text = line.decode(errors="replace").rstrip("\r")
                self.heard.append(text)
                if text[:3].isdecimal() and text[3:4] == " ":
                    return text
                continue
            try:
                more = self.socket.recv(65536)
            except ConnectionError as error:
                raise Closed(str(error)) from error
            if not more:
                raise Closed("the server closed the connection")
            self.waiting += more

    def hear_all(self):
        """Everything until the server closes."""
        try:
            while True:
                self.hear()
        except Closed:
            return self.heard

    def log_in(self, user, password, *, tls=False):
        """The reply that decides about a login."""
        if tls:
            reply = self.ask("AUTH TLS")
            if reply[:3] != "234":
                return reply
            self.start_tls()
        reply = self.ask(f"USER {user}")
        return self.ask(f"PASS {password}") if reply[:3] == "331" else reply


def pinned():
    """The certificate is made by the server at its start: known by its fingerprint alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


CONTEXT = pinned()
IP_BIND_ADDRESS_NO_PORT = 24  # Linux; Python has no name for it


def addresses(network, count):
    """`count` addresses of 127.NETWORK.0.0/16, each in a /24 of its own as far as there are any."""
    return [f"127.{network}.{n % 256}.{1 + n // 256}" for n in range(count)]
