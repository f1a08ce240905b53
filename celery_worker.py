"""Entry point of Celery's worker and beat: `celery -A celery_worker worker`."""

from webapp.app import create_app
from webapp.core.extensions import celery
from workers import maintenance, members, unread

flask_app = create_app()
app = celery

__all__ = ["app", "flask_app", "maintenance", "members", "unread"]
