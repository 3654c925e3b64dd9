# shellcheck shell=bash
# The root directories of our own images: a binary, the shared libraries it
# needs, certificates, and for the builder git and newuidmap. Used for binaries
# that were just compiled here, and inside the images' own compile stage.
#
# Sourced, not run. Needs to be root (owners, file capabilities).

# image_root_program ROOT PROGRAM [TARGET]: PROGRAM and its libraries, to the
# same paths below ROOT, or PROGRAM to TARGET.
image_root_program() {
  local root=$1 program=$2 target=${3:-$2} library
  install -D -m 755 "$program" "$root$target"
  strip --strip-unneeded "$root$target" 2>/dev/null || true
  ldd "$program" | grep -oE '/[^ ]+' | while read -r library; do
    [ -e "$root$library" ] || install -D -m 755 "$(readlink -f "$library")" "$root$library"
  done
}

# image_root_base ROOT: what every image has. UID and NAME of its user.
image_root_base() {
  local root=$1 uid=$2 name=$3
  mkdir -p "$root/etc/ssl/certs" "$root/usr/bin"
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  printf 'root:x:0:0:root:/:/sbin/nologin\n%s:x:%s:%s::/:/sbin/nologin\n' "$name" "$uid" "$uid" >"$root/etc/passwd"
  printf 'root:x:0:\n%s:x:%s:\n' "$name" "$uid" >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  mkdir -p "$root/tmp"
  chmod 1777 "$root/tmp"
}

# image_root_operator ROOT BINARY
image_root_operator() {
  image_root_base "$1" 65532 operator
  image_root_program "$1" "$2" /usr/bin/imagebuild-operator
}

# image_root_builder ROOT BINARY: with git for git sources, and newuidmap with
# file capabilities (a setuid bit does not work under a bounding set of two).
image_root_builder() {
  local root=$1 helper
  image_root_base "$root" 1000 builder
  image_root_program "$root" "$2" /usr/bin/imagebuild-builder
  image_root_program "$root" /usr/bin/git
  image_root_program "$root" /usr/lib/git-core/git-remote-http
  ln -sfn git-remote-http "$root/usr/lib/git-core/git-remote-https"
  for helper in newuidmap newgidmap; do image_root_program "$root" /usr/bin/$helper; done
  setcap cap_setuid+ep "$root/usr/bin/newuidmap"
  setcap cap_setgid+ep "$root/usr/bin/newgidmap"
  printf 'builder:100000:65536\n' >"$root/etc/subuid"
  printf 'builder:100000:65536\n' >"$root/etc/subgid"
}
