"""/healthz, /readyz and /metrics: is the process alive, can it serve, and what does it count."""

from __future__ import annotations

from flask import Flask, Response, redirect
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from werkzeug.wrappers import Response as WerkzeugResponse

from webapp.api.endpoint import json_response
from webapp.schemas.sync import HealthView
from webapp.services import readiness


def register(app: Flask) -> None:
    """Mount the three at the root."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)
    app.add_url_rule("/", "root", root)


def root() -> WerkzeugResponse:
    """Who opens the address alone is shown what there is to browse."""
    return redirect("/api/v1/docs")


def healthz() -> Response:
    """The process answers."""
    return json_response(HealthView(status="ok", checks={}), 200)


def readyz() -> Response:
    """200 when the database is at the head revision, Redis answers and (where one is required) a worker has."""
    checks = readiness.checks()
    ready = all(checks.values())
    return json_response(HealthView(status="ok" if ready else "unavailable", checks=checks), 200 if ready else 503)


def metrics() -> Response:
    """Prometheus text, added up over the web processes of this host."""
    registry = CollectorRegistry()
    try:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # no shared folder is set: a single process, as in tests
        registry = REGISTRY
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
