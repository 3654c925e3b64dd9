# shellcheck shell=bash
# The Debian system that everything else is taken from: one mmdebstrap run that
# yields a tree with Node.js and tools, its two layers (Debian, then the rest),
# and the .deb files that went into it.
#
# Sourced by hack/standins.

DEBIAN_SUITE=bookworm
DEBIAN_INCLUDE=ca-certificates,nodejs,npm,libnode-dev,git,python3,g++,make
# Left out of every image, as Debian's own slim images do.
DEBIAN_EXCLUDE=(
  '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/info/*'
  '/usr/share/locale/*' '/usr/share/lintian/*' '/usr/share/bug/*'
)

# The archive that this machine's apt uses, as one-line sources; fails when there
# is none.
debian_sources() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  apt-get indextargets \
    --format "deb [signed-by=$keyring] \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
    'Created-By: Packages' 'Origin: Debian' |
    grep -E " $DEBIAN_SUITE(-updates|-security)? main\$" | sort -u
}

# make_debian_tree WORK: WORK/tree, WORK/debian.tar, WORK/node-latest.tar, and
# the .deb files in the cache.
make_debian_tree() {
  local work=$1 debs=$STANDINS_CACHE/debs layer=$STANDINS_SOURCE/tree-layer pattern
  local options=()
  mkdir -p "$debs"
  # What apt says of its sources, it knows from the lists it has fetched.
  if ! debian_sources >"$work/sources.list"; then
    apt_update && debian_sources >"$work/sources.list" ||
      die "apt knows no Debian $DEBIAN_SUITE archive on this machine"
  fi
  for pattern in "${DEBIAN_EXCLUDE[@]}"; do options+=("--dpkgopt=path-exclude=$pattern"); done
  say "installing Debian $DEBIAN_SUITE with Node.js into a folder (one to three minutes, once)"
  # In namespaces of its own, so that when this script is killed its processes and
  # its mounts are gone too.
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    mmdebstrap --mode=root --variant=minbase --include="$DEBIAN_INCLUDE" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io "${options[@]}" \
    --skip=download/empty --skip=essential/unlink \
    --setup-hook="mkdir -p \"\$1\"/var/cache/apt/archives" \
    --setup-hook="sync-in '$debs' /var/cache/apt/archives" \
    --essential-hook="'$layer' \"\$1\" - '$work/debian.list' '$work/debian.tar'" \
    --customize-hook="sync-out /var/cache/apt/archives '$debs'" \
    "$DEBIAN_SUITE" "$work/tree" "$work/sources.list" >"$work/mmdebstrap.log" 2>&1 </dev/null ||
    { tail -n 20 "$work/mmdebstrap.log" >&2; die "mmdebstrap failed: see $work/mmdebstrap.log"; }
  forget_other_debs "$work/tree"
  useradd --root "$work/tree" --uid 1000 --user-group --create-home --shell /bin/bash node
  install_files "$STANDINS_SOURCE/node" "$work/tree"
  "$layer" "$work/tree" "$work/debian.list" "$work/node-latest.list" "$work/node-latest.tar"
  lap "Debian with Node.js $(installed_version "$work/tree" nodejs) installed"
}

# installed_version TREE PACKAGE
installed_version() {
  dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${Version}' "$2"
}

# closure TREE NAME...: the installed packages that the named ones need at run
# time, in byte order: libraries and JavaScript, nothing that is Debian's own
# business (debconf, perl) and no headers but those named.
closure() {
  local tree=$1
  shift
  dpkg-query --admindir="$tree/var/lib/dpkg" -W -f '${Package}\t${Depends}\t${Provides}\n' |
    awk -F '\t' -v wanted="$*" '
      {
        depends[$1] = $2
        n = split($3, names, / *, */)
        for (i = 1; i <= n; i++) { sub(/[ :(].*/, "", names[i]); provider[names[i]] = $1 }
      }
      function visit(name, alternatives, parts, i, n, word) {
        if (!(name in depends) && name in provider) name = provider[name]
        if (name in seen || !(name in depends)) return
        seen[name] = 1
        n = split(depends[name], alternatives, / *, */)
        for (i = 1; i <= n; i++) {
          split(alternatives[i], parts, / *[|] */)
          word = parts[1]
          sub(/[ :(].*/, "", word)
          if (word ~ /^(lib.*|zlib1g|nodejs|node-.*)$/ && word !~ /-dev$/) visit(word)
        }
      }
      END {
        n = split(wanted, names, " ")
        for (i = 1; i <= n; i++) {
          if (!(names[i] in depends)) { print "no package " names[i] > "/dev/stderr"; exit 1 }
          visit(names[i])
        }
        for (name in seen) print name
      }' | LC_ALL=C sort
}

# debs_of TREE PACKAGE...: the cached files they were installed from; of all when
# none is named.
debs_of() {
  local tree=$1
  shift
  dpkg-query --admindir="$tree/var/lib/dpkg" -W -f '${Package}_${Version}_${Architecture}.deb\n' "$@" |
    sed "s,:,%3a,g; s,^,$STANDINS_CACHE/debs/,"
}

# forget_other_debs TREE: what earlier versions of TREE were made of.
forget_other_debs() {
  comm -13 <(debs_of "$1" | sort) <(find "$STANDINS_CACHE/debs" -mindepth 1 -name '*.deb' | sort) |
    xargs -r -d '\n' rm -f
}

# unpack_debs TREE FOLDER PACKAGE...: their files below FOLDER, without what the
# images leave out. Maintainer scripts do not run.
unpack_debs() {
  local tree=$1 folder=$2 deb pattern
  shift 2
  local options=()
  for pattern in "${DEBIAN_EXCLUDE[@]}"; do options+=("--exclude=.${pattern%/\*}"); done
  mkdir -p "$folder"
  debs_of "$tree" "$@" | while IFS= read -r deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -C "$folder" -x --keep-directory-symlink "${options[@]}"
  done
}
