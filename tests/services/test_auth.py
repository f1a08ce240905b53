"""Tokens: what makes one good, and everything that ends it."""

from __future__ import annotations

import hmac
import json
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask
from jwt.algorithms import ECAlgorithm

from webapp.config import HostTokens
from webapp.core import clock
from webapp.core.clock import ManualClock
from webapp.core.errors import AppError, ErrorCode
from webapp.domain import limits
from webapp.schemas.accounts import Login, Logout, Refresh, Register, TokensView
from webapp.schemas.base import Page
from webapp.services import accounts, auth, sanctions

PASSWORD = "낯선 사람은 모를 말"
HOST_KEY = "the host product's own secret, long enough for HS256"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156"


@pytest.fixture
def hour_hand() -> Iterator[ManualClock]:
    hand = ManualClock(datetime.now(UTC))
    former = clock.inject(hand)
    yield hand
    clock.inject(former)


@pytest.fixture
def host(context: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the application accept the host's tokens in the way given."""

    def accept(**settings: Any) -> None:
        config = context.config["FOCUSMATE"]
        monkeypatch.setitem(context.config, "FOCUSMATE", replace(config, host_tokens=HostTokens(**settings)))

    return accept


def sign_up(username: str = "minji", **fields: Any) -> TokensView:
    body = Register(username=username, password=PASSWORD, display_name="김민지", **fields)
    return auth.register(body, CHROME)


def log_in(username: str = "minji", password: str = PASSWORD) -> TokensView:
    return auth.login(Login(username=username, password=password), CHROME)


def refusal(call: Callable[..., object], *arguments: Any) -> ErrorCode:
    with pytest.raises(AppError) as caught:
        call(*arguments)
    return caught.value.code


def user_of(token: str) -> str:
    return auth.authenticate(token).user_id


def renew(tokens: TokensView) -> TokensView:
    return auth.refresh(Refresh(refresh_token=tokens.refresh_token))


def host_token(subject: str, key: Any = HOST_KEY, algorithm: str = "HS256", **claims: Any) -> str:
    now = datetime.now(UTC)
    headers = claims.pop("headers", None)
    payload = {"sub": subject, "iat": now, "exp": now + timedelta(hours=1), "jti": str(uuid4()), **claims}
    return jwt.encode({k: v for k, v in payload.items() if v is not None}, key, algorithm, headers)


def test_a_new_account_is_signed_in(context: Flask) -> None:
    tokens = sign_up("Min.Ji", email="minji@example.com")
    assert tokens.user.username == "min.ji"
    assert user_of(tokens.access_token) == tokens.user.user_id


def test_of_twenty_who_want_one_username_one_gets_it(context: Flask) -> None:
    def attempt(_: int) -> str:
        with context.app_context():
            try:
                return sign_up().user.user_id
            except AppError as error:
                return error.code.name

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(20)))
    assert outcomes.count("username_taken") == 19


def test_an_email_belongs_to_one_account_whatever_its_case(context: Flask) -> None:
    sign_up("minji", email="minji@example.com")
    assert refusal(lambda: sign_up("other", email="MinJi@example.com")) is ErrorCode.username_taken


def test_common_passwords_are_refused(context: Flask) -> None:
    body = Register(username="minji", password="Password1", display_name="김민지")
    assert refusal(auth.register, body, CHROME) is ErrorCode.validation_failed


def test_login_needs_the_right_password_of_a_known_username(context: Flask) -> None:
    sign_up()
    assert log_in("MINJI").user.display_name == "김민지"
    assert refusal(log_in, "minji", "wrong password") is ErrorCode.bad_credentials
    assert refusal(log_in, "nobody") is ErrorCode.bad_credentials
    assert refusal(log_in, "\x00") is ErrorCode.bad_credentials


def test_a_password_may_be_typed_composed_or_in_jamo(context: Flask) -> None:
    sign_up()
    decomposed = unicodedata.normalize("NFD", PASSWORD)
    assert decomposed != PASSWORD
    assert log_in("minji", decomposed).user.username == "minji"


def test_an_access_token_expires(context: Flask, hour_hand: ManualClock) -> None:
    tokens = sign_up()
    assert auth.verify(tokens.access_token).expires_at == pytest.approx(
        hour_hand.now() + timedelta(seconds=tokens.expires_in), abs=timedelta(seconds=1)
    )
    hour_hand.advance(timedelta(seconds=tokens.expires_in + 1))
    assert refusal(auth.authenticate, tokens.access_token) is ErrorCode.token_expired
    assert user_of(renew(tokens).access_token) == tokens.user.user_id


def test_a_session_that_is_not_renewed_for_a_week_is_over(context: Flask, hour_hand: ManualClock) -> None:
    tokens = sign_up()
    hour_hand.advance(timedelta(days=6))
    tokens = renew(tokens)
    hour_hand.advance(timedelta(days=6))
    tokens = renew(tokens)
    hour_hand.advance(timedelta(days=8))
    assert refusal(renew, tokens) is ErrorCode.token_expired


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
        jwt.utils.base64url_encode(b"[" * 5000).decode() + ".e30.e30",
        "é.é.é",
    ],
)
def test_what_is_no_token_is_refused(context: Flask, token: str) -> None:
    assert refusal(auth.authenticate, token) is ErrorCode.token_invalid


def test_each_kind_of_token_opens_its_own_door_only(context: Flask) -> None:
    tokens = sign_up()
    assert refusal(auth.authenticate, tokens.refresh_token) is ErrorCode.token_invalid
    assert refusal(auth.refresh, Refresh(refresh_token=tokens.access_token)) is ErrorCode.token_invalid


def test_a_refresh_token_works_once_and_its_reuse_ends_the_sign_in(context: Flask) -> None:
    stolen = sign_up()
    mine = renew(stolen)
    elsewhere = log_in()
    assert refusal(renew, stolen) is ErrorCode.token_reused
    assert refusal(auth.authenticate, mine.access_token) is ErrorCode.token_invalid
    assert refusal(renew, mine) is ErrorCode.token_invalid
    assert user_of(elsewhere.access_token)


def test_of_simultaneous_renewals_one_wins(context: Flask) -> None:
    tokens = sign_up()

    def attempt(_: int) -> str:
        with context.app_context():
            try:
                renew(tokens)
            except AppError as error:
                return error.code.name
            return "renewed"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, range(4)))
    assert sorted(outcomes) == ["renewed", "token_reused", "token_reused", "token_reused"]


def test_logging_out_ends_this_session_only(context: Flask) -> None:
    here, there = sign_up(), log_in()
    auth.logout(auth.authenticate(here.access_token), Logout())
    assert refusal(auth.authenticate, here.access_token) is ErrorCode.token_invalid
    assert refusal(renew, here) is ErrorCode.token_invalid
    assert user_of(renew(there).access_token)


def test_logging_out_everywhere_ends_all_sessions(context: Flask) -> None:
    here, there = sign_up(), log_in()
    auth.logout(auth.authenticate(here.access_token), Logout(everywhere=True))
    for tokens in (here, there):
        assert refusal(auth.authenticate, tokens.access_token) is ErrorCode.token_invalid
        assert refusal(renew, tokens) is ErrorCode.token_invalid
    assert user_of(log_in().access_token)


def test_the_socket_of_an_ended_session_learns_it_and_others_go_on(context: Flask) -> None:
    here, there = (auth.authenticate(tokens.access_token) for tokens in (sign_up(), log_in()))
    auth.logout(here, Logout())
    assert refusal(auth.recheck, here) is ErrorCode.token_invalid
    assert auth.recheck(there).auth_rev > there.auth_rev


def test_a_suspended_account_can_do_nothing_until_it_is_lifted(context: Flask, hour_hand: ManualClock) -> None:
    tokens = sign_up()
    actor = auth.authenticate(tokens.access_token)
    sanctions.suspend(actor.user_id, hour_hand.now() + timedelta(minutes=5))
    assert refusal(auth.authenticate, tokens.access_token) is ErrorCode.account_suspended
    assert refusal(auth.recheck, actor) is ErrorCode.account_suspended
    assert refusal(renew, tokens) is ErrorCode.account_suspended
    assert refusal(log_in) is ErrorCode.account_suspended
    hour_hand.advance(timedelta(minutes=6))
    assert user_of(tokens.access_token)
    sanctions.suspend(actor.user_id, hour_hand.now() + timedelta(days=7))
    sanctions.lift(actor.user_id)
    assert user_of(log_in().access_token)


def test_a_wrong_password_does_not_tell_that_the_account_is_suspended(context: Flask) -> None:
    tokens = sign_up()
    sanctions.suspend(tokens.user.user_id, clock.now() + timedelta(days=7))
    assert refusal(log_in, "minji", "wrong password") is ErrorCode.bad_credentials


def test_nobody_suspends_an_account_that_is_not_there(context: Flask) -> None:
    assert refusal(sanctions.suspend, "nobody", clock.now()) is ErrorCode.user_not_found


def test_the_longest_unused_sign_in_ends_beyond_the_limit(
    context: Flask, hour_hand: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SESSIONS_PER_USER", 2)
    first = sign_up()
    hour_hand.advance(timedelta(minutes=1))
    second = log_in()
    hour_hand.advance(timedelta(minutes=1))
    first = renew(first)
    hour_hand.advance(timedelta(minutes=1))
    log_in()
    assert refusal(renew, second) is ErrorCode.token_invalid
    assert renew(first).access_token


def test_a_person_of_the_host_is_known_from_their_first_token_on(context: Flask, host: Callable[..., None]) -> None:
    host(algorithm="HS256", key=HOST_KEY)
    token = host_token("학생/2024:김하준", name="  김하준\n")
    actor = auth.authenticate(token)
    assert (actor.user_id, actor.session_id) == ("학생/2024:김하준", None)
    assert auth.authenticate(token) == actor
    assert accounts.me(actor).display_name == "김하준"


def test_a_person_of_the_host_without_a_name_is_called_by_the_id(context: Flask, host: Callable[..., None]) -> None:
    host(algorithm="HS256", key=HOST_KEY)
    assert accounts.me(auth.authenticate(host_token("s" * 255, name=["no text"]))).display_name == "s" * 40


@pytest.mark.parametrize("subject", ["", " ", "s" * 256, "nul\x00", "system"])
def test_a_host_subject_that_no_account_can_have_is_refused(
    context: Flask, host: Callable[..., None], subject: str
) -> None:
    host(algorithm="HS256", key=HOST_KEY)
    assert refusal(auth.authenticate, host_token(subject)) is ErrorCode.token_invalid


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("nan")},
        {"exp": 10**30},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": None},
        {"sub": 7},
        {"nbf": datetime.now(UTC) + timedelta(hours=1)},
    ],
)
def test_a_host_token_must_say_what_the_deployment_asks_for(
    context: Flask, host: Callable[..., None], claims: dict[str, Any]
) -> None:
    host(algorithm="HS256", key=HOST_KEY, issuer="https://host.example", audience="chat")
    good: dict[str, Any] = {"iss": "https://host.example", "aud": ["chat", "shop"]}
    assert user_of(host_token("a", **good))
    assert refusal(auth.authenticate, host_token("a", **{**good, **claims})) is ErrorCode.token_invalid


def test_a_host_token_expires(context: Flask, host: Callable[..., None], hour_hand: ManualClock) -> None:
    host(algorithm="HS256", key=HOST_KEY)
    token = host_token("a")
    assert user_of(token)
    hour_hand.advance(timedelta(hours=2))
    assert refusal(auth.authenticate, token) is ErrorCode.token_expired


def test_host_tokens_are_foreign_where_no_key_is_set(context: Flask) -> None:
    assert refusal(auth.authenticate, host_token("a")) is ErrorCode.token_invalid


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def test_the_algorithm_is_the_deployment_s_not_the_token_s(context: Flask, host: Callable[..., None]) -> None:
    private = rsa.generate_private_key(65537, 2048)
    host(algorithm="RS256", key=pem(private))
    assert user_of(host_token("a", private, "RS256"))
    assert refusal(auth.authenticate, host_token("a", private, "RS512")) is ErrorCode.token_invalid
    payload = host_token("a", private, "RS256").split(".")[1]
    header = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT"}').decode()
    unsigned = f"{header}.{payload}"
    signature = hmac.digest(pem(private).encode(), unsigned.encode(), "sha256")
    forged = f"{unsigned}.{jwt.utils.base64url_encode(signature).decode()}"
    assert refusal(auth.authenticate, forged) is ErrorCode.token_invalid


def test_an_elliptic_key_is_accepted(context: Flask, host: Callable[..., None]) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    host(algorithm="ES256", key=pem(private))
    assert user_of(host_token("a", private, "ES256"))


def test_keys_come_from_the_file_as_it_is_now(context: Flask, host: Callable[..., None], tmp_path: Path) -> None:
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    file = tmp_path / "jwks.json"

    def publish(**keys: ec.EllipticCurvePrivateKey) -> None:
        rows = [{**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid} for kid, key in keys.items()]
        file.write_text(json.dumps({"keys": rows}))

    def token(kid: str | None, key: ec.EllipticCurvePrivateKey) -> str:
        return host_token("a", key, "ES256", headers={"kid": kid} if kid else None)

    publish(old=old)
    host(jwks_file=file)
    assert user_of(token("old", old))
    assert user_of(token(None, old))
    assert refusal(auth.authenticate, token("new", new)) is ErrorCode.token_invalid
    publish(old=old, new=new)
    assert user_of(token("new", new))
    assert refusal(auth.authenticate, token("old", new)) is ErrorCode.token_invalid
    assert refusal(auth.authenticate, token(None, new)) is ErrorCode.token_invalid
    file.unlink()
    assert refusal(auth.authenticate, token("new", new)) is ErrorCode.token_invalid


def test_after_logging_out_a_person_of_the_host_needs_a_newer_token(
    context: Flask, host: Callable[..., None], hour_hand: ManualClock
) -> None:
    host(algorithm="HS256", key=HOST_KEY)
    issued = datetime.now(UTC) - timedelta(minutes=1)
    before, unstamped = host_token("a", iat=issued), host_token("a", iat=None)
    actor = auth.authenticate(before)
    assert user_of(unstamped)
    auth.logout(actor, Logout(everywhere=True))
    assert refusal(auth.authenticate, before) is ErrorCode.token_invalid
    assert refusal(auth.authenticate, unstamped) is ErrorCode.token_invalid
    assert refusal(auth.recheck, actor) is ErrorCode.token_invalid
    after = host_token("a", iat=datetime.now(UTC) + timedelta(seconds=2))
    assert user_of(after) == "a"
    assert accounts.list_sessions(auth.authenticate(after), Page()).sessions == []
