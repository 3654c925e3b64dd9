# shellcheck shell=bash
# Configuration files of the daemons, written anew at every `up`.

write_configuration() {
  local port
  write_resolv_conf
  write_audit_policy
  write_cni
  write_containerd
  for port in "$REGISTRY_PORT" "$MIRROR_PORT"; do write_registry_hosts "$port"; done
  write_registry registry "$REGISTRY_PORT"
  write_registry mirror "$MIRROR_PORT"
  write_kubelet
}

# What workloads ask the API server, without bodies: shows which rights a service account really uses.
write_audit_policy() {
  rm -f "$LOG/audit.log"
  cat >"$CONF/audit-policy.yml" <<-C
	apiVersion: audit.k8s.io/v1
	kind: Policy
	omitStages: [RequestReceived]
	rules:
	- level: None
	  userGroups: ["system:serviceaccounts:kube-system"]
	- level: Metadata
	  userGroups: ["system:serviceaccounts"]
	- level: None
	C
}

write_cni() {
  mkdir -p "$CONF/cni"
  cat >"$CONF/cni/10-$CLUSTER.conflist" <<-C
	{ "cniVersion": "0.4.0", "name": "$CLUSTER", "plugins": [
	  { "type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": true, "hairpinMode": true, "mtu": $(outer_mtu),
	    "ipam": { "type": "host-local", "dataDir": "$RUN/cni", "ranges": [[{ "subnet": "$POD_CIDR" }]],
	              "routes": [{ "dst": "0.0.0.0/0" }] } },
	  { "type": "portmap", "capabilities": { "portMappings": true } } ] }
	C
}

# Root may lack CAP_SYS_RESOURCE (in a container or a small VM): it can then not
# lower an OOM score, which is what oom_score and restrict_oom_score_adj avoid.
write_containerd() {
  cat >"$CONF/containerd.toml" <<-C
	version = 2
	root = "$STATE/containerd"
	state = "$RUN/containerd"
	oom_score = 0
	disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
	  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.tracing"]
	[grpc]
	  address = "$RUN/containerd.sock"
	[plugins."io.containerd.internal.v1.opt"]
	  path = "$STATE/containerd/opt"
	[plugins."io.containerd.grpc.v1.cri"]
	  sandbox_image = "$PAUSE_IMAGE"
	  restrict_oom_score_adj = true
	  netns_mounts_under_state_dir = true
	  disable_apparmor = true
	  [plugins."io.containerd.grpc.v1.cri".cni]
	    bin_dir = "/usr/lib/cni"
	    conf_dir = "$CONF/cni"
	  [plugins."io.containerd.grpc.v1.cri".registry]
	    config_path = "$CONF/registries"
	  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
	    runtime_type = "io.containerd.runc.v2"
	    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
	      SystemdCgroup = false
	      Root = "$RUN/runc"
	C
}

# Both names of a registry lead the kubelet to the same place, over plain HTTP.
write_registry_hosts() {
  local host
  for host in "127.0.0.1:$1" "$NODE_IP:$1"; do
    mkdir -p "$CONF/registries/$host"
    cat >"$CONF/registries/$host/hosts.toml" <<-C
	server = "http://127.0.0.1:$1"
	[host."http://127.0.0.1:$1"]
	  capabilities = ["pull", "resolve"]
	C
  done
}

# write_registry NAME PORT
write_registry() {
  mkdir -p "$STATE/$1"
  cat >"$CONF/$1.yml" <<-C
	version: 0.1
	log: {level: warn, accesslog: {disabled: true}}
	storage:
	  filesystem: {rootdirectory: $STATE/$1}
	  delete: {enabled: true}
	http: {addr: "0.0.0.0:$2"}
	C
}

# clusterDNS names the host's nameservers: without it the kubelet falls back to
# them too, but writes a warning event for every pod.
write_kubelet() {
  local servers limit
  servers=$(nameservers "$CONF/resolv.conf" | paste -sd,)
  limit=$(ulimit -Hn)
  mkdir -p "$CONF/manifests"
  cat >"$CONF/kubelet.yml" <<-C
	apiVersion: kubelet.config.k8s.io/v1beta1
	kind: KubeletConfiguration
	address: $NODE_IP
	authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
	authorization: {mode: Webhook}
	tlsCertFile: $PKI/kubelet-server.crt
	tlsPrivateKeyFile: $PKI/kubelet-server.key
	healthzBindAddress: 127.0.0.1
	readOnlyPort: 0
	featureGates: {ProcMountType: true}
	cgroupDriver: cgroupfs
	cgroupRoot: /$CLUSTER
	enforceNodeAllocatable: [pods]
	failSwapOn: false
	oomScoreAdj: 0
	maxOpenFiles: ${limit/unlimited/1000000}
	resolvConf: $CONF/resolv.conf
	clusterDNS: [$servers]
	staticPodPath: $CONF/manifests
	volumePluginDir: $STATE/kubelet/volumeplugins
	serializeImagePulls: false
	registryPullQPS: 0
	eventRecordQPS: 0
	kubeAPIQPS: 50
	kubeAPIBurst: 100
	evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
	imageGCHighThresholdPercent: 99
	imageGCLowThresholdPercent: 98
	nodeStatusUpdateFrequency: 1s
	nodeStatusReportFrequency: 1m
	syncFrequency: 10s
	fileCheckFrequency: 60s
	C
}
