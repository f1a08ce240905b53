"""What many rooms must learn about one person."""

from __future__ import annotations

from webapp.core.extensions import celery
from webapp.services import members


@celery.task(name="workers.members.announce_profile")
def announce_profile(user_id: str) -> None:
    """Tell a person's open rooms that their directories changed, each in a transaction of its own."""
    members.announce_profile(user_id)
