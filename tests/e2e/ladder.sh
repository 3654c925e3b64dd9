#!/usr/bin/env bash
# The ladder: six images of one app, their sizes in order and the same everywhere, and each one runs.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck disable=SC2034  # lib.sh's functions use it
NAMESPACE=$LADDER_NAMESPACE
ladder_yaml "$REGISTRY_POD" "$(services_url)/git/app.git" | k apply -f - >/dev/null
ladder_wait 1200 || fail "the ladder was not built"
sizes=$(ladder_sizes "$REGISTRY")
ladder_table "$sizes" >&2
ladder_check "$sizes" >&2 || fail "the sizes are not what they should be"

say "advice: a slimmer base of the same name, with its measured saving"
advice=$(field "$(ladder_name 0-node-latest)" '.status.image.advice[] | select(.message | startswith("FROM node:alpine has")) | "\(.line) \(.savesBytes)"')
[[ "$advice" =~ ^1\ [0-9]{8,}$ ]] || fail "no advice of node:alpine for line 1: '$advice'"

image_of() { echo "$REGISTRY/ladder/$1@$(field "$(ladder_name "$1")" .status.image.digest)"; }

is_version() { [[ "$2" =~ ^v?[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$1 is no version: $2"; }
for rung in "${LADDER[@]}"; do
  say "$rung: node runs"
  is_version "node -v in $rung" "$(run_image "node-${rung%%-*}" "$(image_of "$rung")" node -v)"
done
for rung in 0-node-latest 1-node-alpine 2-my-node-packages 3-my-node-user 4-my-node; do
  say "$rung: npm runs"
  is_version "npm -v in $rung" "$(run_image "npm-${rung%%-*}" "$(image_of "$rung")" npm -v)"
done
for rung in 0-node-latest 1-node-alpine 4-my-node 5-multi-node; do
  say "$rung: the server answers"
  # shellcheck disable=SC2016  # node expands it
  answer=$(run_image "app-${rung%%-*}" "$(image_of "$rung")" node -e '
    require("child_process").spawn("node", ["index.js"], {stdio: "inherit"});
    const ask = n => require("http").get("http://127.0.0.1:3000/", r => { r.on("data", d => console.log(String(d))); r.on("end", () => process.exit(0)); })
      .on("error", e => n ? setTimeout(ask, 300, n - 1) : process.exit(1));
    setTimeout(ask, 500, 40); setTimeout(() => process.exit(1), 30000);')
  contains "the answer of $rung" "$answer" "Hello"
done
lap_total "passed"
