# shellcheck shell=bash disable=SC2034
# The one list of Debian packages this repository needs, by purpose.
#
# Sourced, not run. Add a package here and nowhere else, in the array of the
# purpose that needs it; `ensure_packages "${PACKAGES_BUILD[@]}"` of common.sh
# installs what is missing. A package may stand in more than one array.

# To compile the operator, the builder and the unit tests.
PACKAGES_BUILD=(
  g++ cmake ninja-build ccache pkg-config git
  libcpprest-dev libboost-system-dev libssl-dev
  libyaml-cpp-dev nlohmann-json3-dev
  libarchive-dev libbz2-dev liblzma-dev zlib1g-dev libzstd-dev libdeflate-dev libisal-dev
  prometheus-cpp-dev libspdlog-dev libcli11-dev
  libseccomp-dev libcap-dev libacl1-dev
  catch2
)

# To run the integration tests on this machine, without a cluster.
PACKAGES_TEST=(
  docker-registry uidmap busybox-static
  umoci skopeo jq python3 curl git openssh-client
  golang-go golang-github-masterminds-sprig-dev golang-github-masterminds-semver-dev
  golang-github-gobwas-glob-dev golang-k8s-sigs-yaml-dev golang-github-xeipuuv-gojsonschema-dev
  prometheus prometheus-alertmanager python3-yaml
)

# To let libFuzzer drive the fuzz targets (hack/fuzz); the tests replay their corpus without it.
PACKAGES_FUZZ=(clang libclang-rt-14-dev python3)

# To look at the operator's page with a real browser.
PACKAGES_PAGE=(chromium python3)

# To run the one-node cluster of hack/cluster.
PACKAGES_CLUSTER=(
  etcd-server containerd runc containernetworking-plugins docker-registry
  iptables nftables iproute2 conntrack ethtool procps util-linux
  socat openssl curl jq
  umoci skopeo busybox-static
)

# When no `kubectl` is on PATH.
PACKAGES_KUBECTL=(kubernetes-client)

# To compile Kubernetes once for that cluster; not needed after that.
PACKAGES_CLUSTER_COMPILE=(
  golang-go golang-github-modern-go-reflect2-dev dpkg-dev ca-certificates
)

# To put our programs into images (hack/images).
PACKAGES_IMAGES=(
  ca-certificates uidmap libcap2-bin git jq
)

# To run the demonstration on the cluster.
PACKAGES_DEMO=(
  mmdebstrap busybox-static umoci skopeo jq lighttpd git curl
)

# To check the scripts themselves.
PACKAGES_LINT=(shellcheck)
