#!/usr/bin/env bash
# Prometheus and Alertmanager on the operator's real metrics: an image that grew reaches a webhook with its Dockerfile
# line, a refreshed base raises the base's alert and not the owner's, and every panel of the dashboard has something to show.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
for tool in prometheus prometheus-alertmanager promtool; do
  command -v "$tool" >/dev/null || die "no $tool: hack/test installs it"
done
namespace e2e-alerts
T=$(mktemp -d /tmp/imagebuild-alerts.XXXXXX)
PIDS=()
# Reached through the trap.
# shellcheck disable=SC2317
clean_up() {
  [ ${#PIDS[@]} = 0 ] || kill "${PIDS[@]}" 2>/dev/null || true
  rm -rf "$T"
}
trap clean_up EXIT
# start NAME COMMAND...: in the background, until the test ends.
start() {
  local name=$1
  shift
  "$@" >"$T/$name.log" 2>&1 &
  PIDS+=($!)
}

# --- a webhook, Alertmanager, Prometheus; the shipped rules, those on sizes without their waiting time
cat >"$T/webhook.py" <<'END'
import http.server, json, sys
class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[1], "a") as out:
            for alert in body["alerts"]:
                out.write(json.dumps(alert) + "\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Webhook)
open(sys.argv[2], "w").write(str(server.server_port))
server.serve_forever()
END
touch "$T/alerts"
start webhook python3 "$T/webhook.py" "$T/alerts" "$T/port"
wait_for 10 "the webhook" test -s "$T/port" || fail "no webhook"
cat >"$T/alertmanager.yml" <<END
route: {receiver: webhook, group_wait: 0s, group_interval: 1s, repeat_interval: 1h, group_by: ['...']}
receivers:
- name: webhook
  webhook_configs: [{url: 'http://127.0.0.1:$(cat "$T/port")/', send_resolved: true}]
END
start alertmanager prometheus-alertmanager --config.file="$T/alertmanager.yml" --storage.path="$T/am" \
  --web.listen-address=127.0.0.1:9393 --cluster.listen-address=
sed '1,/^spec:/d; s/^  //' "$ROOT/manifests/monitoring/prometheusrule.yaml" |
  sed -E '/name: imagebuild.sizes/,/name: imagebuild.history/ {s/^( *)for: .*/\1for: 0s/; /keep_firing_for:/d}' >"$T/rules.yml"
targets=$(k -n imagebuild-system get pods -l app.kubernetes.io/name=imagebuild-operator -o json | jq -c '[.items[] | select(.status.podIP) | .status.podIP + ":8080"]')
cat >"$T/prometheus.yml" <<END
global: {scrape_interval: 2s, evaluation_interval: 2s}
rule_files: [$T/rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9393']}]}]}
scrape_configs:
- job_name: imagebuild-operator
  honor_labels: true
  static_configs: [{targets: $targets}]
END
promtool check config "$T/prometheus.yml" >"$T/check.log" 2>&1 || fail "the configuration: $(cat "$T/check.log")"
start prometheus prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" --web.listen-address=127.0.0.1:9390
query() { curl -fsS --data-urlencode "query=$1" http://127.0.0.1:9390/api/v1/query | jq -c '.data.result'; }
has_series() { [ "$(query "$1" 2>/dev/null | jq length)" -gt 0 ]; }
wait_for 60 "Prometheus to scrape the operator" has_series 'imagebuild_build_info' || fail "nothing scraped: $(tail -3 "$T/prometheus.log")"

# alert NAME IMAGEBUILD: what the webhook got of it, firing, the last first.
alert() { jq -c "select(.labels.alertname == \"$1\" and .labels.imagebuild == \"$2\" and .status == \"firing\")" "$T/alerts" | tail -1; }
has_alert() { [ -n "$(alert "$1" "$2")" ]; }
await_build() { wait_for 180 "build $2 of $1" build_ended "$1" "$2" Success || fail "$1: no build $2"; }

say "the first builds: nothing to alert of"
for name in grows base; do
  inline "$name" <<END
FROM alpine:3.10
RUN true
RUN $(random 16 /data)
END
done
await grows Ready True
await base Ready True
inline refreshed <<END
FROM $REGISTRY_POD/$NAMESPACE/base
RUN $(random 8 /own)
END
await refreshed Ready True
wait_for 30 "the sizes in Prometheus" has_series "imagebuild:image_own_growth_bytes{imagebuild=\"refreshed\",namespace=\"$NAMESPACE\"}" || fail "no sizes"
sleep 5 # two evaluations
equal "alerts about sizes so far" "$(jq -r 'select(.labels.namespace == "'"$NAMESPACE"'") | .labels.alertname' "$T/alerts")" ""

say "an image grows: its owner is told, with the line"
inline grows <<END
FROM alpine:3.10
RUN true
RUN $(random 60 /data)
END
await_build grows 2
wait_for 60 "the alert at the webhook" has_alert ImageBuildSizeRegression grows || fail "no alert: $(query ALERTS)"
contains "the alert" "$(alert ImageBuildSizeRegression grows | jq -r .annotations.description)" "Dockerfile line 3"
equal "who it concerns" "$(alert ImageBuildSizeRegression grows | jq -r .labels.concerns)" owner

say "a base is refreshed: the base's alert, and not the owner's"
inline base <<END
FROM alpine:3.10
RUN true
RUN $(random 70 /data)
END
await_build base 2
k -n "$NAMESPACE" annotate imagebuild refreshed imagebuild.dev/rebuild=refresh --overwrite >/dev/null
await_build refreshed 2
wait_for 60 "the base's alert at the webhook" has_alert ImageBuildBaseLayersGrew refreshed || fail "no alert: $(query ALERTS)"
sleep 5
for owner in ImageBuildSizeRegression ImageBuildOwnLayersRegression; do
  ! has_alert "$owner" refreshed || fail "$owner fired for a refreshed base"
done

say "every expression of the dashboard has series"
python3 "$ROOT/tests/monitoring/dashboard_expressions.py" --always >"$T/expressions"
[ -s "$T/expressions" ] || fail "the dashboard has no expression"
while read -r expression; do
  wait_for 40 "series of a panel" has_series "$expression" || fail "no series: $expression"
done <"$T/expressions"
say "$(wc -l <"$T/expressions") expressions"

say "a deleted ImageBuild has no series any more"
k -n "$NAMESPACE" delete imagebuild grows >/dev/null
gone() { ! has_series "imagebuild_image_size_bytes{imagebuild=\"grows\",namespace=\"$NAMESPACE\"}"; }
wait_for 30 "its series to go" gone || fail "the series stayed"
lap_total "passed"
