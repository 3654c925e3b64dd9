# shellcheck shell=bash disable=SC2034
# Names, places and addresses of the one-node cluster. Everything here can be
# set from the environment; nothing here changes the machine.

CLUSTER=imagebuild                                # node, network namespace, cgroup
LINK=imagebuild0                               # host end of the veth pair
K8S_VERSION=1.20.2

CACHE=${IMAGEBUILD_CACHE:-${XDG_CACHE_HOME:-/var/cache}/imagebuild}
BIN=$CACHE/kubernetes-$K8S_VERSION             # compiled once, kept by `down`
STATE=${IMAGEBUILD_CLUSTER_STATE:-/var/lib/imagebuild-cluster}
RUN=${IMAGEBUILD_CLUSTER_RUN:-/run/imagebuild-cluster}
LOG=$STATE/log
PKI=$STATE/pki
CONF=$STATE/conf

HOST_IP=${IMAGEBUILD_HOST_IP:-10.255.0.1}      # host end of the veth pair, /30
NODE_IP=${IMAGEBUILD_NODE_IP:-10.255.0.2}      # the node: API, registries
POD_CIDR=${IMAGEBUILD_POD_CIDR:-10.244.0.0/24}
SVC_CIDR=${IMAGEBUILD_SVC_CIDR:-10.96.0.0/24}
API_SVC_IP=${SVC_CIDR%.*}.1                    # the API server inside pods

REGISTRY_PORT=${IMAGEBUILD_REGISTRY_PORT:-5000}
MIRROR_PORT=${IMAGEBUILD_MIRROR_PORT:-5001}
REGISTRY=127.0.0.1:$REGISTRY_PORT              # one name on host and node
REGISTRY_POD=$NODE_IP:$REGISTRY_PORT           # the same registry from a pod
MIRROR_HOST=127.0.0.1:$MIRROR_PORT             # stands in for docker.io
MIRROR=$NODE_IP:$MIRROR_PORT                   # the same from a pod
PAUSE_IMAGE=$REGISTRY/imagebuild-cluster/pause:1

# Not ours to choose: a DaemonSet places seccomp profiles here by hostPath.
SECCOMP_ROOT=/var/lib/kubelet/seccomp

# A proxy, where the environment names one, must not stand between any of these.
NO_PROXY=${NO_PROXY:-${no_proxy:-}}
[[ ,$NO_PROXY, == *,$NODE_IP,* ]] || NO_PROXY=${NO_PROXY:+$NO_PROXY,}127.0.0.1,$HOST_IP,$NODE_IP,$POD_CIDR,$SVC_CIDR,.svc
no_proxy=$NO_PROXY
export NO_PROXY no_proxy

NETNS=/run/netns/$CLUSTER
CLUSTER_KUBECONFIG=$STATE/admin.kubeconfig
DAEMONS=(etcd registry mirror containerd kube-apiserver kube-controller-manager
  kube-scheduler kubelet kube-proxy forward-registry forward-mirror)
