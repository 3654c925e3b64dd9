#!/usr/bin/env bash
# A slimmer base of the same name: found at a real registry by a build and by check --bases.
# shellcheck source-path=SCRIPTDIR disable=SC2034
. "$(dirname "$0")/builder_lib.sh"
start_registry

# base TAG MIB: pushes an image with a busybox and so many incompressible MiB.
base() {
  context "base-$1" <<'EOF'
FROM scratch
COPY busybox /bin/sh
COPY big /big
EOF
  cp "$(command -v busybox)" "$C/busybox"
  head -c $(($2 << 20)) /dev/urandom >"$C/big"
  build -t "$R/base:$1"
}
compressed() { manifest_at "$R/base:$1" | jq '[.layers[].size] | add'; }
base 1 40
base 1-slim 2
base 1-alpine 1
base 2 4
base 2-slim 1

check() { "$BUILDER" check "$C" --bases --insecure-registry "$R" "$@"; }
advised() { jq -r '.platforms[0].advice[]? | "\(.line) \(.savesBytes)"' "$T/report.json"; }

context app <<EOF
FROM scratch AS other
COPY Dockerfile /
FROM $R/base:1 AS start
RUN echo one > /one
FROM start
COPY --from=other /Dockerfile /
EOF
build
is "a build with a large base succeeds" "$STATUS" 0
expected=$(for variant in 1-alpine 1-slim; do echo "3 $(($(compressed 1) - $(compressed $variant)))"; done)
is "its report advises both variants in the line of the FROM, the larger saving first" "$(advised)" "$expected"
holds "its summary names them" logged "advice line 3: FROM $R/base:1-slim has 3.0 MiB compressed"
holds "check --bases says the same without a build" grep -q "^Dockerfile:3: advice: FROM $R/base:1-alpine" <(check)
is "and in JSON" "$(check --format json | jq -r '.advice[] | "\(.line) \(.savesBytes)"')" "$expected"
is "of another target it is that target's base" "$(check --target other | head -1)" "Dockerfile: no slimmer base of the same name"

context small <<EOF
FROM $R/base:2
EOF
build
is "a base below 32 MiB is not asked about in a build" "$(advised)" ""
holds "and is when check is asked to" grep -q "FROM $R/base:2-slim" <(check)

context missing <<EOF
FROM $R/base:3
EOF
check >/dev/null 2>"$T/log"
is "a base that does not exist is a configuration failure" "$?" 3
holds "which names it" logged "resolve $R/base:3"
"$BUILDER" check "$C" --target x >/dev/null 2>&1
is "--target without --bases is a usage error" "$?" 2
done_testing
