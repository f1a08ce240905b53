"""Every default number of the product, in one place; served at GET /chats/limits."""

from __future__ import annotations

from datetime import timedelta

CONTENT_LENGTH = 5_000
DISPLAY_NAME_LENGTH = 40
ROOM_NAME_LENGTH = 80
DESCRIPTION_LENGTH = 500
EDIT_WINDOW = timedelta(minutes=15)
DISTINCT_REACTIONS = 50
REACTORS_SHOWN = 50
EMOJI_LENGTH = 64
PINS = 50
MENTIONS = 50
SLOW_MODE_SECONDS = 21_600
POLL_OPTIONS = 20
POLL_TEXT_LENGTH = 200

ROOM_MEMBERS = 5_000
TEAM_MEMBERS_PER_CALL = 100
ROOMS_PER_TEAM = 500
TEAMS_PER_USER = 200
ROOMS_PER_USER = 5_000
BLOCKS_PER_USER = 1_000
SESSIONS_PER_USER = 50

INVITATION_HOURS = (1, 24, 168)
INVITATION_USES = (1, 100)
INVITATIONS_PER_ROOM = 50

PAGE = 50
PAGE_MAXIMUM = 100
CHANGES_PER_ROOM = 300
SYNC_ROOMS = 50
SYNC_CHANGES = 1_000
SYNC_BYTES = 1 << 20
HELLO_ROOMS = 200

FRAME_BYTES = 64 * 1024
BODY_BYTES = 256 * 1024
FRAMES_PER_MINUTE = 120
SOCKETS_PER_USER = 10
PRESENCE_MEMBERS = 100
TYPING_THROTTLE = timedelta(seconds=3)
TYPING_SHOWN = timedelta(seconds=6)
BLIND_READS_TICK = timedelta(seconds=30)
TICKET_SECONDS = 30
HEARTBEAT_MS = 25_000

# Calls a minute, scaled by RATE_LIMIT_FACTOR: per person, or per address for those without one (a campus shares an
# address); `login` is per username.
RATES = {
    "send": 60,
    "read": 100,
    "write": 60,
    "search": 30,
    "ticket": 30,
    "refresh": 60,
    "login": 10,
    "login_address": 60,
    "register": 60,
}
FILES_PER_MESSAGE = 10
