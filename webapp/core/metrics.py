"""What is measured; names follow Prometheus's conventions. Several web processes share files when told where."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

http_requests = Histogram(
    "http_request_duration_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
sockets_open = Gauge("sockets_open", "WebSocket connections of this process", multiprocess_mode="livesum")
socket_closes = Counter("socket_closes_total", "Sockets closed by the server", ["code"])
frames_received = Counter("frames_received_total", "Commands received on sockets", ["type"])
deliveries = Counter("deliveries_total", "Event frames handed to sockets")
catch_ups = Counter("fanout_catch_ups_total", "Times a room's fan-out read the log instead of Redis")
messages_sent = Counter("messages_sent_total", "Messages appended by group commit")
commit_batch = Histogram("commit_batch_size", "Messages in one group commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128))
publish_lost = Counter("publish_lost_total", "Publications that Redis did not take")
unread_advanced = Counter("unread_rooms_advanced_total", "Rooms whose unread counters were brought up to date")
unread_repaired = Counter("unread_counters_repaired_total", "Members whose counters differed from a recount")
