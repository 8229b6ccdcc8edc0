"""The endpoints the gateway answers itself, all bare ASGI; everything else is forwarded."""

from gateway.routes import events, files, others

ROUTES = (
    ("GET", "/api/sessions/{name}/events", events.session_events),
    ("GET", "/api/agent/events", events.agent_events),
    ("GET", "/api/config", others.config),
    ("GET", "/api/health", others.health),
    ("GET", "/api/health/detailed", others.detailed_health),
    ("GET", "/api/metrics", others.metrics),
    ("GET", "/api/openapi.json", others.openapi),
    ("GET", "/api/docs", others.docs),
    ("GET", "/{path:path}", files.serve_file),
)
