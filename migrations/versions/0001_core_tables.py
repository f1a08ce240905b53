"""Core tables: accounts, teams, rooms, members, messages, cursors.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deployment",
        sa.Column("only_row", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.UUID(), nullable=False),
        sa.CheckConstraint("only_row", name=op.f("ck_deployment_only_row")),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_deployment")),
    )
    op.create_table(
        "teams",
        sa.Column("team_id", sa.UUID(), nullable=False),
        sa.Column("team_name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_teams")),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=30), nullable=True),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("display_name", sa.String(length=40), nullable=False),
        sa.Column("avatar_url", sa.String(length=500), nullable=True),
        sa.Column("locale", sa.String(length=5), server_default="ko", nullable=False),
        sa.Column("school", sa.String(length=80), nullable=True),
        sa.Column("department", sa.String(length=80), nullable=True),
        sa.Column("grade", sa.String(length=10), nullable=True),
        sa.Column("gender", sa.String(length=10), nullable=True),
        sa.Column("shows_receipts", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("shows_presence", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("auth_rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rooms_rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("suspended_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_index("uq_users_username", "users", ["username"], unique=True)
    op.create_table(
        "chat_rooms",
        sa.Column("room_id", sa.UUID(), nullable=False),
        sa.Column("room_type", sa.String(length=20), nullable=False),
        sa.Column("room_name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column(
            "room_metadata", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("display_mode", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("visibility", sa.String(length=10), server_default="private", nullable=False),
        sa.Column("team_id", sa.UUID(), nullable=True),
        sa.Column("direct_key", sa.String(length=64), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_frozen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("slow_mode_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("floor_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("floor_rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("access_rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("directory_rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("display_mode IN ('open', 'blind')", name=op.f("ck_chat_rooms_display_mode")),
        sa.CheckConstraint("room_type IN ('direct', 'team', 'matching')", name=op.f("ck_chat_rooms_room_type")),
        sa.CheckConstraint("visibility IN ('public', 'private')", name=op.f("ck_chat_rooms_visibility")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.team_id"], name=op.f("fk_chat_rooms_team_id")),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_chat_rooms")),
        postgresql_with={"fillfactor": "60"},
    )
    op.create_index(
        "ix_chat_rooms_team_id",
        "chat_rooms",
        ["team_id", "room_id"],
        unique=False,
        postgresql_where=sa.text("team_id IS NOT NULL"),
    )
    op.create_index("uq_chat_rooms_direct_key", "chat_rooms", ["direct_key"], unique=True)
    op.create_table(
        "password_resets",
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_password_resets_user_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_password_resets")),
    )
    op.create_index(op.f("ix_password_resets_user_id"), "password_resets", ["user_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("user_agent", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index("ix_sessions_user_id_created_at", "sessions", ["user_id", "created_at"], unique=False)
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=20), server_default="member", nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.team_id"], name=op.f("fk_team_members_team_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_team_members_user_id")),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_members")),
    )
    op.create_index("ix_team_members_user_id", "team_members", ["user_id"], unique=False)
    op.create_table(
        "chat_members",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("room_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=20), server_default="member", nullable=False),
        sa.Column("anonymous_name", sa.String(length=50), nullable=True),
        sa.Column("group_label", sa.String(length=10), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_muted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notification_level", sa.String(length=10), server_default="all", nullable=False),
        sa.Column("silenced_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("visible_from_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_read_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unread_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mention_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("read_rev", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("as_of_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "notification_level IN ('all', 'mentions', 'none')", name=op.f("ck_chat_members_notification_level")
        ),
        sa.CheckConstraint("role IN ('owner', 'member')", name=op.f("ck_chat_members_role")),
        sa.ForeignKeyConstraint(["room_id"], ["chat_rooms.room_id"], name=op.f("fk_chat_members_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_chat_members_user_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_chat_members")),
        sa.UniqueConstraint("room_id", "user_id", name=op.f("uq_chat_members_room_id_user_id")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_chat_members_changes", "chat_members", ["room_id", "changed_seq"], unique=False)
    op.create_index(
        "ix_chat_members_user_id",
        "chat_members",
        ["user_id", "room_id"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "chat_messages",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("room_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.String(length=255), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("message_type", sa.String(length=20), server_default="text", nullable=False),
        sa.Column(
            "attachments", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("reactions", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("mentions", postgresql.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("mentions_all", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("thread_id", sa.UUID(), nullable=True),
        sa.Column("reply_to_id", sa.UUID(), nullable=True),
        sa.Column("reply_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_reply_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("system", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("poll", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("client_message_id", sa.UUID(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(length=16), nullable=True),
        sa.Column("is_edited", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint(
            "message_type IN ('text', 'image', 'file', 'system')", name=op.f("ck_chat_messages_message_type")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["chat_rooms.room_id"], name=op.f("fk_chat_messages_room_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_chat_messages")),
        sa.UniqueConstraint("room_id", "sender_id", "client_message_id", name="uq_chat_messages_client_message_id"),
    )
    op.create_index(
        "ix_chat_messages_deleted",
        "chat_messages",
        ["deleted_at", "message_id"],
        unique=False,
        postgresql_where=sa.text("is_deleted"),
    )
    op.create_index(
        "ix_chat_messages_mentions",
        "chat_messages",
        ["mentions"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("mentions <> '{}'::uuid[]"),
    )
    op.create_index(
        "ix_chat_messages_mentions_all",
        "chat_messages",
        ["room_id", "seq"],
        unique=False,
        postgresql_where=sa.text("mentions_all"),
    )
    op.create_index(
        "ix_chat_messages_pins",
        "chat_messages",
        ["room_id", "seq"],
        unique=False,
        postgresql_where=sa.text("is_pinned"),
    )
    op.create_index("ix_chat_messages_sender", "chat_messages", ["sender_id", "created_at"], unique=False)
    op.create_index("uq_chat_messages_changes", "chat_messages", ["room_id", "changed_seq"], unique=True)
    op.create_index(
        "uq_chat_messages_thread",
        "chat_messages",
        ["thread_id", "seq"],
        unique=True,
        postgresql_where=sa.text("thread_id IS NOT NULL"),
    )
    op.create_index(
        "uq_chat_messages_timeline",
        "chat_messages",
        ["room_id", "seq"],
        unique=True,
        postgresql_where=sa.text("thread_id IS NULL"),
    )
    op.create_table(
        "room_cursors",
        sa.Column("room_id", sa.UUID(), nullable=False),
        sa.Column("consumer", sa.String(length=30), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["chat_rooms.room_id"], name=op.f("fk_room_cursors_room_id")),
        sa.PrimaryKeyConstraint("room_id", "consumer", name=op.f("pk_room_cursors")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "blocks",
        sa.Column("block_id", sa.UUID(), nullable=False),
        sa.Column("blocker_id", sa.String(length=255), nullable=False),
        sa.Column("blocked_id", sa.String(length=255), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["blocked_id"], ["users.user_id"], name=op.f("fk_blocks_blocked_id")),
        sa.ForeignKeyConstraint(["blocker_id"], ["users.user_id"], name=op.f("fk_blocks_blocker_id")),
        sa.ForeignKeyConstraint(["member_id"], ["chat_members.member_id"], name=op.f("fk_blocks_member_id")),
        sa.PrimaryKeyConstraint("block_id", name=op.f("pk_blocks")),
    )
    op.create_index("ix_blocks_blocked_id", "blocks", ["blocked_id"], unique=False)
    op.create_index(op.f("ix_blocks_member_id"), "blocks", ["member_id"], unique=False)
    op.create_index(
        "uq_blocks_labels",
        "blocks",
        ["blocker_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index(
        "uq_blocks_people",
        "blocks",
        ["blocker_id", "blocked_id"],
        unique=True,
        postgresql_where=sa.text("member_id IS NULL"),
    )
    op.create_table(
        "drafts",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["chat_members.member_id"], name=op.f("fk_drafts_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_updated_at"), "drafts", ["updated_at"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("room_id", sa.UUID(), nullable=False),
        sa.Column("created_by", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("use_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["chat_members.member_id"], name=op.f("fk_invitations_created_by")),
        sa.ForeignKeyConstraint(["room_id"], ["chat_rooms.room_id"], name=op.f("fk_invitations_room_id")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_expires_at"), "invitations", ["expires_at"], unique=False)
    op.create_index(op.f("ix_invitations_room_id"), "invitations", ["room_id"], unique=False)
    op.create_table(
        "message_reactions",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("emoji", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["chat_members.member_id"], name=op.f("fk_message_reactions_member_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["chat_messages.message_id"], name=op.f("fk_message_reactions_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", "emoji", "member_id", name=op.f("pk_message_reactions")),
    )
    op.create_table(
        "message_versions",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["chat_messages.message_id"], name=op.f("fk_message_versions_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", "version", name=op.f("pk_message_versions")),
    )
    op.create_table(
        "poll_votes",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("option_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["chat_members.member_id"], name=op.f("fk_poll_votes_member_id")),
        sa.ForeignKeyConstraint(["message_id"], ["chat_messages.message_id"], name=op.f("fk_poll_votes_message_id")),
        sa.PrimaryKeyConstraint("message_id", "member_id", "option_id", name=op.f("pk_poll_votes")),
    )
    op.create_table(
        "thread_reads",
        sa.Column("thread_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("last_read_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unread_count", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["chat_members.member_id"], name=op.f("fk_thread_reads_member_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["chat_messages.message_id"], name=op.f("fk_thread_reads_thread_id")),
        sa.PrimaryKeyConstraint("thread_id", "member_id", name=op.f("pk_thread_reads")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_thread_reads_member_id", "thread_reads", ["member_id"], unique=False)
    # Rows that are rewritten in place (heads, marks, cursors) stay on their page and touch no index.
    for table, fill in (("chat_rooms", 60), ("chat_members", 70), ("thread_reads", 70), ("room_cursors", 70)):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {fill}, autovacuum_vacuum_scale_factor = 0.05)")
    op.execute("INSERT INTO deployment (only_row, epoch) VALUES (true, gen_random_uuid())")


def downgrade() -> None:
    op.drop_index("ix_thread_reads_member_id", table_name="thread_reads")
    op.drop_table("thread_reads")
    op.drop_table("poll_votes")
    op.drop_table("message_versions")
    op.drop_table("message_reactions")
    op.drop_index(op.f("ix_invitations_room_id"), table_name="invitations")
    op.drop_index(op.f("ix_invitations_expires_at"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_drafts_updated_at"), table_name="drafts")
    op.drop_table("drafts")
    op.drop_index("uq_blocks_people", table_name="blocks", postgresql_where=sa.text("member_id IS NULL"))
    op.drop_index("uq_blocks_labels", table_name="blocks", postgresql_where=sa.text("member_id IS NOT NULL"))
    op.drop_index(op.f("ix_blocks_member_id"), table_name="blocks")
    op.drop_index("ix_blocks_blocked_id", table_name="blocks")
    op.drop_table("blocks")
    op.drop_table("room_cursors")
    op.drop_index(
        "uq_chat_messages_timeline", table_name="chat_messages", postgresql_where=sa.text("thread_id IS NULL")
    )
    op.drop_index(
        "uq_chat_messages_thread", table_name="chat_messages", postgresql_where=sa.text("thread_id IS NOT NULL")
    )
    op.drop_index("uq_chat_messages_changes", table_name="chat_messages")
    op.drop_index("ix_chat_messages_sender", table_name="chat_messages")
    op.drop_index("ix_chat_messages_pins", table_name="chat_messages", postgresql_where=sa.text("is_pinned"))
    op.drop_index(
        "ix_chat_messages_mentions",
        table_name="chat_messages",
        postgresql_using="gin",
        postgresql_where=sa.text("mentions <> '{}'::uuid[]"),
    )
    op.drop_index("ix_chat_messages_deleted", table_name="chat_messages", postgresql_where=sa.text("is_deleted"))
    op.drop_table("chat_messages")
    op.drop_index("ix_chat_members_user_id", table_name="chat_members", postgresql_where=sa.text("is_active"))
    op.drop_index("ix_chat_members_changes", table_name="chat_members")
    op.drop_table("chat_members")
    op.drop_index("ix_team_members_user_id", table_name="team_members")
    op.drop_table("team_members")
    op.drop_index("ix_sessions_user_id_created_at", table_name="sessions")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("ix_password_resets_user_id"), table_name="password_resets")
    op.drop_table("password_resets")
    op.drop_index("uq_chat_rooms_direct_key", table_name="chat_rooms")
    op.drop_index("ix_chat_rooms_team_id", table_name="chat_rooms", postgresql_where=sa.text("team_id IS NOT NULL"))
    op.drop_table("chat_rooms")
    op.drop_index("uq_users_username", table_name="users")
    op.drop_index("uq_users_email", table_name="users")
    op.drop_table("users")
    op.drop_table("teams")
    op.drop_table("deployment")
