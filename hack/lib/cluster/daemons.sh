# shellcheck shell=bash
# Command lines of the daemons, and how to tell that each is ready.

FEATURE_GATES=ProcMountType=true

start_storage() {
  # The data of a test cluster need not survive a power cut.
  start_on_node etcd etcd --name "$CLUSTER" --data-dir "$STATE/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster "$CLUSTER=http://127.0.0.1:2380" --logger zap --log-level warn
  start_on_node registry docker-registry serve "$CONF/registry.yml"
  start_on_node mirror docker-registry serve "$CONF/mirror.yml"
  start_on_node containerd containerd --config "$CONF/containerd.toml" --log-level info
}

# One image reference serves host and node: 127.0.0.1 leads to the same registry.
start_forwards() {
  start_on_host forward-registry socat \
    "TCP4-LISTEN:$REGISTRY_PORT,bind=127.0.0.1,fork,reuseaddr" "TCP4:$NODE_IP:$REGISTRY_PORT"
  start_on_host forward-mirror socat \
    "TCP4-LISTEN:$MIRROR_PORT,bind=127.0.0.1,fork,reuseaddr" "TCP4:$NODE_IP:$MIRROR_PORT"
  start_dns_forward
}

start_apiserver() {
  start_on_node kube-apiserver "$BIN/kube-apiserver" --v=1 \
    --etcd-servers=http://127.0.0.1:2379 \
    --bind-address=0.0.0.0 --secure-port=6443 --insecure-port=0 --advertise-address="$NODE_IP" \
    --service-cluster-ip-range="$SVC_CIDR" \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
    --client-ca-file="$PKI/ca.crt" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --kubelet-client-certificate="$PKI/apiserver-kubelet.crt" --kubelet-client-key="$PKI/apiserver-kubelet.key" \
    --service-account-issuer=https://kubernetes.default.svc --api-audiences=https://kubernetes.default.svc \
    --service-account-key-file="$PKI/service-account.pub" \
    --service-account-signing-key-file="$PKI/service-account.key" \
    --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group \
    --requestheader-username-headers=X-Remote-User \
    --proxy-client-cert-file="$PKI/front-proxy.crt" --proxy-client-key-file="$PKI/front-proxy.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --audit-policy-file="$CONF/audit-policy.yml" --audit-log-path="$LOG/audit.log" --audit-log-maxbackup=1 \
    --allow-privileged=true --feature-gates=$FEATURE_GATES
}

start_control_loops() {
  local config=$CONF/controller-manager.kubeconfig
  start_on_node kube-controller-manager "$BIN/kube-controller-manager" --v=1 --kubeconfig="$config" \
    --authentication-kubeconfig="$config" --authorization-kubeconfig="$config" \
    --bind-address=127.0.0.1 --port=0 --leader-elect=false --use-service-account-credentials=true \
    --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/service-account.key" \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
    --flex-volume-plugin-dir="$STATE/kubelet/volumeplugins"
  config=$CONF/scheduler.kubeconfig
  start_on_node kube-scheduler "$BIN/kube-scheduler" --v=1 --kubeconfig="$config" \
    --authentication-kubeconfig="$config" --authorization-kubeconfig="$config" \
    --bind-address=127.0.0.1 --port=0 --leader-elect=false
}

start_node() {
  start_on_node kubelet "$BIN/kubelet" --v=1 --config="$CONF/kubelet.yml" --kubeconfig="$CONF/kubelet.kubeconfig" \
    --root-dir="$STATE/kubelet" --seccomp-profile-root="$SECCOMP_ROOT" \
    --hostname-override="$CLUSTER" --node-ip="$NODE_IP" \
    --container-runtime=remote --container-runtime-endpoint="unix://$RUN/containerd.sock"
  # Zeros: leave the host's connection tracking table as it is.
  start_on_node kube-proxy "$BIN/kube-proxy" --v=1 --kubeconfig="$CONF/proxy.kubeconfig" \
    --hostname-override="$CLUSTER" --proxy-mode=iptables --cluster-cidr="$POD_CIDR" --bind-address="$NODE_IP" \
    --healthz-bind-address= --metrics-bind-address=127.0.0.1 --oom-score-adj=0 \
    --conntrack-max-per-core=0 --conntrack-min=0 \
    --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}

# --- readiness ---------------------------------------------------------------

kube() { "${KUBECTL:-kubectl}" --kubeconfig="$CLUSTER_KUBECONFIG" --request-timeout=10s "$@"; }

# ready SECONDS DAEMON COMMAND...: waits until COMMAND succeeds, or says what
# died, or which log to read.
ready() {
  local end=$((SECONDS + $1)) name=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    alive "$name" || die "$name died; the reason is at the end of $LOG/$name.log"
    [ "$SECONDS" -lt $end ] || die "$name is not ready; see $LOG/$name.log"
    sleep 0.1
  done
}

registry_answers() { curl -fsS --noproxy '*' --max-time 2 "http://$1/v2/"; }
apiserver_answers() { kube get --raw /readyz; }
containerd_answers() { ctr --address "$RUN/containerd.sock" version; }

# node_ready_since TIME: a node that was Ready before a warm start does not count.
node_ready_since() {
  local ready beat
  read -r ready beat < <(kube get node "$CLUSTER" -o \
    jsonpath='{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{"\n"}{end}')
  [ "$ready" = True ] && [[ ! $beat < $1 ]]
}

service_rules_written() {
  nsenter --net="$NETNS" iptables -w -t nat -S KUBE-SERVICES | grep -q -- "-d $API_SVC_IP/32"
}
