"""The HTTP API: the URL table, and its registration with Flask."""

from __future__ import annotations

from flask import Flask

from webapp.api import (
    accounts,
    blocks,
    docs,
    drafts,
    history,
    invitations,
    members,
    messages,
    polls,
    reactions,
    read_state,
    rooms,
    sync,
    teams,
)
from webapp.api import auth as auth_views
from webapp.api.endpoint import PREFIX, Endpoint

ROOM = "/chats/rooms/<uuid:room_id>"
MEMBER = f"{ROOM}/members/<uuid:member_id>"
MESSAGE = f"{ROOM}/messages/<uuid:message_id>"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/auth/register", auth_views.register, "accounts", (201,), rate="register"),
    Endpoint("POST", "/auth/login", auth_views.login, "accounts", rate="login_address"),
    Endpoint("POST", "/auth/refresh", auth_views.refresh, "accounts", rate="refresh"),
    Endpoint("POST", "/auth/logout", auth_views.logout, "accounts", rate="write"),
    Endpoint("POST", "/auth/reset", auth_views.reset_password, "accounts", rate="login_address"),
    Endpoint("GET", "/me", accounts.me, "accounts", rate="read"),
    Endpoint("PATCH", "/me", accounts.update_me, "accounts", rate="write"),
    Endpoint("PUT", "/me/password", accounts.change_password, "accounts", rate="login"),
    Endpoint("GET", "/me/settings", accounts.settings, "accounts", rate="read"),
    Endpoint("PATCH", "/me/settings", accounts.update_settings, "accounts", rate="write"),
    Endpoint("GET", "/me/sessions", accounts.sessions, "accounts", rate="read"),
    Endpoint("DELETE", "/me/sessions", accounts.end_sessions, "accounts", rate="write"),
    Endpoint("GET", "/me/mentions", history.my_mentions, "messages", rate="read"),
    Endpoint("GET", "/users", accounts.search_users, "accounts", rate="search"),
    Endpoint("GET", "/blocks", blocks.list_blocks, "blocks", rate="read"),
    Endpoint("PUT", "/blocks/<path:user_id>", blocks.block, "blocks", rate="write"),
    Endpoint("DELETE", "/blocks/<path:user_id>", blocks.unblock, "blocks", rate="write"),
    Endpoint("PUT", f"{MEMBER}/block", blocks.block_member, "blocks", rate="write"),
    Endpoint("DELETE", f"{MEMBER}/block", blocks.unblock_member, "blocks", rate="write"),
    Endpoint("GET", "/teams", teams.list_teams, "teams", rate="read"),
    Endpoint("POST", "/teams", teams.create, "teams", (201,), rate="write"),
    Endpoint("GET", "/teams/<uuid:team_id>", teams.get, "teams", rate="read"),
    Endpoint("GET", "/teams/<uuid:team_id>/members", teams.list_members, "teams", rate="read"),
    Endpoint("POST", "/teams/<uuid:team_id>/members", teams.add_members, "teams", rate="write"),
    Endpoint("POST", "/teams/<uuid:team_id>/leave", teams.leave, "teams", rate="write"),
    Endpoint("GET", "/teams/<uuid:team_id>/rooms", teams.list_rooms, "teams", rate="read"),
    Endpoint("GET", "/chats/rooms", rooms.list_rooms, "rooms", rate="read"),
    Endpoint("POST", "/chats/rooms/direct", rooms.open_direct, "rooms", (201, 200), rate="write"),
    Endpoint("POST", "/chats/rooms/team", rooms.create_team_room, "rooms", (201,), rate="write"),
    Endpoint("GET", ROOM, rooms.get, "rooms", rate="read"),
    Endpoint("PATCH", ROOM, rooms.update, "rooms", rate="write"),
    Endpoint("POST", f"{ROOM}/join", rooms.join, "rooms", rate="write"),
    Endpoint("POST", f"{ROOM}/leave", rooms.leave, "rooms", rate="write"),
    Endpoint("PATCH", f"{ROOM}/me", members.update_me, "members", rate="write"),
    Endpoint("GET", f"{ROOM}/members", members.list_members, "members", rate="read"),
    Endpoint("PATCH", MEMBER, members.update, "members", rate="write"),
    Endpoint("DELETE", MEMBER, members.remove, "members", rate="write"),
    Endpoint("POST", f"{ROOM}/owner", members.hand_over, "members", rate="write"),
    Endpoint("POST", f"{ROOM}/invitations", invitations.create, "invitations", (201,), rate="write"),
    Endpoint("DELETE", f"{ROOM}/invitations", invitations.revoke, "invitations", rate="write"),
    Endpoint("GET", "/chats/invitations/<string:code>", invitations.preview, "invitations", rate="read"),
    Endpoint("POST", "/chats/invitations/<string:code>/accept", invitations.accept, "invitations", rate="write"),
    Endpoint("GET", f"{ROOM}/messages", history.page, "messages", rate="read"),
    Endpoint("POST", f"{ROOM}/messages", messages.send, "messages", (201, 200)),
    Endpoint("GET", MESSAGE, messages.get, "messages", rate="read"),
    Endpoint("PATCH", MESSAGE, messages.edit, "messages", rate="write"),
    Endpoint("DELETE", MESSAGE, messages.delete, "messages", rate="write"),
    Endpoint("POST", f"{MESSAGE}/forward", messages.forward, "messages", (201, 200)),
    Endpoint("PUT", f"{MESSAGE}/pin", messages.pin, "messages", rate="write"),
    Endpoint("DELETE", f"{MESSAGE}/pin", messages.unpin, "messages", rate="write"),
    Endpoint("GET", f"{ROOM}/pins", history.pins, "messages", rate="read"),
    Endpoint("GET", f"{MESSAGE}/thread", history.thread, "threads", rate="read"),
    Endpoint("POST", f"{MESSAGE}/thread/read", read_state.read_thread, "threads", rate="write"),
    Endpoint("PUT", f"{MESSAGE}/reactions/<path:emoji>", reactions.add, "reactions", rate="write"),
    Endpoint("DELETE", f"{MESSAGE}/reactions/<path:emoji>", reactions.remove, "reactions", rate="write"),
    Endpoint("GET", f"{MESSAGE}/reactions", reactions.list_reactors, "reactions", rate="read"),
    Endpoint("POST", f"{ROOM}/polls", polls.create, "polls", (201, 200)),
    Endpoint("PUT", f"{ROOM}/polls/<uuid:message_id>/votes", polls.vote, "polls", rate="write"),
    Endpoint("GET", f"{ROOM}/draft", drafts.get, "drafts", rate="read"),
    Endpoint("PUT", f"{ROOM}/draft", drafts.save, "drafts", rate="write"),
    Endpoint("GET", f"{ROOM}/changes", sync.changes, "sync", rate="read"),
    Endpoint("POST", f"{ROOM}/read", read_state.read, "read state", rate="read"),
    Endpoint("POST", f"{ROOM}/unread", read_state.unread, "read state", rate="write"),
    Endpoint("GET", "/chats/unread-count", read_state.total, "read state", rate="read"),
    Endpoint("GET", f"{MESSAGE}/readers", read_state.readers, "read state", rate="read"),
    Endpoint("POST", "/chats/ws-ticket", sync.ticket, "sync", rate="ticket"),
    Endpoint("GET", "/chats/limits", sync.limits, "sync", private=False),
    Endpoint("GET", "/openapi.json", docs.openapi, "docs", private=False),
    Endpoint("GET", "/events.json", docs.events, "docs", private=False),
    Endpoint("GET", "/docs", docs.page, "docs", private=False),
)


def register(app: Flask) -> None:
    """Give every row of the table its URL."""
    for endpoint in ENDPOINTS:
        app.add_url_rule(PREFIX + endpoint.path, endpoint.name, endpoint, methods=[endpoint.method])
