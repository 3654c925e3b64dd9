#!/usr/bin/env bash
# Where an image goes and in which form: archives and layouts that other tools read, every compression.
# shellcheck source-path=SCRIPTDIR disable=SC2034
. "$(dirname "$0")/builder_lib.sh"
start_registry
make_base

context app <<EOF
FROM $BASE
RUN echo hello > /hello && dd if=/dev/zero of=/zeros bs=1M count=3 2>/dev/null
COPY Dockerfile /
CMD ["/bin/cat", "/hello"]
EOF
# diff_ids ARCHIVE: of the image in it, as skopeo reads it.
diff_ids() { skopeo inspect --config --raw "$1" | jq -c .rootfs.diff_ids; }
# media_types ARCHIVE: of its layers, each once.
media_types() { skopeo inspect --raw "$1" | jq -r '.layers[].mediaType' | sort -u | sed 's/.*layer.v1.//' | tr '\n' ' '; }
unpacked() { umoci unpack --image "$1" "$2" >>"$T/log" 2>&1 && cat "$2/rootfs/hello"; }

build --output "oci:$T/layout" --timestamp zero
is "an OCI layout is built" "$STATUS" 0
wanted=$(diff_ids "oci:$T/layout:latest")

build --output "oci-archive:$T/app.tar" -t example.com/app:1 -t example.com/app:2 --timestamp zero
is "an OCI archive is built" "$STATUS" 0
is "it has the layers of the layout" "$(diff_ids "oci-archive:$T/app.tar:1")" "$wanted"
is "under both tags" "$(diff_ids "oci-archive:$T/app.tar:2")" "$wanted"
is "its names are whole in the index" "$(tar -xOf "$T/app.tar" index.json | jq -r '.manifests[].annotations["io.containerd.image.name"]' | tr '\n' ' ')" "example.com/app:1 example.com/app:2 "
mkdir "$T/extracted"
tar -xf "$T/app.tar" -C "$T/extracted"
is "unpacked it is a layout that umoci takes" "$(unpacked "$T/extracted:1" "$T/from-archive")" hello
sum=$(sha256sum <"$T/app.tar")
build --output "oci-archive:$T/app.tar" -t example.com/app:1 -t example.com/app:2 --timestamp zero
is "the same build makes the same bytes" "$(sha256sum <"$T/app.tar")" "$sum"
is "and leaves nothing beside it" "$(find "$T" -maxdepth 1 -name 'app.tar.tmp*')" ""

build --output "docker-archive:$T/docker.tar" -t example.com/app:1 --timestamp zero
is "a Docker archive is built" "$STATUS" 0
is "it has the same layers" "$(diff_ids "docker-archive:$T/docker.tar")" "$wanted"
is "and the tag" "$(tar -xOf "$T/docker.tar" manifest.json | jq -r '.[0].RepoTags[0]')" example.com/app:1
holds "skopeo makes an OCI image of it" skopeo copy -q "docker-archive:$T/docker.tar" "oci:$T/converted:1"
is "with the same files" "$(unpacked "$T/converted:1" "$T/from-docker")" hello
build --output "docker-archive:$T/unnamed.tar"
is "without a tag it has no name" "$(tar -xOf "$T/unnamed.tar" manifest.json | jq -c '.[0].RepoTags')" "[]"

for form in zstd zstd:19 none gzip:1; do
  archive=$T/${form/:/-}.tar # skopeo takes what follows a colon for a tag
  build --output "oci-archive:$archive" --compression "$form" --timestamp zero
  is "--compression $form is built" "$STATUS" 0
  is "with the same content" "$(diff_ids "oci-archive:$archive")" "$wanted"
done
is "zstd layers say so, the base's stay gzip" "$(media_types "oci-archive:$T/zstd.tar")" "tar+gzip tar+zstd "
is "plain layers say so" "$(media_types "oci-archive:$T/none.tar")" "tar tar+gzip "
holds "what skopeo copies of zstd has the digests it should" skopeo copy -q "oci-archive:$T/zstd.tar" "dir:$T/zstd.dir"
build -t "$R/app:zstd" --compression zstd
is "zstd layers are pushed" "$STATUS" 0
context on-zstd <<EOF
FROM $R/app:zstd
RUN cat /hello
EOF
build
holds "and are a base for the next build" logged 'hello$'

context budget <<'EOF'
FROM scratch
COPY Dockerfile /
EOF
mkdir "$T/folder"
ln -s "$T/elsewhere" "$T/link"
mkfifo "$T/pipe"
for output in "oci-archive:$T/folder" "docker-archive:$T/missing/x.tar" "docker-archive:$T/link" "oci-archive:$T/pipe"; do
  build --output "$output"
  is "--output ${output%%:*} to a place that cannot be is a configuration failure" "$STATUS" 3
done
holds "and a link or a pipe stays what it is" test -L "$T/link" -a -p "$T/pipe"
printf 'kind: ImageBuild\napiVersion: imagebuild.dev/v1alpha1\nmetadata: {name: x}\nspec:\n  image: example.com/x:1.2\n  source: {inline: {files: {Dockerfile: "FROM scratch\\nLABEL a=b"}}}\n' >"$T/request.yaml"
"$BUILDER" build --request "$T/request.yaml" --output "docker-archive:$T/request.tar" --work-dir "$WORK" >"$T/log" 2>&1
is "an archive of a request has the request's name" "$(tar -xOf "$T/request.tar" manifest.json | jq -r '.[0].RepoTags[0]')" example.com/x:1.2
for flag in "--compression zstd:20" "--compression gzip:0" "--compression xz" "--compression none:3" "--output oci-archive:" "--output tar:x"; do
  # shellcheck disable=SC2086
  build $flag
  is "$flag is a usage error" "$STATUS" 2
done
done_testing
