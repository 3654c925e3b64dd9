#!/usr/bin/env bash
# The page of the operator that runs on the cluster, through kubectl port-forward, in headless Chromium.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
namespace e2e-page
command -v chromium >/dev/null || { echo "skipped: there is no chromium"; exit 77; }

for mib in 2 6; do
  inline grown <<END
FROM alpine:3.10
RUN $(random 2 /steady)
RUN $(random $mib /data)
END
  wait_for 180 "the image with $mib MiB" build_ended grown $((mib / 4 + 1)) Success || fail "it was not built"
done

forward=$(mktemp)
"$KUBECTL" -n imagebuild-system port-forward --address 127.0.0.1 deployment/imagebuild-operator :8082 >"$forward" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; rm -f "$forward"' EXIT
port() { sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$forward" | head -1; }
forwarded() { [ -n "$(port)" ]; }
wait_for 30 "the forwarded port" forwarded || fail "no port: $(cat "$forward")"
python3 "$ROOT/tests/e2e/page.py" "http://127.0.0.1:$(port)" "$NAMESPACE/grown" "$(field grown .status)" || fail "the page is not right"
status=$(curl -s -o /dev/null -w '%{http_code}' -X POST "http://127.0.0.1:$(port)/api/v1/imagebuilds")
equal "a POST's status" "$status" 405
status=$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "http://127.0.0.1:$(port)/")
equal "the status for a foreign host" "$status" 421
lap_total "passed"
