"""Invitations: codes that let people into one team channel, whether or not they are in the team."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from webapp.core import ids
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits
from webapp.domain.permissions import Actor, Permission
from webapp.models.invitation import Invitation
from webapp.models.room import Room
from webapp.repositories import invitations, members, teams
from webapp.repositories import rooms as room_rows
from webapp.schemas.base import Ok
from webapp.schemas.rooms import CreateInvitation, InvitationPreview, InvitationView, RevokeInvitation, RoomView
from webapp.services import access, membership, rooms
from webapp.services.unit_of_work import reading, unit_of_work


def create(actor: Actor, room_id: UUID, body: CreateInvitation) -> InvitationView:
    """The owner of a channel may give out codes for it, a bounded number at a time."""
    with unit_of_work() as uow:
        seen = access.access_room_to_change(uow, actor, room_id, Permission.invitation_create)
        rooms.refuse_archived(seen.room)
        if invitations.count_live(room_id, uow.now) >= limits.INVITATIONS_PER_ROOM:
            raise AppError(ErrorCode.limit_reached, {"limit": limits.INVITATIONS_PER_ROOM})
        invitation = Invitation(
            code=ids.invitation_code(),
            room_id=room_id,
            created_by=seen.member.member_id,
            created_at=uow.now,
            expires_at=uow.now + timedelta(hours=body.expires_hours),
            max_uses=body.max_uses,
            use_count=0,
        )
        return _shown(invitations.add(invitation))


def revoke(actor: Actor, room_id: UUID, query: RevokeInvitation) -> Ok:
    """The owner may take a code back; from then on it is unknown."""
    with unit_of_work() as uow:
        access.access_room_to_change(uow, actor, room_id, Permission.invitation_create)
        invitation = _known(query.code)
        if invitation.room_id != room_id:
            raise AppError(ErrorCode.invitation_not_found)
        invitation.revoked_at = uow.now
        return Ok()


def preview(actor: Actor, code: str) -> InvitationPreview:  # noqa: ARG001 - for people with an account only
    """Who holds a good code may know what it opens."""
    with reading() as now:
        invitation = _known(code)
        room = _open_room(room_rows.find(invitation.room_id))
        _refuse_spent(invitation, now)
        team = None if room.team_id is None else teams.find(room.team_id)
        return InvitationPreview(
            room_name=room.room_name,
            description=room.description,
            team_name="" if team is None else team.team_name,
            expires_at=invitation.expires_at,
        )


def accept(actor: Actor, code: str) -> RoomView:
    """A code lets in as many people as it says, however many come at once; for a present member it isn't used."""
    with unit_of_work() as uow:
        room_id = _known(code).room_id
        if members.find_active(room_id, actor.user_id) is None:
            membership.raise_rooms_rev(uow, actor.user_id)
            room = _open_room(uow.lock_room(room_id))
            invitation = _known(code)
            if members.find_active(room_id, actor.user_id) is None:
                _refuse_spent(invitation, uow.now)
                rooms.refuse_archived(room)
                invitation.use_count += 1
                membership.enter(uow, room, actor.user_id)
        return rooms.view(access.access_room(actor, room_id))


def _known(code: str) -> Invitation:
    """A code that was given out and not taken back, in whatever case it was typed."""
    typed = code.strip().upper()
    invitation = invitations.find(typed) if set(typed) <= set(ids.CODE_ALPHABET) else None
    if invitation is None or invitation.revoked_at is not None:
        raise AppError(ErrorCode.invitation_not_found)
    return invitation


def _open_room(room: Room | None) -> Room:
    if room is None or not room.is_active:
        raise AppError(ErrorCode.invitation_not_found)
    return room


def _refuse_spent(invitation: Invitation, now: datetime) -> None:
    if invitation.expires_at <= now or invitation.use_count >= invitation.max_uses:
        raise AppError(ErrorCode.invitation_spent)


def _shown(invitation: Invitation) -> InvitationView:
    return InvitationView(
        code=invitation.code,
        room_id=invitation.room_id,
        expires_at=invitation.expires_at,
        max_uses=invitation.max_uses,
        use_count=invitation.use_count,
    )
