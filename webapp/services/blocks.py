"""Blocks: of a person by their id, or of a label of a blind room without knowing the person.

Nothing that either side can see may depend on a block of a label, except what the blocker sees in their own list and
the messages that they no longer see.
"""

from __future__ import annotations

from uuid import UUID

from webapp.core.errors import AppError, ErrorCode, refused_field
from webapp.core.ids import random_id
from webapp.domain import accounts as rules
from webapp.domain import identity, limits
from webapp.domain.permissions import Actor
from webapp.domain.rooms import direct_key
from webapp.models.block import Block
from webapp.models.member import Member
from webapp.repositories import blocks, members, rooms, users
from webapp.schemas.accounts import BlockPage, BlockView
from webapp.schemas.base import Ok, Page
from webapp.schemas.rooms import ProfileView
from webapp.services import access, accounts
from webapp.services.access import Access
from webapp.services.paging import decode_cursor, encode_cursor, moment
from webapp.services.unit_of_work import UnitOfWork, reading, unit_of_work


def list_blocks(actor: Actor, query: Page) -> BlockPage:
    """Whom one blocks, the newest first: people by profile, labels by room and label."""
    after = None
    if query.cursor is not None:
        created_at, block_id = decode_cursor(query.cursor, moment, UUID)
        after = (created_at, block_id)
    with reading():
        found = blocks.list_page(actor.user_id, after=after, limit=query.limit + 1)
        page = found[: query.limit]
        people = accounts.cards([block.blocked_id for block, member in page if member is None])
        views = [_label(block, member) if member else _person(block, people) for block, member in page]
        last = page[-1][0] if len(found) > query.limit else None
        cursor = encode_cursor(last.created_at, last.block_id) if last else None
    return BlockPage(blocks=views, next_cursor=cursor)


def block(actor: Actor, user_id: str) -> BlockView:
    """Anybody may block anybody else; either of them then gets no message through to the other."""
    with unit_of_work() as uow:
        return _block_person(uow, actor, user_id)


def unblock(actor: Actor, user_id: str) -> Ok:
    """Takes back an open block; a block of a label that may hide the same person stays."""
    with unit_of_work() as uow:
        _unblock_person(uow, actor, user_id)
    return Ok()


def block_member(actor: Actor, room_id: UUID, member_id: UUID) -> BlockView:
    """In a blind room the block is of the label and hides its messages; in an open one it is of the person."""
    with unit_of_work() as uow:
        room = access.access_room(actor, room_id)
        member = _member(room, member_id)
        if member.member_id == room.member.member_id:
            raise _oneself("member_id")
        if not identity.is_blind(room.room.display_mode):
            return _block_person(uow, actor, member.user_id)
        users.find_active_ids([actor.user_id], lock=True)
        row = blocks.find_label(actor.user_id, member_id)
        if row is None:
            row = _add(uow, actor, member.user_id, member_id)
            _hidden_set_changed(uow, actor)
        return _label(row, member)


def unblock_member(actor: Actor, room_id: UUID, member_id: UUID) -> Ok:
    """Takes back what `block_member` did; the block of a label also after one has left the room."""
    with unit_of_work() as uow:
        users.find_active_ids([actor.user_id], lock=True)
        row = blocks.find_label(actor.user_id, member_id) if members.find(room_id, member_id) else None
        if row is not None:
            blocks.remove(row)
            _hidden_set_changed(uow, actor)
            return Ok()
        room = access.access_room(actor, room_id)
        member = _member(room, member_id)
        if not identity.is_blind(room.room.display_mode):
            _unblock_person(uow, actor, member.user_id)
    return Ok()


def _block_person(uow: UnitOfWork, actor: Actor, user_id: str) -> BlockView:
    if user_id == actor.user_id:
        raise _oneself("user_id")
    if user_id not in _locked(actor, user_id):
        raise AppError(ErrorCode.user_not_found)
    row = blocks.find_person(actor.user_id, user_id)
    if row is None:
        row = _add(uow, actor, user_id, None)
        _direct_room_changed(uow, actor.user_id, user_id)
    return _person(row, accounts.cards([user_id]))


def _unblock_person(uow: UnitOfWork, actor: Actor, user_id: str) -> None:
    _locked(actor, user_id)
    row = blocks.find_person(actor.user_id, user_id) if rules.is_user_id(user_id) else None
    if row is not None:
        blocks.remove(row)
        _direct_room_changed(uow, actor.user_id, user_id)


def _locked(actor: Actor, user_id: str) -> frozenset[str]:
    """Lock the blocker's account, so that blocks are counted right, and the other's, if there is one."""
    pair = [actor.user_id, user_id] if rules.is_user_id(user_id) else [actor.user_id]
    return users.find_active_ids(pair, lock=True)


def _add(uow: UnitOfWork, actor: Actor, blocked_id: str, member_id: UUID | None) -> Block:
    if blocks.count(actor.user_id) >= limits.BLOCKS_PER_USER:
        raise AppError(ErrorCode.limit_reached, {"limit": limits.BLOCKS_PER_USER})
    return blocks.add(
        Block(
            block_id=random_id(),
            blocker_id=actor.user_id,
            blocked_id=blocked_id,
            member_id=member_id,
            created_at=uow.now,
        )
    )


def _direct_room_changed(uow: UnitOfWork, one: str, other: str) -> None:
    """A send that was checked before this block is checked again."""
    room = rooms.find_direct(direct_key(one, other))
    if room is not None:
        uow.lock_room(room.room_id).access_rev += 1


def _hidden_set_changed(uow: UnitOfWork, actor: Actor) -> None:
    uow.tell(actor.user_id, rooms_rev=users.raise_rooms_rev([actor.user_id])[actor.user_id])


def _member(room: Access, member_id: UUID) -> Member:
    member = members.find(room.room.room_id, member_id)
    if member is None:
        raise AppError(ErrorCode.member_not_found)
    return member


def _person(row: Block, people: dict[str, ProfileView]) -> BlockView:
    return BlockView(
        user=people[row.blocked_id], room_id=None, member_id=None, anonymous_name=None, created_at=row.created_at
    )


def _label(row: Block, member: Member) -> BlockView:
    return BlockView(
        user=None,
        room_id=member.room_id,
        member_id=member.member_id,
        anonymous_name=member.anonymous_name,
        created_at=row.created_at,
    )


def _oneself(field: str) -> AppError:
    return refused_field(field, "oneself", "is oneself")
