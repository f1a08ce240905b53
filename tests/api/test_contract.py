"""The contract: whatever is sent, the answer is one that the OpenAPI document foresees, and never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.contract_world import World, make_world
from tests.conftest import Backing, empty_tables
from webapp.api import ENDPOINTS
from webapp.api.openapi import build

pytestmark = pytest.mark.slow

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

schema = schemathesis.openapi.from_dict(build(ENDPOINTS))
# The same requests in every run: a fixed seed, and nothing learnt from answers, whose ids differ.
schema.config.seed = 1
for phase in (schema.config.phases.coverage, schema.config.phases.fuzzing):
    phase.extra_data_sources.responses = False
schema.config.phases.fuzzing.error_feedback.is_enabled = False
# The document doesn't foresee methods that it doesn't name; test_bad_input sends them.
schema.config.phases.coverage.unexpected_methods = set()


@pytest.fixture(scope="module")
def app(application: Flask, backing: Backing) -> Flask:
    empty_tables(backing.database_url)
    return application


@pytest.fixture
def world(app: Flask) -> World:
    """Another one for each operation, since calls leave rooms and end sessions."""
    return make_world(app)


@schema.parametrize()
@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_foresees(case: schemathesis.Case[Any], app: Flask, world: World) -> None:
    case.path_parameters, case.query, case.body = world.placed(case.path_parameters, case.query, case.body)
    response = case.call(app=app, headers=world.me.headers)
    case.validate_response(response, checks=CHECKS)
