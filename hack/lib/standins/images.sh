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
  add_layer "$work/oci:debian-node" "$work/node-latest.tar" "Debian's nodejs, npm, git, python3, g++, make"
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
  install_files "$STANDINS_SOURCE/alpine" "$root"
  install -o 0 -g 42 -m 640 "$STANDINS_SOURCE/alpine/etc/shadow" "$root/etc/shadow"
  install -m 755 "$(dpkg -L busybox-static | grep -m1 'bin/busybox$')" "$root/bin/busybox"
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

# What node:alpine has over alpine: both packages, headers, OpenSSL's among them, and user node.
make_node_alpine_layer() {
  local work=$1 tree=$1/tree root=$1/node-alpine more name
  mapfile -t more < <(comm -13 <(closure "$tree" nodejs npm) \
    <(closure "$tree" nodejs npm libnode-dev libuv1-dev libssl-dev))
  mkdir -p "$root"
  cp -a "$work/nodejs/." "$work/npm/." "$root/"
  unpack_debs "$tree" "$root" "${more[@]}"
  install_files "$STANDINS_SOURCE/node" "$root"
  mkdir -p "$root/etc"
  { cat "$work/alpine/etc/passwd"; echo 'node:x:1000:1000::/home/node:/bin/sh'; } >"$root/etc/passwd"
  { cat "$work/alpine/etc/group"; echo 'node:x:1000:'; } >"$root/etc/group"
  install -d -m 755 -o 1000 -g 1000 "$root/home/node"
  deterministic_tar "$root" >"$work/node-alpine.tar"
}

source_date() { date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ; }

add_layer() {
  umoci raw add-layer --image "$1" --history.created_by "imagebuild stand-in: $3" \
    --history.created "$(source_date)" "$2"
}

# make_alpine_layer URL FILE: the alpine tree that installs from URL and trusts
# what this machine trusts.
make_alpine_layer() {
  local scratch=$2.tree
  rm -rf "$scratch"
  cp -a "$RECIPE/alpine" "$scratch"
  printf '%s\n' "$1" >"$scratch/etc/apk/repositories"
  add_machine_settings "$scratch"
  deterministic_tar "$scratch" >"$2"
  rm -rf "$scratch"
}

add_machine_settings() {
  mkdir -p "$1/etc/ssl/certs"
  machine_certificates >"$1/etc/ssl/certs/ca-certificates.crt"
  machine_npmrc >"$1/etc/npmrc"
  [ -s "$1/etc/npmrc" ] || rm "$1/etc/npmrc"
}

# configure IMAGE TITLE [OPTION...]
configure() {
  local image=$1 title=$2
  shift 2
  umoci config --image "$image" --no-history --created "$(source_date)" \
    --config.env "PATH=$STANDIN_PATH" \
    --config.label "org.opencontainers.image.title=$title" \
    --config.label "org.opencontainers.image.description=$STANDIN_DESCRIPTION" "$@"
}

# make_images URL: sets KEY; the layout then has the tags node-latest-KEY,
# node-alpine-KEY and alpine-KEY for URL and this machine.
make_images() {
  local url=$1 oci=$RECIPE/oci scratch
  local node_options=(--config.env "NODE_VERSION=$(cat "$RECIPE/node-version")" --config.cmd node
    --config.entrypoint docker-entrypoint.sh)
  KEY=$({ printf '%s\n' "$url"; machine_npmrc; machine_certificates; } | sha256sum | cut -c1-12)
  if [ -e "$RECIPE/images-$KEY" ]; then return 0; fi
  scratch=$RECIPE/images-$KEY.part
  rm -rf "$scratch"
  mkdir -p "$scratch/settings"

  make_alpine_layer "$url" "$scratch/alpine.tar"
  # A run that was killed may have left the tag.
  umoci rm --image "$oci:alpine-$KEY" 2>/dev/null || true
  umoci new --image "$oci:alpine-$KEY"
  add_layer "$oci:alpine-$KEY" "$scratch/alpine.tar" 'busybox-static and a small apk'
  umoci tag --image "$oci:alpine-$KEY" "node-alpine-$KEY"
  configure "$oci:alpine-$KEY" alpine --config.cmd /bin/sh

  add_layer "$oci:node-alpine-$KEY" "$RECIPE/node-alpine.tar" "Debian's nodejs, npm and headers"
  configure "$oci:node-alpine-$KEY" node:alpine "${node_options[@]}"

  add_machine_settings "$scratch/settings"
  deterministic_tar "$scratch/settings" >"$scratch/settings.tar"
  umoci tag --image "$oci:debian-node" "node-latest-$KEY"
  add_layer "$oci:node-latest-$KEY" "$scratch/settings.tar" 'certificates and npm settings of this machine'
  configure "$oci:node-latest-$KEY" node:latest "${node_options[@]}"

  rm -rf "$scratch"
  touch "$RECIPE/images-$KEY"
  lap "stand-in images assembled"
}

# push_images REGISTRY URL
push_images() {
  local registry=$1 tag name
  make_images "$2"
  for name in node:latest node:alpine alpine:3.10; do
    case $name in
      alpine:*) tag=alpine-$KEY ;;
      *) tag=${name/:/-}-$KEY ;;
    esac
    skopeo copy --quiet --dest-tls-verify=false \
      "oci:$RECIPE/oci:$tag" "docker://$registry/library/$name" ||
      die "pushing the stand-in for $name to $registry failed"
    say "stand-in for $name pushed to $registry/library/$name ($(compressed_size "$tag") MB compressed)"
  done
  lap "stand-in images pushed"
}

compressed_size() {
  skopeo inspect --raw "oci:$RECIPE/oci:$1" | jq '[.layers[].size] | add / 100000 | round / 10'
}
