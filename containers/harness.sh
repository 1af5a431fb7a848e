#!/bin/sh
# Runs the harness as an ordinary user. It starts as root for two things that only root can do:
# make the mounted report folder writable, and keep NET_RAW, by which the harness sees the
# connections that the gateway opens to the proxies.
set -eu
if [ "$(id -u)" -ne 0 ]; then
  exec python -m harness "$@"
fi
# A folder that somebody has made keeps its owner, and so do the files in it.
owner=$(stat -c %u /report)
if [ "$owner" -eq 0 ]; then
  owner=10001
  chown "$owner" /report
fi
raw=
if setpriv --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw true 2>/dev/null; then
  raw=,+net_raw
fi
exec setpriv --reuid="$owner" --regid="$owner" --clear-groups --bounding-set="-all$raw" \
  --inh-caps="-all$raw" --ambient-caps="-all$raw" python -m harness "$@"
