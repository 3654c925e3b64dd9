# shellcheck shell=bash disable=SC2034
# What the tests of the builder as its users run it have in common: a work folder that goes away, sentences that hold or
# do not, builds of small contexts, a registry, a base image. To be sourced by a script that was started with bash; sets T
# (folder), WORK (everything that builds unpack; empty between them), BUILDER, and R (the registry) and BASE when asked.
set -uo pipefail

for tool in docker-registry skopeo umoci jq busybox; do
  command -v "$tool" >/dev/null || { echo "skip: $tool is not installed"; exit 77; }
done
BUILDER=${IMAGEBUILD_BINARY_DIR:?the build folder}/builder/imagebuild-builder
[ -x "$BUILDER" ] || { echo "no $BUILDER"; exit 1; }

T=$(mktemp -d "${TMPDIR:-/tmp}/imagebuild-builder-test.XXXXXX")
chmod 0711 "$T"
WORK=$T/work # everything that builds unpack; empty between them
mkdir "$WORK"
REGISTRY_PID='' SLEEPER='' AGENT_PID=''
# Reached through the trap.
# shellcheck disable=SC2317
clean_up() {
  [ -z "$SLEEPER" ] || kill -KILL "$SLEEPER" 2>/dev/null
  [ -z "$REGISTRY_PID" ] || kill "$REGISTRY_PID" 2>/dev/null
  [ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null
  # A kept cache belongs to the subordinate ids of whoever is not root.
  rm -rf "$T" 2>/dev/null || unshare --map-root-user --map-auto rm -rf "$T"
}
trap clean_up EXIT
FAILED=0 CHECKS=0

# holds SENTENCE COMMAND...: the command succeeds.
holds() {
  local sentence=$1
  shift
  CHECKS=$((CHECKS + 1))
  if "$@" >"$T/holds.log" 2>&1; then
    echo "ok: $sentence"
  else
    FAILED=$((FAILED + 1))
    echo "FAILED: $sentence"
    echo "    $*" | head -c 600
    echo
    tail -qn 8 "$T/holds.log" "$T/log" 2>/dev/null | sed 's/^/    /'
  fi
}
# is SENTENCE ACTUAL EXPECTED
is() { holds "$1 (got '$2', want '$3')" [ "$2" = "$3" ]; }
not() { ! "$@"; }
logged() { grep -qE -- "$1" "$T/log"; }

# context NAME <Dockerfile: a fresh context $C with that Dockerfile.
context() {
  C=$T/contexts/$1
  rm -rf "$C"
  mkdir -p "$C"
  cat >"$C/Dockerfile"
}
# build FLAGS...: builds $C; log in $T/log, exit status in $STATUS, report in $T/report.json.
build() {
  rm -f "$T/report.json"
  "$BUILDER" build "$C" --insecure-registry "$R" --work-dir "$WORK" --report "$T/report.json" --progress plain "$@" >"$T/log" 2>&1
  STATUS=$?
}
# root NAME FLAGS...: builds $C into an OCI layout and unpacks it with umoci: $ROOTFS, $CONFIG (the config document).
root() {
  local layout=$T/layouts/$1
  ROOTFS=$T/bundles/$1/rootfs CONFIG=$T/bundles/$1.config
  shift
  mkdir -p "$T/layouts" "$T/bundles"
  build --output "oci:$layout" "$@"
  [ "$STATUS" = 0 ] || return 1
  local rootless=()
  [ "$(id -u)" = 0 ] || rootless=(--rootless)
  umoci unpack "${rootless[@]}" --image "$layout:latest" "${ROOTFS%/rootfs}" >>"$T/log" 2>&1 &&
    skopeo inspect --config --raw "oci:$layout:latest" >"$CONFIG"
}
digest() { jq -r '.digest // ""' "$T/report.json" 2>/dev/null; }
own_layers() { jq '[.platforms[0].layers[] | select((.origin | ascii_downcase) == "own")] | length' "$T/report.json"; }
manifest_at() { skopeo inspect --raw --tls-verify=false "docker://$1"; }

start_registry() {
  local port attempt
  for attempt in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    cat >"$T/registry.yml" <<EOF
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $T/registry}}
http: {addr: "127.0.0.1:$port"}
EOF
    docker-registry serve "$T/registry.yml" >"$T/registry.log" 2>&1 &
    REGISTRY_PID=$!
    R=127.0.0.1:$port
    for _ in $(seq 100); do
      kill -0 "$REGISTRY_PID" 2>/dev/null || continue 2
      (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return 0
      sleep 0.1
    done
  done
  echo "no registry after $attempt attempts"
  cat "$T/registry.log"
  exit 1
}

# make_base: a busybox with users, a little data and an ONBUILD trigger, pushed as $BASE.
make_base() {
  context base <<'EOF'
FROM scratch
COPY busybox /bin/busybox
COPY etc /etc/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 /tmp && mkdir /data && echo one > /data/one && echo two > /data/two
ONBUILD RUN echo triggered > /onbuild
ENV FROM_BASE=yes
EOF
  cp "$(command -v busybox)" "$C/busybox"
  mkdir "$C/etc"
  printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001:node:/home/node:/bin/sh\n' >"$C/etc/passwd"
  printf 'root:x:0:\nnode:x:1001:\nextra:x:1002:node\n' >"$C/etc/group"
  build -t "$R/base:1"
  BASE=$R/base:1
}

# find_plain_user: $USER_NAME has a subordinate range and reaches the builder; empty: there is nobody, or we are not root.
find_plain_user() {
  USER_NAME=''
  local name count
  if [ "$(id -u)" = 0 ] && command -v setpriv newuidmap >/dev/null; then
    while IFS=: read -r name _ count; do
      if [ "$name" != root ] && id "$name" >/dev/null 2>&1 && [ "$count" -ge 2000 ]; then USER_NAME=$name && break; fi
    done </etc/subuid
  fi
  if [ -z "$USER_NAME" ]; then
    echo "skip: no ordinary user with a subordinate range"
  elif ! as_plain_user test -x "$BUILDER"; then
    echo "skip: $USER_NAME cannot reach the builder"
    USER_NAME=''
  fi
}
as_plain_user() {
  (cd / && HOME=$T/plain setpriv --reuid "$USER_NAME" --regid "$(id -g "$USER_NAME")" --clear-groups "$@")
}

# done_testing: the script's last command.
done_testing() {
  holds "no build left anything in its work directory" test -z "$(ls -A "$WORK")"
  echo "$((CHECKS - FAILED)) of $CHECKS hold"
  [ "$FAILED" = 0 ]
}
