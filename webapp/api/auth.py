"""Signing up, in and out."""

from __future__ import annotations

from flask import request

from webapp.domain.permissions import Actor
from webapp.schemas.accounts import Login, Logout, Refresh, Register, ResetPassword, TokensView
from webapp.schemas.base import Ok
from webapp.services import accounts, auth


def register(body: Register) -> TokensView:
    """Make an account and sign in."""
    return auth.register(body, request.user_agent.string)


def login(body: Login) -> TokensView:
    """Sign in by username and password."""
    return auth.login(body, request.user_agent.string)


def refresh(body: Refresh) -> TokensView:
    """Get new tokens for a refresh token, once."""
    return auth.refresh(body)


def logout(actor: Actor, body: Logout) -> Ok:
    """End this session, or all."""
    return auth.logout(actor, body)


def reset_password(body: ResetPassword) -> Ok:
    """Set a new password by a one-time code."""
    return accounts.reset_password(body)
