from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.factories import make_direct_room, make_matching_room, make_team_room, make_user
from tests.services.room_scenes import member_id, refused, say
from webapp.core.errors import ErrorCode
from webapp.domain.permissions import Actor
from webapp.schemas.messages import CreatePoll, ForwardMessage
from webapp.services import forwarding, messages, polls

pytestmark = pytest.mark.usefixtures("context")


def test_a_forwarded_text_is_the_forwarders_own_and_tells_no_source() -> None:
    minsu, jiyoung = make_user(), make_user()
    source, target = make_team_room(minsu, jiyoung), make_direct_room(minsu, jiyoung)
    message = say(jiyoung.actor, source, "전해 주세요")
    body = ForwardMessage(room_id=target, client_message_id=uuid4())

    sent = forwarding.forward(minsu.actor, source, message.message_id, body)

    assert (sent.message.content, sent.message.room_id) == ("전해 주세요", target)
    assert sent.message.member_id == member_id(minsu.actor, target)
    told = sent.message.model_dump_json()
    assert str(message.message_id) not in told
    assert str(source) not in told
    assert not forwarding.forward(minsu.actor, source, message.message_id, body).created


def test_nothing_is_forwarded_out_of_a_blind_room() -> None:
    one, other = make_user(), make_user()
    blind = make_matching_room([one, make_user()], [other, make_user()])
    message = say(other.actor, blind)
    elsewhere = make_team_room(one)

    with refused(ErrorCode.permission_denied):
        forwarding.forward(one.actor, blind, message.message_id, ForwardMessage(room_id=elsewhere))

    assert forwarding.forward(one.actor, blind, message.message_id, ForwardMessage(room_id=blind)).created


def test_only_living_texts_go_into_ones_own_rooms() -> None:
    minsu, stranger = make_user(), make_user()
    source, target = make_team_room(minsu), make_team_room(minsu)
    poll = polls.create(minsu.actor, source, CreatePoll(question="언제?", options=["금", "토"])).message
    gone = say(minsu.actor, source)
    messages.delete(minsu.actor, source, gone.message_id)
    text = say(minsu.actor, source)

    def forward(actor: Actor, message_id: UUID, room_id: UUID) -> None:
        forwarding.forward(actor, source, message_id, ForwardMessage(room_id=room_id))

    with refused(ErrorCode.validation_failed):
        forward(minsu.actor, poll.message_id, target)
    with refused(ErrorCode.message_deleted):
        forward(minsu.actor, gone.message_id, target)
    with refused(ErrorCode.room_not_found):
        forward(minsu.actor, text.message_id, make_team_room(stranger))
    with refused(ErrorCode.room_not_found):
        forward(stranger.actor, text.message_id, target)
