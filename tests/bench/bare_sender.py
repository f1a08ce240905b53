"""The floor of fan-out in Python: one frame to every connection, round after round, and nothing else.

Takes the payload as the first line of its input and the number of connections as its argument; prints its port. Each
further byte of input allows one round; at the end of the input it prints the CPU seconds that the rounds took. A
program of its own, so that its CPU is not the client's.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

from webapp.realtime.frames import frame


def main(connections: int) -> None:
    """Serve one round of the bench."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 1 << 16)
    whole = frame(line.strip())
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server:
        print(server.getsockname()[1], flush=True)
        peers = [server.accept()[0] for _ in range(connections)]
    for peer in peers:
        peer.setblocking(False)
    cpu = time.process_time()
    while rounds := os.read(0, 64):
        for _ in rounds:
            _fan_out(peers, whole)
    print(time.process_time() - cpu, flush=True)


def _fan_out(peers: list[socket.socket], whole: bytes) -> None:
    for peer in peers:
        try:
            sent = peer.send(whole)
        except BlockingIOError:
            sent = 0
        if sent != len(whole):
            _finish(peer, whole[sent:])


def _finish(peer: socket.socket, rest: bytes) -> None:
    poll = select.poll()
    poll.register(peer, select.POLLOUT)
    while rest:
        poll.poll(10_000)
        rest = rest[peer.send(rest) :]


if __name__ == "__main__":
    main(int(sys.argv[1]))
