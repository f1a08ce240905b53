"""The numbers that clients meet, as one view."""

from __future__ import annotations

from webapp.domain import limits
from webapp.schemas.sync import LimitsView


def limits_view() -> LimitsView:
    """Everything that GET /chats/limits and `hello` tell."""
    return LimitsView(
        content_length=limits.CONTENT_LENGTH,
        display_name_length=limits.DISPLAY_NAME_LENGTH,
        room_name_length=limits.ROOM_NAME_LENGTH,
        edit_window_seconds=int(limits.EDIT_WINDOW.total_seconds()),
        distinct_reactions=limits.DISTINCT_REACTIONS,
        pins=limits.PINS,
        mentions=limits.MENTIONS,
        slow_mode_seconds=limits.SLOW_MODE_SECONDS,
        poll_options=limits.POLL_OPTIONS,
        room_members=limits.ROOM_MEMBERS,
        invitation_hours=_span(*limits.INVITATION_HOURS),
        invitation_uses={"least": limits.INVITATION_USES[0], "most": limits.INVITATION_USES[1]},
        page=limits.PAGE,
        page_maximum=limits.PAGE_MAXIMUM,
        changes_per_room=limits.CHANGES_PER_ROOM,
        sync_rooms=limits.SYNC_ROOMS,
        sync_changes=limits.SYNC_CHANGES,
        frame_bytes=limits.FRAME_BYTES,
        body_bytes=limits.BODY_BYTES,
        frames_per_minute=limits.FRAMES_PER_MINUTE,
        sockets_per_user=limits.SOCKETS_PER_USER,
        typing_throttle_ms=int(limits.TYPING_THROTTLE.total_seconds() * 1000),
        typing_shown_ms=int(limits.TYPING_SHOWN.total_seconds() * 1000),
        rates_per_minute=dict(limits.RATES),
    )


def _span(least: int, default: int, most: int) -> dict[str, int]:
    return {"least": least, "default": default, "most": most}
