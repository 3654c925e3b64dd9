# shellcheck shell=bash
# `hack/cluster smoke`: does this cluster do what the operator and the builder
# need from it? Each check makes what it needs in a namespace of its own.

SMOKE=imagebuild-smoke
SMOKE_IMAGE=$REGISTRY/imagebuild-cluster/smoke:1

cluster_smoke() {
  cluster_is_up || die "the cluster is not up: run hack/cluster up"
  trap smoke_clean EXIT
  smoke_clean
  smoke_push_image
  lap "image pushed to $REGISTRY"
  kube create namespace $SMOKE >/dev/null
  wait_for 30 "the namespace's service account" kube -n $SMOKE get serviceaccount default || die "no service account"
  check_custom_resource
  check_pod_and_logs
  check_pod_reaches_cluster
  check_proc_unmasked
  check_seccomp_profile
  check_way_out
  check_quiet
  smoke_clean
  trap - EXIT
  lap_total "the cluster does what it should"
}

smoke_clean() {
  kube delete crd things.smoke.test --ignore-not-found >/dev/null
  kube delete namespace $SMOKE --ignore-not-found --timeout=60s >/dev/null
}

smoke_push_image() {
  local root
  root=$(mktemp -d)
  chmod 755 "$root"
  mkdir -p "$root"/{bin,etc,tmp,proc,sys,dev}
  cp /bin/busybox "$root/bin/busybox"
  ln -s busybox "$root/bin/sh"
  push_image "$root" "$SMOKE_IMAGE" --config.env PATH=/bin
  rm -rf "$root"
}

# run_pod NAME SECURITY_CONTEXT SCRIPT [CONTAINER_SECURITY_CONTEXT]: runs it to
# its end; prints its log. Fails, saying why, unless the pod succeeds.
run_pod() {
  local name=$1 phase
  kube -n $SMOKE create -f - >/dev/null <<-P
	{ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "$name" },
	  "spec": { "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
	    "securityContext": $2,
	    "containers": [{ "name": "it", "securityContext": ${4:-null}, "image": "$SMOKE_IMAGE", "command": ["/bin/busybox", "sh", "-c", $(jq -Rs . <<<"$3")],
	      "volumeMounts": [{ "name": "seccomp", "mountPath": "/seccomp" }] }],
	    "volumes": [{ "name": "seccomp", "hostPath": { "path": "$SECCOMP_ROOT", "type": "DirectoryOrCreate" } }] } }
	P
  wait_for 60 "pod $name to end" pod_ended "$name" || { kube -n $SMOKE describe pod "$name" | tail -n 15 >&2; return 1; }
  phase=$(kube -n $SMOKE get pod "$name" -o jsonpath='{.status.phase}')
  kube -n $SMOKE logs "$name"
  [ "$phase" = Succeeded ]
}

pod_ended() { kube -n $SMOKE get pod "$1" -o jsonpath='{.status.phase}' | grep -qE 'Succeeded|Failed'; }

# Writing one is what crashed the API server with the unrepaired library.
check_custom_resource() {
  kube apply -f - >/dev/null <<-Y
	apiVersion: apiextensions.k8s.io/v1
	kind: CustomResourceDefinition
	metadata: {name: things.smoke.test}
	spec:
	  group: smoke.test
	  scope: Namespaced
	  names: {plural: things, singular: thing, kind: Thing}
	  versions:
	  - name: v1
	    served: true
	    storage: true
	    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, additionalProperties: {type: string}}}}}
	Y
  kube wait --for=condition=Established crd/things.smoke.test --timeout=30s >/dev/null
  smoke_thing one | kube apply -f - >/dev/null || die "a custom resource cannot be written"
  smoke_thing two | kube apply -f - >/dev/null || die "a custom resource cannot be changed"
  [ "$(kube -n $SMOKE get things a -o jsonpath='{.spec.size}')" = two ] || die "a custom resource was not stored"
  lap "a custom resource is written and read"
}

smoke_thing() {
  printf '{"apiVersion":"smoke.test/v1","kind":"Thing","metadata":{"name":"a","namespace":"%s"},"spec":{"size":"%s"}}' $SMOKE "$1"
}

check_pod_and_logs() {
  local log
  log=$(run_pod plain '{"runAsUser": 1000, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}' \
    'busybox id -u; exit 0') || die "a plain pod does not run: $log"
  [ "$log" = 1000 ] || die "a pod's log does not come back: got '$log'"
  lap "a pod runs as uid 1000 and its log comes back"
}

check_pod_reaches_cluster() {
  local log
  log=$(run_pod reach '{}' "set -e
    busybox wget -q -O - http://$REGISTRY_POD/v2/_catalog
    busybox wget -q -O - http://$MIRROR/v2/
    busybox nc -w 5 \$KUBERNETES_SERVICE_HOST \$KUBERNETES_SERVICE_PORT </dev/null") ||
    die "a pod does not reach the registries or the API server: $log"
  lap "a pod reaches both registries and the API server"
}

# What the builder needs to mount a fresh /proc of its own.
check_proc_unmasked() {
  local log
  log=$(run_pod unmasked '{}' "busybox grep ' /proc/' /proc/mounts && exit 1; exit 0" '{"procMount": "Unmasked"}') ||
    die "procMount Unmasked has no effect: $log"
  lap "a pod may have its /proc unmasked"
}

# A pod places the profile through the host's folder, as a DaemonSet does.
check_seccomp_profile() {
  local log profile='{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}'
  log=$(run_pod place '{}' "echo '$profile' >/seccomp/smoke.json") || die "a pod cannot place a seccomp profile: $log"
  log=$(run_pod confined '{"seccompProfile": {"type": "Localhost", "localhostProfile": "smoke.json"}}' \
    'busybox mkdir /tmp/it && exit 1; busybox rm /seccomp/smoke.json') || die "a Localhost seccomp profile is not applied: $log"
  lap "a Localhost seccomp profile is placed and applied"
}

check_way_out() {
  local address log
  address=$(package_source) || { say "no package mirror with an address in apt's configuration; the way out is not checked"; return; }
  log=$(run_pod out '{}' "busybox cat /etc/resolv.conf; busybox nc -w 10 ${address%:*} ${address##*:} </dev/null") ||
    die "a pod has no way to the package mirror of this machine: $log"
  lap "a pod resolves and reaches the package mirror of this machine"
}

# package_source: host:port where this machine gets its packages: apt's proxy or
# its first mirror.
package_source() {
  local proxy='' url
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ "$proxy" != DIRECT ] || proxy=
  # shellcheck disable=SC2016  # apt expands it
  url=${proxy:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 -E '^https?://')}
  [[ $url =~ ^(https?)://([^/@]*@)?([^/:]+)(:([0-9]+))? ]] || return 1
  local port=${BASH_REMATCH[5]}
  [ -n "$port" ] || { [ "${BASH_REMATCH[1]}" = https ] && port=443 || port=80; }
  printf '%s:%s\n' "${BASH_REMATCH[3]}" "$port"
}

# The kubelet warns about every pod when it does not know a nameserver for it.
check_quiet() {
  local warnings
  warnings=$(kube -n $SMOKE get events --field-selector reason=MissingClusterDNS -o name)
  [ -z "$warnings" ] || die "the kubelet warns about missing cluster DNS: kubectl -n $SMOKE get events"
  lap "the kubelet does not warn about missing cluster DNS"
}
