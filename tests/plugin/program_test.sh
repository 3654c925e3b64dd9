#!/usr/bin/env bash
# The program as a user starts it: exit statuses, help and completion. No cluster is asked.
#   program_test.sh PATH_OF_kubectl-imagebuild
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work
unset KUBECONFIG KUBERNETES_SERVICE_HOST
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect STATUS PATTERN ARGUMENT...: the status, and a line of the output that matches.
expect() {
  local status=$1 pattern=$2 got=0
  shift 2
  "$program" "$@" >"$work/out" 2>&1 || got=$?
  [ "$got" = "$status" ] || fail "$*: status $got instead of $status: $(head -3 "$work/out")"
  grep -qe "$pattern" "$work/out" || fail "$*: no line matches '$pattern': $(head -3 "$work/out")"
}

expect 0 '^kubectl imagebuild\|Usage: kubectl imagebuild' --help
expect 0 'of the ImageBuild' sizes --help
expect 0 '^[0-9]*\.[0-9]*\.[0-9]*$' --version
expect 2 'Usage: kubectl imagebuild' # none given
expect 2 'NAME' sizes
expect 2 'FORMAT\|xml' sizes web -o xml
expect 2 'frobnicate' frobnicate
expect 1 '^error: kubeconfig' sizes web
expect 1 '^error: kubeconfig' sizes web --kubeconfig "$work/none"

# A server that does not answer: port 1 of the loopback is nobody's.
cat >"$work/config" <<'YAML'
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, namespace: shop}}]
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
YAML
expect 1 '^error: get imagebuilds shop/web' sizes web --kubeconfig "$work/config"
expect 1 '^error: get imagebuilds dev/web' -n dev why web --kubeconfig "$work/config"

for shell in bash zsh fish; do
  "$program" completion "$shell" >"$work/$shell"
  if command -v "$shell" >/dev/null; then
    "$shell" -n "$work/$shell" || fail "the $shell script does not parse"
  fi
done

# What bash offers, with the program found on PATH as kubectl finds it.
mkdir "$work/bin"
ln -s "$(realpath "$program")" "$work/bin/kubectl-imagebuild"
PATH=$work/bin:$PATH
# shellcheck source=/dev/null
. "$work/bash"
complete_line() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _kubectl_imagebuild
  echo "${COMPREPLY[*]}"
}
[ "$(complete_line kubectl-imagebuild s)" = "sizes suspend" ] || fail "bash: commands"
[ "$(complete_line kubectl-imagebuild sizes x -o '')" = "json table yaml" ] || fail "bash: formats"
# kubectl's own protocol: candidates, then a directive.
[ "$("$program" __complete res)" = $'resume\n:4' ] || fail "__complete"

[ "$failures" = 0 ] && echo "all is well"
exit "$((failures > 0))"
