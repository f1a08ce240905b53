"""One's own account, and finding people."""

from __future__ import annotations

from webapp.domain.permissions import Actor
from webapp.schemas.accounts import (
    ChangePassword,
    EndSessions,
    MeView,
    SessionList,
    SettingsView,
    UpdateMe,
    UpdateSettings,
    UserPage,
    UsersQuery,
)
from webapp.schemas.base import Ok, Page
from webapp.services import accounts


def me(actor: Actor) -> MeView:
    """Read one's profile."""
    return accounts.me(actor)


def update_me(actor: Actor, body: UpdateMe) -> MeView:
    """Change one's profile."""
    return accounts.update_me(actor, body)


def change_password(actor: Actor, body: ChangePassword) -> Ok:
    """Set another password; all other sessions end."""
    return accounts.change_password(actor, body)


def settings(actor: Actor) -> SettingsView:
    """Read one's language and privacy switches."""
    return accounts.settings(actor)


def update_settings(actor: Actor, body: UpdateSettings) -> SettingsView:
    """Change one's language and privacy switches."""
    return accounts.update_settings(actor, body)


def sessions(actor: Actor, query: Page) -> SessionList:
    """See where one is signed in."""
    return accounts.list_sessions(actor, query)


def end_sessions(actor: Actor, query: EndSessions) -> Ok:
    """End one session, or all others."""
    return accounts.end_sessions(actor, query)


def search_users(actor: Actor, query: UsersQuery) -> UserPage:
    """Find people."""
    return accounts.search_users(actor, query)
