# shellcheck shell=bash
# What every script under hack/ shares: messages with durations, failing with a
# sentence, and installing Debian packages that are missing.
#
# Sourced, not run. The script may set SCRIPT (the word in front of messages).

SCRIPT=${SCRIPT:-$(basename "$0")}
LAP_START=${EPOCHREALTIME/[.,]/}
LAP_LAST=$LAP_START

say() { printf '%s: %s\n' "$SCRIPT" "$*" >&2; }
die() { printf '%s: error: %s\n' "$SCRIPT" "$*" >&2; exit 1; }

# seconds MICROSECONDS: "12.3".
seconds() { printf '%d.%d' $(($1 / 1000000)) $(($1 / 100000 % 10)); }

# lap WHAT: says WHAT is done and how long it took since the last lap.
lap() {
  local now=${EPOCHREALTIME/[.,]/}
  say "$(printf '%5s s  %s' "$(seconds $((now - LAP_LAST)))" "$*")"
  LAP_LAST=$now
}

# lap_total WHAT: the same, since the script started.
lap_total() {
  local now=${EPOCHREALTIME/[.,]/}
  say "$(printf '%5s s  %s' "$(seconds $((now - LAP_START)))" "$*")"
}

need_root() { [ "$(id -u)" = 0 ] || die "$* needs root"; }

# wait_for SECONDS WHAT COMMAND...: until COMMAND succeeds; 1 when time is up.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { say "waited in vain for $what"; return 1; }
    sleep 0.1
  done
}

# missing_packages NAME...: those of them that are not installed, one a line.
missing_packages() {
  local installed
  # shellcheck disable=SC2016  # dpkg-query expands it
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p') || true
  printf '%s\n' "$@" | sort -u | grep -vxF "${installed:-none}" || true
}

# ensure_packages NAME...: installs those that are missing, and only those.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "missing packages, and no apt-get here: ${missing[*]}"
  need_root "installing ${missing[*]}"
  say "installing ${missing[*]}"
  apt_update || say "apt-get update failed (see $(apt_log)); trying with the lists that are here"
  without_daemons apt_get install -y --no-install-recommends "${missing[@]}" >>"$(apt_log)" 2>&1 ||
    die "apt-get install ${missing[*]} failed: see $(apt_log)"
  keep_daemons_off "${missing[@]}"
}

# keep_daemons_off PACKAGE...: what we installed must not start at the next boot
# either; a docker-registry of Debian's would then sit on our port.
keep_daemons_off() {
  local units
  command -v systemctl >/dev/null || return 0
  mapfile -t units < <(dpkg -L "$@" | sed -n 's,^.*/lib/systemd/system/\([^/@]*\.service\)$,\1,p' |
    grep -xE 'etcd\.service|containerd\.service|docker-registry\.service|lighttpd\.service')
  [ ${#units[@]} = 0 ] || systemctl --quiet disable "${units[@]}" >>"$(apt_log)" 2>&1 || true
}

apt_log() { printf '%s/imagebuild-apt.log\n' "${TMPDIR:-/tmp}"; }

# apt-get that asks nothing and waits for whoever holds dpkg's lock.
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# The lists are locked by another lock than dpkg's, for which apt does not wait.
apt_update() {
  local i
  for i in 1 2 3; do
    apt_get update >>"$(apt_log)" 2>&1 && return 0
    [ "$i" = 3 ] || sleep $((i * 5))
  done
  return 1
}

# without_daemons COMMAND...: no package starts a service meanwhile. The refusal
# is taken away again even when COMMAND fails, and left if it was there before.
without_daemons() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -e "$policy" ] && ! grep -q '^# imagebuild:' "$policy"; then "$@"; return; fi
  printf '#!/bin/sh\n# imagebuild: no daemons while packages are installed\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return $status
}
