# shellcheck shell=bash
# The three images: layers that depend on the recipe alone, made once, and the
# images made of them for one apk repository and this machine's npm settings.
#
# Sourced by hack/standins.

STANDIN_DESCRIPTION='Stand-in made from Debian packages by the imagebuild demonstration; not the image of this name on Docker Hub'
STANDIN_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# make_layers WORK: WORK/alpine (a tree), WORK/node-alpine.tar, and WORK/oci with
# the image debian-node.
make_layers() {
  local work=$1
  make_alpine_tree "$work/alpine"
  make_node_alpine_layer "$work"
  umoci init --layout "$work/oci"
  umoci new --image "$work/oci:debian-node"
  add_layer "$work/oci:debian-node" "$work/debian.tar" "Debian $DEBIAN_SUITE"
  add_layer "$work/oci:debian-node" "$work/node-latest.tar" "Debian's nodejs, npm, yarnpkg, git, python3, g++, make"
  rm -rf "$work"/{debian,node-latest}.tar "$work"/{nodejs,npm,node-alpine}
  installed_version "$work/tree" nodejs | sed 's/[+~-].*//' >"$work/node-version"
  lap "layers of the stand-ins compressed"
}

# A busybox userland with Alpine's files around it.
make_alpine_tree() {
  local root=$1 folder applet
  for folder in bin sbin usr/bin usr/sbin usr/local/bin usr/lib lib/apk/db etc/apk etc/ssl/certs \
    proc sys dev run mnt media opt srv home var/cache/apk var/lib var/log var/spool var/empty; do
    mkdir -p "$root/$folder"
  done
  install -d -m 700 "$root/root"
  install -d -m 1777 "$root/tmp" "$root/var/tmp"
  ln -s /run "$root/var/run"
  cp -a "$STANDINS_SOURCE/alpine/." "$root/"
  chown -R 0:0 "$root"
  chmod 640 "$root/etc/shadow"
  chgrp 42 "$root/etc/shadow"
  install -m 755 "$(dpkg -L busybox-static | grep '/busybox$')" "$root/bin/busybox"
  # Debian's dpkg and rpm applets have no business here.
  "$root/bin/busybox" --list-full | grep -vE '/(busybox|dpkg|dpkg-deb|rpm|rpm2cpio)$' |
    while read -r applet; do
      folder=$root/$(dirname "$applet")
      mkdir -p "$folder"
      [ -e "$root/$applet" ] || ln -s /bin/busybox "$root/$applet"
    done
  [ -e "$root/bin/ash" ] || ln -s /bin/busybox "$root/bin/ash"
  ln -sf certs/ca-certificates.crt "$root/etc/ssl/cert.pem"
  touch "$root/lib/apk/db/installed" "$root/etc/apk/world"
}

# What node:alpine has over alpine: both packages, headers, yarn, user node.
make_node_alpine_layer() {
  local work=$1 tree=$1/tree root=$1/node-alpine more name
  mapfile -t more < <(comm -13 <(closure "$tree" nodejs npm) \
    <(closure "$tree" nodejs npm yarnpkg libnode-dev libuv1-dev libssl-dev))
  mkdir -p "$root"
  cp -a "$work/nodejs/." "$work/npm/." "$root/"
  unpack_debs "$tree" "$root" "${more[@]}"
  cp -a "$STANDINS_SOURCE/node/." "$root/"
  mkdir -p "$root/etc"
  { cat "$work/alpine/etc/passwd"; echo 'node:x:1000:1000::/home/node:/bin/sh'; } >"$root/etc/passwd"
  { cat "$work/alpine/etc/group"; echo 'node:x:1000:'; } >"$root/etc/group"
  ln -s yarnpkg "$root/usr/bin/yarn"
  chown -R 0:0 "$root/etc" "$root/usr/local"
  install -d -m 755 -o 1000 -g 1000 "$root/home/node"
  deterministic_tar "$root" >"$work/node-alpine.tar"
}

add_layer() {
  umoci raw add-layer --image "$1" --history.created_by "imagebuild stand-in: $3" \
    --history.created "@$SOURCE_DATE_EPOCH" "$2"
}
