"""Two accounts talk to each other through a running server: python -m tests.smoke.two_clients http://127.0.0.1:8000"""

from __future__ import annotations

import json
import secrets
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import ClientConnection, connect

JSON = dict[str, Any]
WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Conversation:
    """What was said, and a token with which it can be read."""

    token: str
    room_id: str
    contents: list[str]


def call(base: str, method: str, path: str, body: JSON | None = None, token: str = "") -> JSON:
    """One REST call; anything but success raises."""
    request = urllib.request.Request(f"{base}/api/v1{path}", method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, json.dumps(body).encode() if body is not None else None, 10) as response:
        answer: JSON = json.load(response)
        return answer


def register(base: str, display_name: str) -> JSON:
    """A new account, as `POST /auth/register` answers it."""
    body = {
        "username": f"smoke_{secrets.token_hex(6)}",
        "password": secrets.token_urlsafe(16),
        "display_name": display_name,
    }
    return call(base, "POST", "/auth/register", body)


class Client:
    """A socket that keeps what it received."""

    def __init__(self, base: str, query: str) -> None:
        self.socket: ClientConnection = connect(f"ws{base[4:]}/api/v1/chats/ws?{query}", proxy=None)
        self.received: list[JSON] = []
        self.wait_for(lambda frame: frame.get("type") == "hello")

    def wait_for(self, wanted: Callable[[JSON], bool]) -> JSON:
        """The first frame, received already or to come, that is wanted."""
        for earlier in self.received:
            if wanted(earlier):
                return earlier
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            frame: JSON = json.loads(self.socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            self.received.append(frame)
            if wanted(frame):
                return frame

    def send(self, room_id: str, content: str) -> None:
        """Send a message and see it acknowledged."""
        number = len(self.received) + 1
        command = {"id": number, "type": "send", "room_id": room_id, "content": content}
        self.socket.send(json.dumps(command | {"client_message_id": str(uuid.uuid4())}))
        answer = self.wait_for(lambda frame: frame.get("id") == number)
        assert answer["ok"], answer
        assert answer["data"]["message"]["content"] == content, answer

    def sees(self, content: str) -> None:
        """Wait until a message with this content arrives as an event."""
        self.wait_for(lambda frame: frame.get("type") == "message" and frame["data"]["message"]["content"] == content)


def converse(base: str) -> Conversation:
    """Both directions, by socket and by REST; delivered, counted by a worker, and in the history."""
    minji, jun = register(base, "민지"), register(base, "Jun")
    token, other_token = minji["access_token"], jun["access_token"]
    room_id = call(base, "POST", "/chats/rooms/direct", {"user_id": jun["user"]["user_id"]}, token)["room_id"]
    ticket = call(base, "POST", "/chats/ws-ticket", {}, token)["ticket"]
    contents = ["안녕 준아, 과제 다 했어?", "Almost — 내일 보여 줄게 🙂", "좋아, 도서관에서 보자"]

    first, second = Client(base, f"ticket={ticket}"), Client(base, f"token={other_token}")
    with first.socket, second.socket:
        first.send(room_id, contents[0])
        second.sees(contents[0])
        second.send(room_id, contents[1])
        first.sees(contents[1])
        call(base, "POST", f"/chats/rooms/{room_id}/messages", {"content": contents[2]}, token)
        first.sees(contents[2])
        second.sees(contents[2])
        second.wait_for(lambda frame: frame.get("type") == "unread_updated" and frame["data"]["unread_count"] == 2)

    for reader in (token, other_token):
        check_history(base, Conversation(reader, room_id, contents))
    return Conversation(token, room_id, contents)


def check_history(base: str, conversation: Conversation) -> None:
    """The history holds what was said, once and in order."""
    page = call(base, "GET", f"/chats/rooms/{conversation.room_id}/messages", token=conversation.token)
    messages = [message for message in page["messages"] if message["message_type"] != "system"]
    assert [message["content"] for message in messages] == conversation.contents, messages
    numbers = [message["seq"] for message in messages]
    assert numbers == sorted(set(numbers)), numbers


if __name__ == "__main__":
    converse(sys.argv[1])
    print("two clients talked: delivered, counted and kept")
