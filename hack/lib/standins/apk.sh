# shellcheck shell=bash
# The repository that the stand-in's apk installs from: nodejs and npm, each one
# tar.gz of Debian packages' files, and an index of them.
#
# Sourced by hack/standins.

# make_apk_repository WORK: WORK/packages and WORK/nodejs, WORK/npm unpacked.
make_apk_repository() {
  local work=$1 tree=$1/tree repository=$1/packages/x86_64
  local nodejs npm
  mapfile -t nodejs < <(closure "$tree" nodejs)
  mapfile -t npm < <(comm -13 <(printf '%s\n' "${nodejs[@]}") <(closure "$tree" npm))
  [ ${#nodejs[@]} -gt 1 ] && [ ${#npm[@]} -gt 1 ] || die "Debian's nodejs or npm depends on nothing?"

  mkdir -p "$repository"
  unpack_debs "$tree" "$work/nodejs" "${nodejs[@]}"
  # Debian's OpenSSL looks for certificates in its own folder.
  mkdir -p "$work/nodejs/usr/lib/ssl"
  ln -sf /etc/ssl/certs/ca-certificates.crt "$work/nodejs/usr/lib/ssl/cert.pem"
  unpack_debs "$tree" "$work/npm" "${npm[@]}"
  add_to_repository "$repository" nodejs "$(installed_version "$tree" nodejs)" "$work/nodejs" ''
  add_to_repository "$repository" npm "$(installed_version "$tree" npm)" "$work/npm" nodejs
  lap "apk packages made: nodejs of ${#nodejs[@]} Debian packages, npm of ${#npm[@]} more"
}

# add_to_repository REPOSITORY NAME DEBIAN_VERSION FOLDER DEPENDENCIES
add_to_repository() {
  local repository=$1 name=$2 version=$3 folder=$4 depends=$5 file
  # 18.20.4+dfsg-1~deb12u3 becomes 18.20.4-r1.
  version=${version%%[+~-]*}-r1
  file=$repository/$name-$version.apk
  deterministic_tar "$folder" | gzip -n >"$file"
  printf 'C:%s\nP:%s\nV:%s\nA:x86_64\nS:%s\nI:%s\nT:%s of Debian, made into a package by imagebuild\nD:%s\n\n' \
    "$(sha256sum "$file" | cut -d' ' -f1)" "$name" "$version" \
    "$(stat -c %s "$file")" "$(du -sb "$folder" | cut -f1)" "$name" "$depends" \
    >>"$repository/APKINDEX"
}

# deterministic_tar FOLDER: what is in it; the same bytes whenever it is run.
deterministic_tar() {
  (cd "$1" && find . -mindepth 1 -printf '%P\0' | sort -z) |
    tar --create --format=posix --numeric-owner --no-recursion --directory "$1" \
      --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
      --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime --null --verbatim-files-from --files-from -
}

# install_apk_repository DIR: the repository, in place of what was there.
install_apk_repository() {
  mkdir -p "$1"
  rm -rf "$1/x86_64"
  cp -a "$RECIPE/packages/x86_64" "$1/"
  say "apk packages nodejs and npm (stand-ins) written to $1"
}
