"""Under which names the fields of logs have what is looked for, and what some of them mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

TIME = (
    "time", "timestamp", "@timestamp", "ts", "time_local", "time_iso8601", "start_time", "msec",
    "StartUTC", "started_at", "date", "datetime", "asctime", "time_local_iso", "eventTime", "t",
    "EdgeStartTimestamp", "__REALTIME_TIMESTAMP",
)  # fmt: skip
BEGINS = ("start_time", "StartUTC", "started_at", "EdgeStartTimestamp", "eventTime")
"""Of these times, those at which a request came in; others are written when it was over."""
STATUS = (
    "status", "status_code", "response_code", "http_status", "DownstreamStatus", "code",
    "response.status", "http.response.status_code", "statusCode", "responseCode", "resp_status",
    "res.statusCode", "res.status", "response.statusCode", "@http.status_code", "http.status_code",
    "EdgeResponseStatus", "sc-status",
)  # fmt: skip
UPSTREAM_STATUS = (
    "upstream_status", "us", "ups_status", "OriginStatus", "upstream_status_code",
    "upstream.status", "upstreamStatus", "backend_status", "ustatus", "OriginResponseStatus",
)  # fmt: skip
UPSTREAM_TIME = (
    "upstream_response_time", "urt", "upstream_time", "upstream_service_time", "OriginDuration",
    "upstream_duration", "upstream.duration", "latencies.proxy", "upstream_latency",
    "upstreamResponseTime", "OriginResponseDurationMs",
)  # fmt: skip
TOOK = (
    "request_time", "rt", "duration", "duration_ms", "latency", "latency_ms", "elapsed", "took",
    "response_time", "Duration", "latencies.request", "request_duration", "elapsed_ms",
    "took_ms", "duration_s", "requestTime", "responseTime", "response_time_ms", "latency_s",
    "@duration", "time-taken",
)  # fmt: skip
UPSTREAM = (
    "upstream", "upstream_name", "upstream_addr", "upstream_host", "upstream_cluster",
    "proxy_host", "ServiceName", "ServiceAddr", "service", "service.name", "backend", "uaddr",
    "ua", "ups", "upstream.name", "upstream_service", "dependency", "target", "peer",
    "host_upstream", "backend_name", "upstreamAddr", "upstreamHost", "logger",
)  # fmt: skip
METHOD = (
    "method", "request_method", "RequestMethod", "request.method", "http.request.method",
    "verb", "requestMethod", "req.method", "ClientRequestMethod", "cs-method",
)  # fmt: skip
PATH = (
    "path", "uri", "request_uri", "RequestPath", "request.uri", "url", "route", "url.path",
    "request_path", "requestUri", "requestPath", "req.url", "req.path", "url.original",
    "requestUrl", "ClientRequestURI", "cs-uri-stem",
)  # fmt: skip
WORDS = (
    "error", "err", "exception", "err.message", "error.message", "msg", "message",
    "response_flags", "reason", "event", "MESSAGE",
)  # fmt: skip
TROUBLE = ("error", "err", "exception")
"""Names that only a line about trouble has."""
LEVEL = (
    "level", "severity", "levelname", "lvl", "log.level", "PRIORITY",
)  # fmt: skip
FLAGS: Mapping[str, str] = {
    "UF": "connection refused", "UH": "no live upstreams", "UT": "timed out", "UC": "reset",
    "LR": "reset", "UR": "reset", "DPE": "reset", "UAEX": "error",
}  # fmt: skip
"""Envoy's response flags, in words."""
ENDED: Mapping[str, str] = {
    "SC": "connection refused", "sC": "timed out", "sH": "timed out", "sD": "timed out",
    "SH": "prematurely closed", "SD": "reset",
}  # fmt: skip
"""HAProxy's termination states that are a server's doing, in words."""
MILLI = re.compile(
    r"(_ms|Ms|Millis)$|^time-taken$|^latencies\.|^upstream_service_time$|^responseTime$"
)
NANO = (
    "Duration", "OriginDuration", "@duration",
)  # fmt: skip
BAD_LEVELS = (
    "error", "warn", "warning", "critical", "fatal", "err", "crit", "50", "60", "40",
    "0", "1", "2", "3", "4",
)  # fmt: skip
GOOD_LEVELS = (
    "info", "debug", "trace", "notice", "inf", "dbg", "verbose",
)  # fmt: skip
