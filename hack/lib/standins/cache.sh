# shellcheck shell=bash
# Where the stand-ins are kept between runs, and when they are made again: a
# folder named after the scripts that make them. It is complete or not there.
#
# Sourced by hack/standins.

STANDINS_SOURCE=$HERE/lib/standins
STANDINS_CACHE=${IMAGEBUILD_CACHE:-${XDG_CACHE_HOME:-/var/cache}/imagebuild}/standins

# Newest time stamp of any file in a layer, so that a layer made twice is the
# same: 2024-12-01.
export SOURCE_DATE_EPOCH=1733011200
export LC_ALL=C

# The machine's npm settings that a container needs too: its registry, and
# certificates other than the usual ones. Empty when there are none.
machine_npmrc() {
  local registry cafile
  command -v npm >/dev/null || return 0
  registry=$(cd / && npm config get registry 2>/dev/null) || return 0
  cafile=$(cd / && npm config get cafile 2>/dev/null) || return 0
  case $registry in
    undefined | null | '') ;;
    *) printf 'registry=%s\n' "$registry" ;;
  esac
  case $cafile in
    undefined | null | '') ;;
    *) printf 'cafile=/etc/ssl/certs/ca-certificates.crt\n' ;;
  esac
}

# The certificates that this machine trusts, for the containers to trust too:
# what it downloads from may be signed by an authority of its own.
machine_certificates() {
  local file
  for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
    if [ -s "$file" ]; then cat "$file"; return; fi
  done
}

# install_files FROM TO: the files of one of this folder's trees, owned by root.
install_files() {
  local file mode
  (cd "$1" && find . -type f -printf '%P\n') | while IFS= read -r file; do
    mode=644
    if [ -x "$1/$file" ]; then mode=755; fi
    install -D -o 0 -g 0 -m "$mode" "$1/$file" "$2/$file"
  done
}

recipe_hash() {
  (cd "$STANDINS_SOURCE" && find . -type f -print0 | sort -z | xargs -0 sha256sum) |
    sha256sum | cut -c1-16
}

# Sets RECIPE to the folder with the base layers, the apk packages and the image
# layout, making it when it is not there.
standins_build() {
  say "Docker Hub's node and alpine images are replaced by stand-ins made from Debian packages"
  mkdir -p "$STANDINS_CACHE"
  exec 9>"$STANDINS_CACHE/lock"
  flock --nonblock 9 || { say "waiting for another run that makes them"; flock 9; }
  RECIPE=$STANDINS_CACHE/recipe-$(recipe_hash)
  if [ -d "$RECIPE" ]; then return 0; fi
  need_root "making stand-in images"
  ensure_packages "${PACKAGES_DEMO[@]}"
  rm -rf --one-file-system "$STANDINS_CACHE"/recipe-*
  local work=$RECIPE.part
  mkdir -p "$work"
  make_debian_tree "$work"
  make_apk_repository "$work"
  make_layers "$work"
  rm -rf "$work/tree"
  mv "$work" "$RECIPE"
  lap_total "stand-in layers and packages made, kept in $RECIPE"
}
