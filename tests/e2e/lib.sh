# shellcheck shell=bash
# What the e2e tests share. Each test is a script of sentences: it says what it
# checks, and ends with a failure that shows the objects involved.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034  # common.sh puts it in front of messages
SCRIPT=$(basename "$0" .sh)
for part in common packages http-server app-repo services install ladder; do
  # shellcheck source=/dev/null
  . "$ROOT/hack/lib/$part.sh"
done
# The cluster is ours alone, whatever the caller has set.
unset KUBECONFIG
eval "$("$ROOT/hack/cluster" env)"

k() { "$KUBECTL" --request-timeout=20s "$@"; }

# fail SENTENCE: ends the test, with what there is to see.
fail() {
  say "FAILED: $*"
  k -n "${NAMESPACE:-default}" get imagebuilds,pods -o wide >&2 || true
  k -n "${NAMESPACE:-default}" get imagebuilds -o json 2>/dev/null | jq -c '.items[] | {name: .metadata.name, status: .status}' >&2 || true
  k -n imagebuild-system logs -l app.kubernetes.io/name=imagebuild-operator --tail=40 >&2 || true
  exit 1
}

# namespace NAME: a fresh one, made the current test's.
namespace() {
  NAMESPACE=$1
  k delete namespace "$NAMESPACE" --ignore-not-found --timeout=90s >/dev/null 2>&1 || true
  k create namespace "$NAMESPACE" >/dev/null
  wait_for 30 "the default service account" k -n "$NAMESPACE" get serviceaccount default || fail "no service account"
}

# inline NAME SPEC_YAML <Dockerfile: applies an ImageBuild with that Dockerfile.
inline() {
  {
    printf 'apiVersion: imagebuild.dev/v1alpha1\nkind: ImageBuild\nmetadata: {name: %s, namespace: %s}\nspec:\n' "$1" "$NAMESPACE"
    printf '  image: %s/%s/%s\n' "$REGISTRY_POD" "$NAMESPACE" "$1"
    [ -z "${2:-}" ] || sed 's/^/  /' <<<"$2"
    printf '  source:\n    inline:\n      files:\n        Dockerfile: |\n'
    sed 's/^/          /'
  } | k apply -f - >/dev/null
}

# field NAME JQ: of an ImageBuild, "" when there is none.
field() { k -n "$NAMESPACE" get imagebuild "$1" -o json | jq -r "($2) // \"\""; }
# condition NAME TYPE: "True Reason".
condition() { field "$1" ".status.conditions[]? | select(.type == \"$2\") | .status + \" \" + .reason"; }

condition_is() { [[ "$(condition "$1" "$2")" == "$3"* ]]; }
# await NAME TYPE "STATUS[ REASON]" [SECONDS]
await() {
  wait_for "${4:-180}" "$1 to be $2=$3" condition_is "$1" "$2" "$3" || fail "$1: $2 is '$(condition "$1" "$2")', expected '$3'"
}

# equal WHAT GOT WANTED
equal() { [ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"; }
# contains WHAT TEXT PART
contains() { [[ "$2" == *"$3"* ]] || fail "$1 does not contain '$3': $2"; }

# random MIB FILE: a RUN's words that write so many incompressible MiB.
random() { echo "head -c $(($1 << 20)) /dev/urandom > $2"; }
# build_ended NAME NUMBER [RESULT]: that build of the object is over (with that result).
build_ended() {
  local result
  [ "$(field "$1" .status.build.number)" = "$2" ] || return 1
  result=$(field "$1" .status.build.result)
  [ -n "$result" ] && [ "${3:-$result}" = "$result" ]
}

pods_of() { k -n "$NAMESPACE" get pods -l imagebuild.dev/uid="$(field "$1" .metadata.uid)" -o name | wc -l; }

# run_image NAME IMAGE COMMAND...: runs a container of the image and prints its log.
run_image() {
  local name=$1-$SRANDOM image=$2 command
  shift 2
  command=$(python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@")
  k -n "$NAMESPACE" apply -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$name"},
 "spec": {"restartPolicy": "Never", "automountServiceAccountToken": false,
          "containers": [{"name": "c", "image": "$image", "command": $command}]}}
END
  wait_for 90 "pod $name" pod_ended "$name" || fail "pod $name does not end"
  k -n "$NAMESPACE" logs "$name"
  [ "$(k -n "$NAMESPACE" get pod "$name" -o jsonpath='{.status.phase}')" = Succeeded ] || fail "pod $name failed"
}
pod_ended() { case $(k -n "$NAMESPACE" get pod "$1" -o jsonpath='{.status.phase}') in Succeeded | Failed) ;; *) false ;; esac; }
