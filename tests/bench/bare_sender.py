"""The floor of fan-out in Python: one frame to every connection, over and over, and nothing else.

Takes the payload as a line of its input and the number of connections and seconds as arguments; prints its port, then
what it has sent and the CPU time that took, and ends with its input. A program of its own, so that its CPU is not the
client's.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

from webapp.realtime.frames import frame


def main(connections: int, seconds: float) -> None:
    """Serve one round of the bench."""
    whole = frame(sys.stdin.buffer.readline().strip())
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server:
        print(server.getsockname()[1], flush=True)
        peers = [server.accept()[0] for _ in range(connections)]
    for peer in peers:
        peer.setblocking(False)
    cpu, deadline, rounds = time.process_time(), time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        rounds += 1
        for peer in peers:
            try:
                sent = peer.send(whole)
            except BlockingIOError:
                sent = 0
            if sent != len(whole):
                _finish(peer, whole[sent:])
    used = time.process_time() - cpu
    print(json.dumps({"sent": rounds * connections, "cpu_seconds": used}), flush=True)
    # Until the client has read everything.
    sys.stdin.buffer.read()


def _finish(peer: socket.socket, rest: bytes) -> None:
    poll = select.poll()
    poll.register(peer, select.POLLOUT)
    while rest:
        poll.poll(10_000)
        rest = rest[peer.send(rest) :]


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
