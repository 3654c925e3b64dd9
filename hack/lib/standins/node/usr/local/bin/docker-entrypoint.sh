#!/bin/sh
# Options and script names go to node; a command that exists runs as it is.
set -e
case ${1:-} in
  -*) set -- node "$@" ;;
  *) if ! command -v "$1" >/dev/null 2>&1; then set -- node "$@"; fi ;;
esac
exec "$@"
