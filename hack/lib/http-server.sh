# shellcheck shell=bash
# One lighttpd that serves a folder of its own and nothing else:
#   FOLDER/apk/   as http://ADDRESS:PORT/apk/, plain files
#   FOLDER/git/   as http://ADDRESS:PORT/git/, repositories over smart HTTP, for
#                 reading
# FOLDER/pid says which process it is: its number and its start time, so that a
# number used again is never taken for ours.
#
# Sourced, after common.sh. Needs the packages lighttpd and git.

# http_server_start FOLDER ADDRESS PORT [NETNS]: starts it, or restarts it, and
# returns when it answers. NETNS is the path of a network namespace to run in.
http_server_start() {
  local folder=$1 address=$2 port=$3 enter=() pid
  if [ -n "${4:-}" ]; then enter=(nsenter "--net=$4"); fi
  http_server_stop "$folder"
  mkdir -p "$folder/apk" "$folder/git" "$folder/www"
  chmod 755 "$folder" "$folder/apk" "$folder/git" "$folder/www"
  http_server_config "$folder" "$address" "$port" >"$folder/lighttpd.conf"
  : >"$folder/error.log"
  # Not in this script's session, so that a key press at the terminal that ends
  # the script does not end the server. No open lock files either.
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setsid "${enter[@]}" lighttpd -D -f "$folder/lighttpd.conf" \
    </dev/null >>"$folder/error.log" 2>&1 9>&- &
  pid=$!
  echo "$pid $(process_start_time "$pid")" >"$folder/pid"
  if ! wait_for 10 "the http server on $address:$port" \
    http_server_answers "$folder" "http://$address:$port/" "${enter[@]}"; then
    cat "$folder/error.log" >&2
    http_server_stop "$folder"
    return 1
  fi
}

http_server_stop() {
  local pid
  if http_server_running "$1"; then
    read -r pid _ <"$1/pid"
    kill "$pid" 2>/dev/null || true
    wait_for 5 "the http server to end" http_server_gone "$1" || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$1/pid"
}

http_server_running() {
  local pid start
  [ -s "$1/pid" ] && read -r pid start <"$1/pid" && [ -n "$start" ] &&
    [ "$(process_start_time "$pid")" = "$start" ]
}

http_server_gone() { ! http_server_running "$1"; }

# http_server_answers FOLDER URL [ENTER...]: an answer of any status counts, but
# another server on that address does not.
http_server_answers() {
  local folder=$1 url=$2
  shift 2
  http_server_running "$folder" && "$@" curl -s -o /dev/null --noproxy '*' --max-time 2 "$url"
}

# Field 22 of stat, counted after the name, which may hold blanks. Nothing for a
# process that has ended, even if nobody has waited for it yet.
process_start_time() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  # shellcheck disable=SC2086 # Fields of numbers.
  set -- ${stat##*) }
  case $1 in Z | X) ;; *) echo "${20}" ;; esac
}

http_server_config() {
  local folder=$1 address=$2 port=$3
  cat <<END
server.modules = ( "mod_alias", "mod_setenv", "mod_cgi" )
server.bind = "$address"
server.port = $port
server.document-root = "$folder/www"
mimetype.assign = ( "" => "application/octet-stream" )
alias.url = (
  "/apk/" => "$folder/apk/",
  "/git/" => "$(git --exec-path)/git-http-backend/"
)
# The repositories belong to whoever made them, which git would mistrust.
\$HTTP["url"] =~ "^/git/" {
  cgi.assign = ( "" => "" )
  setenv.add-environment = (
    "GIT_PROJECT_ROOT" => "$folder/git",
    "GIT_HTTP_EXPORT_ALL" => "1",
    "GIT_CONFIG_NOSYSTEM" => "1",
    "GIT_CONFIG_COUNT" => "1",
    "GIT_CONFIG_KEY_0" => "safe.directory",
    "GIT_CONFIG_VALUE_0" => "*"
  )
}
END
  # Files are served to anyone, so nobody in particular serves them.
  if [ "$(id -u)" = 0 ]; then
    printf 'server.username = "www-data"\nserver.groupname = "www-data"\n'
  fi
}
