"""Tasks by name, after commit: rooms marked dirty become one task per consumer and tenth of a second.

What the broker doesn't take stays marked. A mark is lost with its process; the sweep that beat runs finds the room by
its cursor.
"""

from __future__ import annotations

import logging
import threading
from uuid import UUID

from kombu.exceptions import OperationalError

from webapp.core.extensions import celery

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.1
RETRY_SECONDS = 1.0
ROOMS_PER_TASK = 200
ROOM_TASKS = ("workers.unread.advance",)


def send(name: str, *args: object) -> bool:
    """Queue a task now; False when the broker is away (a sweep makes up for it)."""
    try:
        celery.send_task(name, args=args, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("task was not queued", extra={"task": name, "error": type(error).__name__})
        return False
    return True


class DirtyRooms:
    """The rooms of this process that have moved since their consumers were last told."""

    def __init__(self) -> None:
        self._rooms: set[UUID] = set()
        self._marked = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def mark(self, room_id: UUID) -> None:
        """Tell the consumers of this room soon; costs a set insertion."""
        self._rooms.add(room_id)
        self._marked.set()
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="dirty-rooms", daemon=True)
                    self._thread.start()

    def flush(self) -> bool:
        """Queue tasks for what is marked now; False when the broker is away, and the rest stays marked."""
        taken, self._rooms = self._rooms, set()
        rooms = list(taken)
        for start in range(0, len(rooms), ROOMS_PER_TASK):
            ids = [str(room_id) for room_id in rooms[start : start + ROOMS_PER_TASK]]
            if not all(send(name, ids) for name in ROOM_TASKS):
                self._rooms.update(rooms[start:])
                return False
        return True

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._marked.wait()
            pause.wait(COALESCE_SECONDS)
            self._marked.clear()
            if not self.flush():
                pause.wait(RETRY_SECONDS)
                self._marked.set()


dirty_rooms = DirtyRooms()
