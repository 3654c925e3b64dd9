# shellcheck shell=bash
# Compiles the five Kubernetes daemons from Debian's *source* package (Debian
# has no server binaries) into $BIN, once. Needs nothing but the machine's own
# Debian mirror. Interrupted, it goes on where it was: $BIN appears as a whole.

KUBERNETES_DAEMONS=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)

ensure_binaries() {
  [ ! -x "$BIN/pause" ] || return 0
  ensure_packages "${PACKAGES_CLUSTER_COMPILE[@]}"
  lap "packages to compile Kubernetes are there"
  local scratch=$CACHE/compile
  mkdir -p "$scratch" "$CACHE"
  say "compiling Kubernetes $K8S_VERSION, once; about three minutes on two cores; log $CACHE/compile.log"
  fetch_kubernetes "$scratch" || die "no source of Kubernetes $K8S_VERSION: see $CACHE/compile.log"
  lap "source package kubernetes fetched"
  compile_kubernetes "$scratch" || die "Kubernetes does not compile: see $CACHE/compile.log"
  lap "Kubernetes compiled into $BIN"
  rm -rf "$scratch"
}

# fetch_kubernetes DIR: Debian's source package unpacked at DIR/src. The source
# lists are a private copy of the machine's, so that nothing under /etc changes.
fetch_kubernetes() {
  local dir=$1
  [ ! -e "$dir/src/.complete" ] || return 0
  rm -rf "$dir/src" "$dir/apt"
  mkdir -p "$dir/apt/sources" "$dir/apt/lists/partial"
  private_sources "$dir/apt/sources"
  local apt=(apt-get -q -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$dir/apt/sources"
    -o "Dir::State::Lists=$dir/apt/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "APT::Sandbox::User=root")
  # Third-party sources often have no source packages; what counts is the next step.
  "${apt[@]}" update >"$CACHE/compile.log" 2>&1 </dev/null || true
  (cd "$dir/apt" && "${apt[@]}" source --download-only kubernetes) >>"$CACHE/compile.log" 2>&1 </dev/null || return 1
  dpkg-source --no-check -x "$dir"/apt/kubernetes_*.dsc "$dir/src" >>"$CACHE/compile.log" 2>&1 || return 1
  touch "$dir/src/.complete"
}

# private_sources DIR: the machine's apt sources, asking for source packages.
private_sources() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -f "$file" ] || sed -n 's/^deb\(-src\)\?[[:space:]]/deb-src /p' "$file" >"$1/${file##*/}"
  done
  [ ! -e "$1/sources.list" ] || mv "$1/sources.list" "$1/main.list"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$1/${file##*/}"
  done
}

# compile_kubernetes DIR: from DIR/src into $BIN. Runs in a subshell, as it
# changes directory and environment.
compile_kubernetes() (
  exec >>"$CACHE/compile.log" 2>&1
  dir=$1 module=k8s.io/kubernetes partial=$CACHE/binaries.partial
  export GOPATH=$dir/go GOCACHE=$dir/gocache GOTMPDIR=$dir/gotmp GO111MODULE=off CGO_ENABLED=0 GOFLAGS='' GOTOOLCHAIN=local
  mkdir -p "$GOPATH/src/k8s.io" "$GOTMPDIR"
  ln -sfn "$dir/src" "$GOPATH/src/$module"
  cd "$GOPATH/src/$module" || return
  generate_openapi "$dir" $module || return
  repair_reflect2 || return
  rm -rf "$partial"
  mkdir -p "$partial"
  # These two tags leave out the cloud providers and dockershim.
  nice go build -tags providerless,dockerless -ldflags "-s -w $(version_flags $module)" \
    -o "$partial/" "${KUBERNETES_DAEMONS[@]/#/$module/cmd/}" || return
  nice go build -ldflags '-s -w' -o "$partial/pause" "$CLUSTER_LIB/pause.go" || return
  rm -rf "$BIN"
  mv "$partial" "$BIN"
)

# The tarball has every generated file but one, which Debian's own build makes
# by generating everything again. Here: that one file.
generate_openapi() {
  local dir=$1 module=$2 tagged
  [ ! -s pkg/generated/openapi/zz_generated.openapi.go ] || return 0
  nice go build -o "$dir/openapi-gen" "$module/vendor/k8s.io/kube-openapi/cmd/openapi-gen" || return
  tagged=$(grep -Rl --include='*.go' '^// *+k8s:openapi-gen=' pkg cmd plugin vendor/k8s.io |
    grep -Ev '^vendor/k8s.io/(code-generator|sample-apiserver)/|/testdata/' |
    xargs -n1 dirname | LC_ALL=C sort -u | sed "s,^,$module/," | paste -sd,)
  nice "$dir/openapi-gen" --logtostderr -i "$tagged" -p "$module/pkg/generated/openapi" \
    -O zz_generated.openapi -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$dir/openapi-violations"
}

# The vendored reflect2 1.0.1 breaks map iteration under Go 1.18 and later: the
# API server dies of SIGSEGV at the first write of a custom resource. Debian's
# package of the library is repaired.
repair_reflect2() {
  local good=/usr/share/gocode/src/github.com/modern-go/reflect2 bad=vendor/github.com/modern-go/reflect2
  [ -e $good/go_above_118.go ] || { echo "no repaired reflect2 at $good"; return 1; }
  rm -rf $bad
  mkdir $bad
  find $good -maxdepth 1 \( -name '*.go' -o -name '*.s' -o -name LICENSE \) ! -name '*_test.go' -exec cp {} $bad/ \;
}

version_flags() {
  local package
  for package in client-go/pkg/version component-base/version; do
    printf -- '-X %s=%s ' "$1/vendor/k8s.io/$package.gitVersion" "v$K8S_VERSION" \
      "$1/vendor/k8s.io/$package.gitMajor" 1 "$1/vendor/k8s.io/$package.gitMinor" 20 \
      "$1/vendor/k8s.io/$package.gitTreeState" archive
  done
}
