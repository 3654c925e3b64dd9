# shellcheck shell=bash
# The cluster's processes: started detached inside the node's network namespace
# and a cgroup of ours, found again by a pidfile that holds pid *and* start time
# (a recycled pid is never taken for ours) or by membership of that cgroup.
# Nothing is ever looked for or ended by name.

# start_time PID: in clock ticks since boot, field 22 of /proc/PID/stat. The
# name in field 2 may hold blanks and parentheses, so count from its end. Fails
# for a process that is dead, reaped or not.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] && printf '%s\n' "${fields[19]}"
}

# daemon_pid NAME: its pid when it runs, else fails.
daemon_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$RUN/$1.pid" || return 1
  [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && printf '%s\n' "$pid"
}

alive() { daemon_pid "$1" >/dev/null; }

# all_alive: everything that must run does, and everything that was started.
all_alive() {
  local name pidfile
  for name in "${DAEMONS[@]}"; do alive "$name" || return 1; done
  for pidfile in "$RUN"/*.pid; do alive "$(basename "$pidfile" .pid)" || return 1; done
}

# start_on_node NAME COMMAND...: in the node's network namespace.
start_on_node() { start_on_host "$1" nsenter --net="$NETNS" -- "${@:2}"; }

# start_on_host NAME COMMAND...: output goes to $LOG/NAME.log.
start_on_host() {
  local name=$1 pid
  shift
  (
    join_cgroup "$BASHPID"
    exec setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null {LOCK}<&-
  ) &
  pid=$!
  printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$RUN/$name.pid"
  disown "$pid"
}

# stop NAME...: asks all, waits ten seconds at most, then kills.
stop() {
  local name i pid left
  for name; do ! pid=$(daemon_pid "$name") || kill -TERM "$pid" 2>/dev/null; done
  for ((i = 0; i < 200; i++)); do
    left=0
    for name; do ! alive "$name" || left=1; done
    [ $left = 1 ] || break
    sleep 0.05
  done
  for name; do
    ! pid=$(daemon_pid "$name") || kill -KILL "$pid" 2>/dev/null
    rm -f "$RUN/$name.pid"
  done
}

# --- cgroups -----------------------------------------------------------------

# Mount points of every cgroup hierarchy, versions 1 and 2.
cgroup_mounts() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts | sort -u; }

pure_cgroup_v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }

# The hierarchy whose groups tell which processes are ours.
tracking_mount() {
  local mount
  ! pure_cgroup_v2 || { printf '/sys/fs/cgroup\n'; return; }
  for mount in /sys/fs/cgroup/{pids,cpuacct,freezer,systemd}; do
    [ ! -e "$mount/cgroup.procs" ] || { printf '%s\n' "$mount"; return; }
  done
  return 1
}

# /$CLUSTER in each hierarchy is the root of the kubelet's tree; its child `system`
# holds the daemons and the container shims. Nothing is limited there.
make_cgroups() {
  local mount
  if pure_cgroup_v2; then
    make_cgroup_v2
  else
    cgroup_mounts | while read -r mount; do make_cgroup_v1 "$mount"; done
  fi
  mount=$(tracking_mount) || die "no cgroup hierarchy is mounted below /sys/fs/cgroup"
  mkdir -p "$mount/$CLUSTER/system"
}

make_cgroup_v1() {
  local file
  mkdir -p "$1/$CLUSTER"
  # A cpuset starts empty, and nothing can run in an empty one.
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$1/$file" ] || cat "$1/$file" >"$1/$CLUSTER/$file"
  done
  [ ! -e "$1/cpuset.cpus" ] || echo 1 >"$1/$CLUSTER/cgroup.clone_children"
}

make_cgroup_v2() {
  local root=/sys/fs/cgroup
  mkdir -p "$root/$CLUSTER/system"
  # Inside a container the root group has members, and then may not hand
  # controllers down: they move aside, and `down` moves them back.
  if ! hand_down_controllers $root; then
    mkdir -p "$root/$CLUSTER-aside"
    move_members $root "$root/$CLUSTER-aside"
    hand_down_controllers $root || die "cgroup v2: $root cannot hand down cpu, memory and pids"
  fi
  hand_down_controllers "$root/$CLUSTER" || die "cgroup v2: $root/$CLUSTER cannot hand down cpu, memory and pids"
}

# The kubelet refuses a cgroup that lacks one of these which the root has.
V2_CONTROLLERS=(cpuset cpu io memory pids hugetlb)

hand_down_controllers() {
  local controller
  for controller in "${V2_CONTROLLERS[@]}"; do
    echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" || true
  done
  [ "$(grep -owE 'cpu|memory|pids' "$1/cgroup.subtree_control" | wc -l)" = 3 ]
}

# move_members FROM TO: kernel threads refuse, and may.
move_members() {
  local pid
  while read -r pid; do echo "$pid" 2>/dev/null >"$2/cgroup.procs" || true; done <"$1/cgroup.procs"
}

join_cgroup() { echo "$1" >"$(tracking_mount)/$CLUSTER/system/cgroup.procs"; }

# Every cgroup of ours in every hierarchy, deepest first.
our_cgroups() {
  local mount
  cgroup_mounts | while read -r mount; do
    [ ! -d "$mount/$CLUSTER" ] || find "$mount/$CLUSTER" -depth -type d 2>/dev/null
  done
}

our_pids() {
  our_cgroups | while read -r group; do cat "$group/cgroup.procs" 2>/dev/null; done | sort -un | grep -vx 0
}

# Ends whatever still is in a cgroup of ours: shims, stray container processes,
# daemons whose pidfile a killed run never wrote.
end_cgroup_members() {
  local i pids signal=TERM
  for ((i = 0; i < 100; i++)); do
    mapfile -t pids < <(our_pids)
    [ ${#pids[@]} -gt 0 ] || return 0
    [ $i -lt 10 ] || signal=KILL
    kill -$signal "${pids[@]}" 2>/dev/null
    sleep 0.1
  done
  return 1
}

remove_cgroups() {
  local i group controller root=/sys/fs/cgroup
  for ((i = 0; i < 50; i++)); do
    our_cgroups | while read -r group; do rmdir "$group" 2>/dev/null; done
    [ -n "$(our_cgroups)" ] || break
    sleep 0.1
  done
  [ -d "$root/$CLUSTER-aside" ] || return 0
  for controller in "${V2_CONTROLLERS[@]}"; do
    echo "-$controller" 2>/dev/null >"$root/cgroup.subtree_control" || true
  done
  move_members "$root/$CLUSTER-aside" $root
  rmdir "$root/$CLUSTER-aside"
}
