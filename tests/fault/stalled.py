#!/usr/bin/python3
"""Peers that stall, as a process of its own: stalled.py PORT COUNT CA [STAY]. Keeps COUNT connections in five styles, makes a new
one when the server ends one (of a half-open one, which nobody sees end: STAY seconds later, 30 when it is not given), prints "ready" when all are there, ends with its standard input.

Styles: no ClientHello; half a handshake; a byte of a frame every 10 s; never reads what it asks for; half-open (gone without a
FIN; where the kernel does not let us, it goes silent after Hello instead).
"""
import collections
import select
import socket
import ssl
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import service  # noqa: E402  (the path comes first)

TCP_REPAIR = 19
HALF_A_HELLO = bytes([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
WAIT_S = 0.02
DRIP_S = 10


def connect(port: int) -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", port), 60)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return raw


def silent(port, _context):
    return connect(port)


def half_a_handshake(port, _context):
    raw = connect(port)
    raw.sendall(HALF_A_HELLO)
    return raw


def drip(port, context):
    stream = service.greet(port, context)
    stream.sendall(service.PING_1[:1])
    return stream


def never_read(port, context):
    stream = service.greet(port, context)
    stream.setblocking(False)
    try:
        for _ in range(200):
            stream.sendall(service.PING_1 * 20)
    except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
        pass
    return stream


def half_open(port, context):
    stream = service.greet(port, context)
    try:
        stream.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        stream.close()  # the server's side stays, and nobody is there
        return None
    except OSError:
        return stream


STYLES = (silent, half_a_handshake, drip, never_read, half_open)


class Crowd:
    """Costs nothing while nothing happens: what is measured beside it has the machine for itself."""

    def __init__(self, port: int, ca: Path, stay_s: float = 30):
        self.port, self.context, self.stay_s = port, service.trust(ca), stay_s
        self.peers: dict = {}
        self.made = 0
        self.ended = select.epoll()
        self.drips: collections.deque = collections.deque()  # (when it is due, its number, itself)
        self.half_open_until: collections.deque = collections.deque()

    def add(self) -> None:
        style = STYLES[self.made % len(STYLES)]
        self.made += 1
        try:
            peer = style(self.port, self.context)
        except (OSError, EOFError):
            return  # the accept budget or the limit: tried again in the next round
        if peer is None:
            self.half_open_until.append(time.monotonic() + self.stay_s)
            return
        self.peers[peer.fileno()] = peer
        self.ended.register(peer.fileno(), select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)
        if style is drip:
            self.drips.append((time.monotonic() + DRIP_S, peer.fileno(), peer))

    def size(self) -> int:
        while self.half_open_until and self.half_open_until[0] <= time.monotonic():
            self.half_open_until.popleft()
        return len(self.peers) + len(self.half_open_until)

    def look(self) -> None:
        """Drops those that the server has ended; feeds those that drip."""
        for number, _ in self.ended.poll(0):
            self.peers.pop(number).close()
        while self.drips and self.drips[0][0] <= time.monotonic():
            due, number, peer = self.drips.popleft()
            if self.peers.get(number) is not peer:
                continue
            try:
                peer.sendall(b"\0")
                self.drips.append((due + DRIP_S, number, peer))
            except OSError:
                self.peers.pop(number).close()


def main() -> None:
    port, count, ca = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    crowd, told = Crowd(port, ca, *map(float, sys.argv[4:5])), False
    while not select.select([sys.stdin], [], [], WAIT_S)[0]:
        crowd.look()
        for _ in range(min(50, count - crowd.size())):
            crowd.add()
        if not told and crowd.size() >= count:
            told = True
            print("ready", flush=True)
    print(crowd.made, flush=True)


if __name__ == "__main__":
    main()
