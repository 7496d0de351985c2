"""A line of a known length between two network namespaces, which counts what depends on what.

At both ends is the kernel's own TCP. The line is made of two TUN devices and a thread that carries
packets from one to the other, each half a round trip after it was sent. `tc netem` would delay them
as well, where the kernel has it, but tells nothing; here every packet is seen, so round trips are
counted and not guessed from times, and a machine that is busy changes no number.

Counted is the longest chain of packets (Lamport's clock): a packet's number is that of the last
packet that its sender had received, plus one. A first SYN is 1, the SYN-ACK 2 and so on: half a round
trip each.
"""

import collections
import contextlib
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import threading
import time

from host_setup import ADDRESS, PATIENCE, Failure, call

ROUND_TRIP = 0.05  # s
CLIENT, SERVER = 0, 1
CLIENT_ADDRESS, SERVER_ADDRESS = "10.99.0.1", "10.99.0.2"

# linux/if_tun.h, linux/sched.h
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
# The random bytes of a HelloRetryRequest (RFC 8446 §4.1.3).
HELLO_RETRY_REQUEST = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
TCP, SYN, ACK = 6, 0x02, 0x10


class NotPermitted(Exception):
    """This kernel, or who runs it, does not allow what the line is made of."""


class Session:
    """What depends on what in all TCP connections of a client, and when it wrote what of this: `sign` is
    looked for in the lines of `output`."""

    def __init__(self, output, sign):
        self.clocks = [0, 0]  # of client and server: the number of the last packet received
        self.output, self.sign, self.read = output, sign, 0
        self.marks = []  # the client's clock at each sign

    def look(self):
        """What it wrote until now, it did before the next packet arrives."""
        new = whole_lines(self.output, self.read)
        self.read += len(new)
        self.marks += [self.clocks[CLIENT]] * len(self.sign.findall(new))

    def round_trips(self):
        """From the first SYN until each sign."""
        return [mark / 2 for mark in self.marks]


class Connection:
    """What depends on what in one TCP connection, or in all of its session."""

    def __init__(self, session=None):
        self.session = session
        # Of client and server: the number of the last packet received.
        self.clocks = session.clocks if session else [0, 0]
        self.said = bytearray()  # by the server
        self.marks = {}  # name: the number of the server's packet

    def round_trips(self, name):
        """From the first SYN until the client heard what the server logged as `name`; `None` if it
        did not."""
        return self.marks[name] / 2 if name in self.marks else None

    @property
    def was_retried(self):
        """Whether the server wanted a key for another group than the client had guessed."""
        return HELLO_RETRY_REQUEST in self.said


class Line:
    """Made and taken away with the stack. The server's end has 127.0.0.1, and the client's end
    reaches it by that address, so that servers and clients are told what they are told elsewhere."""

    def __init__(self, stack):
        self.lock = threading.Lock()
        self.under_way = collections.deque()
        self.connections = {}  # by the client's port
        self.watched = []  # those that began since the log is watched
        self.looked_for, self.log, self.read = {}, None, 0
        self.session = None  # of the connections that begin now
        tag = f"ftp-proto-{os.getpid()}-{id(self):x}"
        self.namespaces = [f"{tag}-client", f"{tag}-server"]
        self.devices = []
        for end, namespace in enumerate(self.namespaces):
            permitted("ip", "netns", "add", namespace)
            stack.callback(call, "ip", "netns", "delete", namespace)
            self.devices.append(self.device(stack, f"ftp{end}"))
        for end, address in ((CLIENT, CLIENT_ADDRESS), (SERVER, SERVER_ADDRESS)):
            device, namespace = f"ftp{end}", self.namespaces[end]
            call("ip", "link", "set", device, "netns", namespace)
            self.ip(end, "address", "add", f"{address}/32", "dev", device)
            self.ip(end, "link", "set", device, "up")
            # 127.0.0.1 over a device that is not the loopback.
            permitted("ip", "netns", "exec", namespace, "sh", "-c",
                      f"echo 1 > /proc/sys/net/ipv4/conf/{device}/route_localnet")
        # The client's loopback stays down, or 127.0.0.1 would be itself.
        self.ip(CLIENT, "route", "add", ADDRESS, "dev", "ftp0", "src", CLIENT_ADDRESS)
        self.ip(SERVER, "link", "set", "lo", "up")
        self.ip(SERVER, "route", "add", CLIENT_ADDRESS, "dev", "ftp1")
        self.is_up = True
        carrier = threading.Thread(target=self.carry)
        carrier.start()
        stack.callback(carrier.join)
        stack.callback(setattr, self, "is_up", False)

    @staticmethod
    def device(stack, name):
        try:
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            stack.callback(os.close, device)
            fcntl.ioctl(device, TUNSETIFF,
                        struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        except OSError as error:
            raise NotPermitted(f"no TUN device: {error}") from error
        return device

    def ip(self, end, *arguments):
        call("ip", "-n", self.namespaces[end], *arguments)

    @contextlib.contextmanager
    def at(self, end):
        """What the calling thread does and starts meanwhile is at that end."""
        with open("/proc/thread-self/ns/net", "rb") as before, \
                open(f"/run/netns/{self.namespaces[end]}", "rb") as there:
            enter(there)
            try:
                yield
            finally:
                enter(before)

    def carry(self):
        """Until the line is taken down."""
        while self.is_up:
            due = self.under_way[0][0] if self.under_way else time.monotonic() + ROUND_TRIP
            ready, _, _ = select.select(self.devices, [], [], max(due - time.monotonic(), 0))
            for device in ready:
                self.sent(self.devices.index(device), os.read(device, 65536))
            while self.under_way and self.under_way[0][0] <= time.monotonic():
                _, *what = self.under_way.popleft()
                self.arrived(*what)

    def sent(self, by, packet):
        if not (found := tcp(packet)):
            return  # IPv6's own talk
        ports, flags, payload = found
        port = ports[by]
        with self.lock:
            if by == CLIENT and flags & (SYN | ACK) == SYN:
                self.connections[port] = Connection(self.session)
                if not self.session:
                    self.watched.append(self.connections[port])
            connection = self.connections[port]
            number = connection.clocks[by] + 1
            if by == SERVER:
                connection.said += payload
        self.under_way.append((time.monotonic() + ROUND_TRIP / 2, by, connection, number, packet))

    def arrived(self, sender, connection, number, packet):
        receiver = 1 - sender
        with self.lock:
            if receiver == SERVER and connection in self.watched:
                # What it logged until now, it did before it knew of this packet.
                self.look(connection)
            if receiver == CLIENT and connection.session:
                connection.session.look()
            connection.clocks[receiver] = max(connection.clocks[receiver], number)
        os.write(self.devices[receiver], packet)

    def watch(self, log, looked_for):
        """Looks in a server's log for what it writes from now on: a name for each line."""
        with self.lock:
            self.watched, self.session = [], None
            self.log, self.read, self.looked_for = log, log.stat().st_size, looked_for

    def look(self, connection):
        if self.log.stat().st_size == self.read:
            return
        new = whole_lines(self.log, self.read)
        self.read += len(new)
        for name, words in self.looked_for.items():
            if words in new:
                connection.marks.setdefault(name, connection.clocks[SERVER] + 1)

    @contextlib.contextmanager
    def followed(self, output, sign):
        """The session of the client that runs meanwhile, and writes `output`."""
        with self.lock:
            self.watched = []
            self.session = session = Session(output, sign)
        yield session
        with self.lock:
            session.look()
            self.session = None
        time.sleep(2 * ROUND_TRIP)  # its last packets are under way

    def watched_one(self, name):
        """The one connection for which the log had `name`."""
        end = time.monotonic() + PATIENCE
        while not (found := [one for one in self.watched if name in one.marks]):
            if time.monotonic() > end:
                break
            time.sleep(ROUND_TRIP)  # the connection's last packets are under way
        time.sleep(2 * ROUND_TRIP)
        if len(found) != 1:
            raise Failure(f"{len(found)} connections came to be {name}:\n{self.log.read_text()}")
        return found[0]


def whole_lines(file, begin):
    """What is in a file after so many bytes, without a line that has no end yet."""
    with file.open("rb") as log:
        log.seek(begin)
        new = log.read()
    return new[:new.rfind(b"\n") + 1]


def tcp(packet):
    """Source and destination port, flags and payload of a packet of TCP over IPv4."""
    if packet[0] >> 4 != 4 or packet[9] != TCP:
        return None
    header = (packet[0] & 15) * 4
    ports = struct.unpack_from("!HH", packet, header)
    payload = header + (packet[header + 12] >> 4) * 4
    return ports, packet[header + 13], packet[payload:]


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise NotPermitted(f"setns: {os.strerror(ctypes.get_errno())}")


def permitted(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        raise NotPermitted(f"`{' '.join(command)}`: {done.stdout.strip()}")
