"""The socket engine behind a real gunicorn, met by rude, slow, silent and many clients."""

from __future__ import annotations

import http.client
import select
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.realtime.echo_server import Server, eventually
from tests.realtime.raw_client import BINARY, CLOSE, CONTINUATION, HANDSHAKE, PING, PONG, TEXT, masked
from webapp.realtime.frames import Reader, frame

MEGABYTE = 1024 * 1024
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"), hasty=False)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with a ping every half second, two seconds of patience and two to say goodbye."""
    started = Server(tmp_path_factory.mktemp("hasty"), hasty=True)
    yield started
    started.stop()


def numbers(payloads: list[bytes]) -> list[int]:
    """The numbers of the application's numbered frames, each checked to be whole."""
    for payload in payloads:
        assert payload.rstrip(b"x")[-1:] == b":"
        assert len(payload) == len(payloads[0])
    return [int(payload.partition(b":")[0]) for payload in payloads]


# --- conversation


def test_messages_come_back_whole_and_in_order(server: Server) -> None:
    texts = ["", "안녕하세요 👋", "a" * 125, "b" * 126, "c" * 65535, "d" * 65536, *map(str, range(500))]
    with server.connect() as client:
        for text in texts:
            client.send(text)
        assert [client.recv(10) for _ in texts] == texts
        assert not client.protocol.extensions, "compression must never be agreed on"


def test_fragments_with_control_frames_between_them_make_one_message(server: Server) -> None:
    text = "한글 조각".encode()
    with server.raw() as client:
        client.send(TEXT, text[:1], fin=False)
        client.send(PING, b"between")
        for byte in text[1:]:
            client.send(CONTINUATION, bytes((byte,)), fin=False)
        client.send(PONG)
        client.send(CONTINUATION)
        assert client.receive() == (PONG, b"between")
        assert client.receive() == (TEXT, text)


def test_a_frame_sent_along_with_the_handshake_is_answered(server: Server) -> None:
    with server.raw(first=masked(PING, b"early") + masked(TEXT, b"bird")) as client:
        assert [client.receive(), client.receive()] == [(PONG, b"early"), (TEXT, b"bird")]


def test_a_receive_with_a_timeout_returns_nothing_and_the_handler_may_end_the_talk(server: Server) -> None:
    with server.raw("/brief") as client:
        assert client.receive() == (TEXT, b"None")
        farewell = client.receive()
        assert farewell
        assert farewell.code == 1000
        client.send(CLOSE, farewell.payload)
        assert client.receive() is None, "no HTTP response may follow the close frame"


# --- refusals

MALFORMED = {
    "unmasked": (b"\x81\x02hi", 1002),
    "reserved bit": (masked(TEXT, b"hi", rsv=4), 1002),
    "reserved data opcode": (masked(3, b"hi"), 1002),
    "reserved control opcode": (masked(11), 1002),
    "fragmented ping": (masked(PING, fin=False), 1002),
    "long ping": (masked(PING, bytes(126)), 1002),
    "continuation of nothing": (masked(CONTINUATION, b"hi"), 1002),
    "new message inside another": (masked(TEXT, b"a", fin=False) + masked(TEXT, b"b"), 1002),
    "close inside a message": (masked(TEXT, b"a", fin=False) + masked(CLOSE), 1002),
    "close of one byte": (masked(CLOSE, b"\x03"), 1002),
    "close with a code for no wire": (masked(CLOSE, (1005).to_bytes(2)), 1002),
    "close with a code of nobody": (masked(CLOSE, (999).to_bytes(2)), 1002),
    "close whose reason is no text": (masked(CLOSE, b"\x03\xe8\xff"), 1007),
    "text that is no UTF-8": (masked(TEXT, b"\xff\xfe"), 1007),
    "text that ends within a letter": (masked(TEXT, "한".encode()[:2]), 1007),
    "fragments that are no UTF-8": (masked(TEXT, b"\xed", fin=False) + masked(CONTINUATION, b"\xff"), 1007),
    "surrogates": (masked(TEXT, b"\xed\xa0\x80"), 1007),
    "binary": (masked(BINARY, b"hi"), 1003),
    "binary fragment": (masked(BINARY, b"hi", fin=False), 1003),
    "a byte too much": (masked(TEXT, bytes(65537)), 1009),
    "a megabyte": (masked(TEXT, bytes(MEGABYTE)), 1009),
    "a length of 2⁶³": (b"\x81\xff" + b"\xff" * 8, 1009),
    "fragments that are too much": (masked(TEXT, bytes(40000), fin=False) + masked(CONTINUATION, bytes(40000)), 1009),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_every_malformed_frame_is_answered_by_its_close_code(server: Server, case: str) -> None:
    sent, code = MALFORMED[case]
    with server.raw() as client:
        client.tcp.sendall(masked(TEXT, b"before") + sent)
        client.tcp.shutdown(socket.SHUT_WR)
        before, farewell = client.rest()
    assert before == (TEXT, b"before")
    assert (farewell.opcode, farewell.code) == (CLOSE, code)


@pytest.mark.parametrize("payload", [b"", (1000).to_bytes(2), (1001).to_bytes(2) + b"bye", (4999).to_bytes(2)])
def test_a_close_frame_is_echoed_and_the_connection_ended_by_the_server(server: Server, payload: bytes) -> None:
    name = f"echo-{payload.hex()}"
    with server.raw(f"/echo?name={name}") as client:
        client.send(CLOSE, payload)
        assert client.rest() == [(CLOSE, payload)]
    told = eventually(lambda: server.ask("/ended").get(name))
    assert told == [int.from_bytes(payload[:2]) or 1005, payload[2:].decode()]


@pytest.mark.parametrize(
    "change",
    [
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": "!" * 24},
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Version": None},
        {"Upgrade": "h2c"},
        {"Connection": "keep-alive"},
        {"Content-Length": "5"},
    ],
    ids=str,
)
def test_a_bad_handshake_is_a_400(server: Server, change: dict[str, str | None]) -> None:
    asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {name: value for name, value in {**HANDSHAKE, **change}.items() if value is not None}
    asked.request("GET", "/echo", headers=headers, body=b"hello" if "Content-Length" in headers else None)
    assert asked.getresponse().status == 400
    asked.close()


FRAMES = st.builds(
    masked, st.integers(0, 15), st.binary(max_size=140), fin=st.booleans(), rsv=st.sampled_from([0, 0, 0, 1])
)
LEGAL = {1000, 1001, 1002, 1003, 1005, *range(1007, 1015), *range(3000, 5000)}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(st.one_of(st.binary(max_size=60), FRAMES), max_size=8).map(b"".join))
def test_noise_is_answered_by_legal_frames_only_and_harms_nobody(server: Server, noise: bytes) -> None:
    with server.raw() as client:
        client.tcp.sendall(noise)
        client.tcp.shutdown(socket.SHUT_WR)
        answers = client.rest()
    assert {answer.opcode for answer in answers} <= {TEXT, PONG, CLOSE}
    assert CLOSE not in {answer.opcode for answer in answers[:-1]}
    assert all(answer.code in LEGAL for answer in answers if answer.opcode == CLOSE)
    with server.raw() as another:
        another.send(TEXT, b"still there?")
        assert another.receive() == (TEXT, b"still there?")


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_how_the_bytes_were_cut_changes_nothing(noise: bytes, cuts: list[int]) -> None:
    at_once, bit_by_bit = Reader(200), Reader(200)
    pongs = at_once.feed(noise)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), 300], strict=True):
        if not bit_by_bit.goodbye and (piece := noise[start:end]):
            bit_by_bit.feed(piece)
    assert bit_by_bit.messages == at_once.messages
    if at_once.goodbye:
        assert bit_by_bit.goodbye
        assert bit_by_bit.goodbye.code == at_once.goodbye.code
        assert not pongs


# --- pressure


def test_a_slow_reader_gets_whole_frames_and_then_4008_and_delays_nobody(server: Server) -> None:
    with server.raw("/echo?name=slow", window=16384) as slow, server.raw() as brisk:
        taken = server.ask("/burst?name=slow&count=300&size=40000")
        assert 0 < taken < 300, "a client that reads nothing must not be sent everything"
        for _ in range(100):
            asked = time.monotonic()
            brisk.send(TEXT, b"quick")
            assert brisk.receive() == (TEXT, b"quick")
            assert time.monotonic() - asked < 2
        *frames, farewell = slow.rest()
    got = numbers([each.payload for each in frames])
    assert got == list(range(len(got)))
    assert (farewell.opcode, farewell.code) == (CLOSE, 4008)
    assert eventually(lambda: server.ask("/ended").get("slow")) == [4008, "slow consumer"]


def test_a_slow_reader_that_never_reads_is_cut(hasty: Server) -> None:
    with hasty.raw("/echo?name=stuck", window=16384) as stuck:
        hasty.ask("/burst?name=stuck&count=300&size=40000")
        assert eventually(lambda: hasty.ask("/ended").get("stuck")) == [4008, "slow consumer"]
        select_for(stuck.tcp, select.POLLHUP)
        frames = stuck.rest()
    assert numbers([each.payload for each in frames]) == list(range(len(frames)))


def test_droppable_frames_give_way_and_others_do_not(server: Server) -> None:
    with server.raw("/echo?name=full", window=16384) as full:
        first = 0
        while server.ask(f"/burst?name=full&count=1&size=4000&first={first}&droppable=1"):
            first += 1
        assert server.ask("/burst?name=full&count=5&size=4000&first=100000") == 5
        assert server.ask(f"/burst?name=full&count=5&size=4000&first={first}&droppable=1") == 0
        received = numbers([full.receive().payload for _ in range(first + 5)])  # type: ignore[union-attr]
        assert received == [*range(first), *range(100000, 100005)]
        full.send(TEXT, b"and on")
        assert full.receive() == (TEXT, b"and on")


def test_a_large_reply_reaches_a_slow_but_reading_client_whole(hasty: Server) -> None:
    with hasty.raw("/echo?name=patient", window=16384) as patient:
        patient.send(TEXT, b"reply 1600")
        patient.send(TEXT, b"next")
        payloads, started = [], time.monotonic()
        for number in range(1600):
            answer = patient.receive()
            assert answer
            payloads.append(answer.payload)
            # Longer than the server's patience with silence: reading must count as a sign of life.
            time.sleep(max(0.0, started + number * 4 / 1600 - time.monotonic()))
        assert numbers(payloads) == list(range(1600))
        assert patient.receive() == (TEXT, b"next")


def test_a_client_that_does_not_read_its_answers_is_not_given_more(server: Server) -> None:
    with server.raw("/echo?name=greedy") as greedy, server.raw() as other:
        for _ in range(30):
            greedy.send(TEXT, b"reply 100")
        eventually(lambda: server.ask("/answered?name=greedy"))
        for _ in range(20):
            other.send(TEXT, b"meanwhile")
            assert other.receive() == (TEXT, b"meanwhile")
        assert server.ask("/answered?name=greedy") < 20
        answers = [greedy.receive() for _ in range(3000)]
        assert numbers([answer.payload for answer in answers if answer]) == [*range(100)] * 30


def test_a_flood_is_stopped_by_tcp_while_the_handler_is_busy(server: Server) -> None:
    flood = masked(TEXT, b"x" * 60000)
    with server.raw("/deaf?name=deaf") as client:
        accepted = 0
        while accepted < 64 * MEGABYTE and select.select([], [client.tcp], [], 0.5)[1]:
            accepted += client.tcp.send(flood[accepted % len(flood) :], socket.MSG_DONTWAIT)
        assert accepted < 32 * MEGABYTE
        server.ask("/hear?name=deaf")
        assert client.receive() == (TEXT, b"x" * 60000)


# --- the end


def select_for(tcp: socket.socket, event: int) -> None:
    """Wait until the system reports this on the connection, without reading from it."""
    waiting = select.poll()
    waiting.register(tcp, event)
    assert waiting.poll(10_000), "the connection was never cut"


def test_close_wakes_a_blocked_receive_though_the_peer_never_answers(hasty: Server) -> None:
    with hasty.raw("/echo?name=mute") as mute:
        eventually(lambda: hasty.ask("/open"))
        hasty.ask("/close?name=mute&code=4403&reason=suspended")
        assert eventually(lambda: hasty.ask("/ended").get("mute"), seconds=1.5) == [4403, "suspended"]
        assert mute.receive() == (CLOSE, (4403).to_bytes(2) + b"suspended")
        select_for(mute.tcp, select.POLLHUP)


def test_frames_sent_before_a_close_arrive_before_it(server: Server) -> None:
    with server.raw("/echo?name=last", window=16384) as last:
        server.ask("/burst?name=last&count=30&size=8000")
        server.ask(f"/close?name=last&code=4401&reason={'r' * 200}")
        *frames, farewell = last.rest()
    assert numbers([each.payload for each in frames]) == list(range(30))
    assert farewell == (CLOSE, (4401).to_bytes(2) + b"r" * 123)


def test_a_drain_closes_everyone_with_1012(server: Server) -> None:
    clients = [server.raw() for _ in range(300)]
    eventually(lambda: server.ask("/open") >= 300)
    server.ask("/close")
    assert server.ask("/open") == 0
    for client in clients:
        assert [each.code for each in client.rest()] == [1012]
        client.tcp.close()


def test_a_half_open_peer_is_cut_and_one_that_answers_pings_stays(hasty: Server) -> None:
    with hasty.connect() as lively, hasty.raw("/echo?name=gone") as gone:
        frames = gone.rest()
        assert frames
        assert set(frames) == {(PING, b"")}
        assert eventually(lambda: hasty.ask("/ended").get("gone")) == [1006, ""]
        lively.send("still here")
        assert lively.recv(5) == "still here"


def test_a_peer_that_vanishes_ends_its_handler(server: Server) -> None:
    with server.raw("/echo?name=vanished") as client:
        client.tcp.sendall(masked(TEXT, b"half a frame")[:5])
    assert eventually(lambda: server.ask("/ended").get("vanished")) == [1006, ""]


def test_a_client_that_closes_properly_sees_a_clean_end(server: Server) -> None:
    with server.connect("/echo?name=proper") as client:
        client.close(1001, "moving on")
        with pytest.raises(ConnectionClosed) as caught:
            client.recv()
    assert caught.value.rcvd
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1001, "moving on")
    assert eventually(lambda: server.ask("/ended").get("proper")) == [1001, "moving on"]


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_a_frame_says_its_length_as_the_standard_has_it(length: int) -> None:
    head = {0: "8100", 125: "817d", 126: "817e007e", 65535: "817effff", 65536: "817f0000000000010000"}
    assert frame(b"x" * length) == bytes.fromhex(head[length]) + b"x" * length
