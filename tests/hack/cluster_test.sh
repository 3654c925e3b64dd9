#!/bin/bash
# shellcheck disable=SC2016  # what in_library gets is expanded over there
# Tests of hack/cluster that need no cluster and no root: what its pure parts
# compute. Whether a running cluster does its work is `hack/cluster smoke`.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
FAILED=0

# expect SENTENCE WANTED GOT
expect() {
  if [ "$2" = "$3" ]; then printf 'ok    %s\n' "$1"; return; fi
  printf 'FAIL  %s\n      wanted: %q\n      got:    %q\n' "$1" "$2" "$3"
  FAILED=1
}

# in_library COMMAND: with the library's functions and a run folder of the test's.
in_library() {
  env IMAGEBUILD_CLUSTER_RUN="$WORK/run" IMAGEBUILD_CLUSTER_STATE="$WORK/state" WORK="$WORK" bash -c '
    set -euo pipefail
    CLUSTER_LIB=$0/hack/lib/cluster
    for part in ../common ../packages settings process host network compile lifecycle smoke; do . "$CLUSTER_LIB/$part.sh"; done
    eval "$1"' "$ROOT" "$1" 2>&1
}

mkdir -p "$WORK/run"

# --- names ---
printf 'search a.test\nnameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.53\n' >"$WORK/resolv.conf"
expect "a nameserver on the loopback address is of no use to a pod" 192.0.2.53 \
  "$(in_library 'nameservers "$WORK/resolv.conf"')"
printf 'nameserver 127.0.0.1\n' >"$WORK/loopback.conf"
expect "a host with only a loopback nameserver has none to hand on" '' "$(in_library 'nameservers "$WORK/loopback.conf"')"
expect "a file that is not there names no nameserver" '' "$(in_library 'nameservers "$WORK/nosuch"')"

# --- addresses ---
expect "the network of a /30 is its lowest address" 10.255.0.0/30 "$(in_library 'network_of 10.255.0.1/30')"
expect "the network of a second /30 is too" 10.255.0.4/30 "$(in_library 'network_of 10.255.0.6/30')"
expect "other ranges are taken as they are" 10.244.0.0/24 "$(in_library 'network_of 10.244.0.0/24')"
expect "state made with other addresses is refused" 1 "$(in_library '
  mkdir -p "$STATE"; echo 192.0.2.9 x y z >"$STATE/addresses"
  (check_state_addresses) >/dev/null 2>&1 || echo $?')"
expect "nodes, pods and services are never behind a proxy" yes \
  "$(NO_PROXY=example.test in_library '[[ $NO_PROXY == example.test,*$NODE_IP,$POD_CIDR* ]] && echo yes')"

# --- pidfiles ---
expect "a process is known by pid and start time" yes "$(in_library '
  echo "$$ $(start_time $$)" >"$RUN/a.pid"; alive a && echo yes')"
expect "a recycled pid is not taken for ours" no "$(in_library '
  echo "$$ 1" >"$RUN/b.pid"; alive b || echo no')"
expect "a pidfile cut short by a kill names nobody" no "$(in_library '
  echo "$$ " >"$RUN/c.pid"; alive c || echo no')"
expect "without a pidfile nothing runs" no "$(in_library 'alive nosuch || echo no')"
ODD_NAME="$WORK/a) b ("
cp /bin/sleep "$ODD_NAME"
"$ODD_NAME" 60 &
ODD=$!
expect "blanks and parentheses in a process name do not shift its fields" yes "$(in_library "
  [ \"\$(start_time $ODD)\" = \"\$(sed 's/.*) //' /proc/$ODD/stat | cut -d' ' -f20)\" ] && echo yes")"
kill "$ODD"
wait "$ODD" 2>/dev/null || true

# --- packages ---
expect "what is installed is not asked for again" nosuch-package "$(in_library 'missing_packages bash nosuch-package bash')"
expect "a private list of sources asks for source packages" 'Types: deb-src' "$(in_library '
  mkdir -p "$WORK/sources"; private_sources "$WORK/sources"
  cat "$WORK"/sources/* | sed -n "s/^deb-src .*/Types: deb-src/p; /^Types:/p" | sort -u')"

# --- the command ---
expect "env prints assignments a shell can read" "$WORK/state/admin.kubeconfig" \
  "$(IMAGEBUILD_CLUSTER_STATE=$WORK/state "$ROOT/hack/cluster" env | sed -n 's/^export KUBECONFIG=//p')"
expect "an unknown command is refused" 2 "$("$ROOT/hack/cluster" nosuch 2>/dev/null || echo $?)"

if command -v shellcheck >/dev/null; then
  expect "shellcheck has nothing to say" '' \
    "$(shellcheck "$ROOT/hack/cluster" "$ROOT/hack/lib/common.sh" "$ROOT/hack/lib/packages.sh" "$ROOT"/hack/lib/cluster/*.sh "$0" 2>&1)"
else
  printf 'skip  shellcheck is missing (apt-get install shellcheck)\n'
fi
exit $FAILED
