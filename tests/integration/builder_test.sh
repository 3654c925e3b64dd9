#!/usr/bin/env bash
# The builder as its users run it: real namespaces, a real registry, images judged by other tools. Every check is a
# sentence; all of them run, and the test fails at the end if one did not hold.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/builder_lib.sh"
start_registry

# --- a base image, by our own hand
make_base
is "a base image is made from scratch and pushed" "$STATUS" 0
[ "$STATUS" = 0 ] || { cat "$T/log"; exit 1; }
manifest_at "$BASE" >"$T/manifest.json"
same_sizes() {
  jq -e --slurpfile m "$T/manifest.json" '.platforms[0] as $p
    | ($p.layers | map([.digest, .sizeBytes])) == ($m[0].layers | map([.digest, .size]))
      and $p.layerCount == ($m[0].layers | length)
      and $p.sizeBytes >= ([$m[0].layers[].size] | add)' "$T/report.json"
}
holds "the report's layer sizes are the manifest's" same_sizes
is "the report's digest is the manifest's" "$(digest)" "sha256:$(sha256sum <"$T/manifest.json" | cut -d' ' -f1)"

# --- what the file system holds
context stages <<EOF
FROM $BASE AS first
RUN echo by-name > /out
FROM $BASE
RUN echo by-number > /out
FROM $BASE
COPY --from=first /out /name
COPY --from=1 /out /number
RUN rm /data/one
RUN true
EOF
holds "a multi-stage build succeeds" root stages
is "COPY --from copies from a stage by name" "$(cat "$ROOTFS/name")" by-name
is "COPY --from copies from a stage by number" "$(cat "$ROOTFS/number")" by-number
holds "a file of the base that RUN removed is gone" [ ! -e "$ROOTFS/data/one" ]
holds "its neighbour is still there" [ -e "$ROOTFS/data/two" ]
holds "no whiteout is left as a file" test -z "$(find "$ROOTFS" -name '.wh.*')"
is "ONBUILD of the base runs" "$(cat "$ROOTFS/onbuild")" triggered
is "RUN true makes no layer" "$(own_layers)" 4
is "and has an empty history entry" "$(jq '.history[-1].empty_layer' "$CONFIG")" true
holds "a RUN layer holds no mount points" test -z "$(ls -A "$ROOTFS/proc" "$ROOTFS/sys" "$ROOTFS/dev" "$ROOTFS/etc/resolv.conf" 2>/dev/null)"

context scratch-path <<'EOF'
FROM scratch
ENV PATH=$PATH:/more
EOF
holds "ENV adds to the default PATH where the base has none" root scratch-path
is "as RUN has it" "$(jq -r '.config.Env[]' "$CONFIG")" "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/more"

context onbuild-copy <<EOF
FROM scratch
ONBUILD COPY --from=files /out /copied
EOF
build -t "$R/onbuild-copy:1"
context onbuild-copy-user <<EOF
FROM $BASE AS files
RUN echo from-files > /out
FROM $R/onbuild-copy:1
EOF
build
is "an image's ONBUILD that copies from a stage which nothing else uses fails" "$STATUS" 1
holds "and says why" logged "stage files was not built: only the base's ONBUILD names it"
cat >>"$C/Dockerfile" <<'EOF'
COPY --from=files /out /other
EOF
holds "with another use of the stage it copies" root onbuild-copy
is "what the stage made" "$(cat "$ROOTFS/copied")" from-files

context variables <<EOF
ARG GLOBAL=global
FROM $BASE
ARG A=default
ARG B=default
ENV A=env
ARG A=later
RUN echo "\$A \$B \${GLOBAL:-unseen} \$FROM_BASE" > /values
ENV C=\${B}-\${A}
EOF
holds "a build with --build-arg succeeds" root variables --build-arg B=given
is "the later of ENV and ARG counts, --build-arg wins over the default, a global ARG is unseen, ENV of the base is seen" "$(cat "$ROOTFS/values")" "later given unseen yes"
is "ENV is expanded with both" "$(jq -r '.config.Env[] | select(startswith("C="))' "$CONFIG")" C=given-later
is "ARGs are not in the config" "$(jq -r '.config.Env[] | select(startswith("B="))' "$CONFIG")" ""

context ignore <<EOF
FROM $BASE
COPY . /app/
EOF
printf '%s\n' '*.log' '!keep.log' 'secret' 'Dockerfile' >"$C/.dockerignore"
touch "$C/a.txt" "$C/drop.log" "$C/keep.log"
mkdir "$C/secret"
touch "$C/secret/key"
holds "a build with .dockerignore succeeds" root ignore
is ".dockerignore: the last match wins" "$(cd "$ROOTFS/app" && echo *)" "a.txt keep.log"

context owners <<EOF
FROM $BASE
RUN mkdir -p /home/node && chown node:node /home/node
USER node
WORKDIR /home/node/app
COPY a.txt /home/node/app/root.txt
COPY --chown=node:node a.txt /home/node/app/node.txt
RUN id -u > who && id -G >> who && echo "\$HOME" >> who
EOF
touch "$C/a.txt"
holds "a build as USER node succeeds" root owners
is "RUN has the user's uid, groups and home" "$(tr '\n' ' ' <"$ROOTFS/home/node/app/who")" "1000 1001 1002 /home/node "
if [ "$(id -u)" = 0 ]; then
  is "WORKDIR belongs to USER" "$(stat -c %u:%g "$ROOTFS/home/node/app")" 1000:1001
  is "--chown by name is looked up in the stage" "$(stat -c %u:%g "$ROOTFS/home/node/app/node.txt")" 1000:1001
  is "COPY without --chown is root's" "$(stat -c %u:%g "$ROOTFS/home/node/app/root.txt")" 0:0
fi

# --- the same inputs, the same digest
context copy <<EOF
FROM scratch
COPY a.txt /a.txt
WORKDIR /w
LABEL a=b
EOF
echo a >"$C/a.txt"
build --output "oci:$T/layouts/copy1"
FIRST=$(digest)
touch -d '2001-01-01' "$C/a.txt"
build --output "oci:$T/layouts/copy2"
holds "a build says its digest" [ -n "$FIRST" ]
is "two builds of COPY and WORKDIR have one digest, whatever the mtime" "$(digest)" "$FIRST"
echo b >"$C/a.txt"
build --output none
holds "other contents have another digest" [ "$(digest)" != "$FIRST" ]

context zero <<EOF
FROM $BASE
RUN mkdir /d && echo x > /d/f
EOF
root zero1 --timestamp zero
FIRST=$(digest)
is "--timestamp zero clamps the files of RUN" "$(stat -c %Y "$ROOTFS/d/f")" 0
sleep 1.1 # the clock of RUN's files has to differ
root zero2 --timestamp zero
is "--timestamp zero: two builds with RUN have one digest" "$(digest)" "$FIRST"
skopeo inspect "oci:$T/layouts/zero2:latest" >"$T/inspect.json" 2>"$T/log"
is "skopeo reads the layout and finds the same digest" "$(jq -r .Digest "$T/inspect.json")" "$FIRST"

# --- how a build fails
context failing <<EOF
FROM $BASE
RUN echo fine
RUN echo last words; exit 7
EOF
build -t "$R/failing:t"
is "a failing RUN ends with 1" "$STATUS" 1
holds "and names its line" logged '^error: .*(Dockerfile:3|line 3)\b'
holds "and shows what it wrote" logged 'last words'
is "and its exit code and line are in the report" "$(jq -c '[.failure.line, .failure.exitCode, .failure.reason]' "$T/report.json")" '[3,7,"BuildFailed"]'
holds "the registry has no tag of it" not manifest_at "$R/failing:t"

context syntax <<<$'FROM scratch\nCOPPY a b'
build
is "a syntax error ends with 1" "$STATUS" 1
holds "and names its line" logged 'Dockerfile:2\b|line 2\b'
is "its reason is BadDockerfile" "$(jq -r .failure.reason "$T/report.json")" BadDockerfile

context unsupported <<EOF
FROM $BASE
RUN echo it-ran
RUN --device=vendor.com/class=gpu true
EOF
build
is "a feature that is not there ends with 1" "$STATUS" 1
holds "and is named" logged '--device'
holds "before any step has run" not logged '^.*it-ran$'

context unknown <<<"FROM $R/nothing:here"
build
is "an unknown base ends with 3" "$STATUS" 3
is "its reason is BaseImageNotFound" "$(jq -r .failure.reason "$T/report.json")" BaseImageNotFound

context down <<<"FROM 127.0.0.1:1/nothing:here"
build --insecure-registry 127.0.0.1:1
is "a registry that is down ends with 4" "$STATUS" 4

build --no-such-flag
is "an unknown flag ends with 2" "$STATUS" 2
build --output nowhere
is "an unknown output ends with 2" "$STATUS" 2
context tagged <<<$'FROM scratch\nLABEL a=b'
"$BUILDER" build --insecure-registry "$R" --work-dir "$WORK" -t "$R/order:t" "$C" >"$T/log" 2>&1
holds "the context may stand behind the flags" manifest_at "$R/order:t"

# --- SIGTERM during RUN
N=$((100000 + RANDOM))
context sleeping <<EOF
FROM $BASE
RUN echo started; sleep $N; echo never
EOF
descendants() {
  local child
  # shellcheck disable=SC2013  # one line of several pids
  for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
    echo "$child"
    descendants "$child"
  done
}
alive() { [ -e "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
none_alive() {
  local pid
  for pid in "$@"; do ! alive "$pid" || { tr '\0' ' ' <"/proc/$pid/cmdline"; return 1; }; done
}
"$BUILDER" build "$C" --insecure-registry "$R" --work-dir "$WORK" --progress plain -t "$R/sleeping:t" >"$T/log" 2>&1 &
SLEEPER=$!
for _ in $(seq 200); do
  grep -Eq '(^|[^;]) ?started$' "$T/log" && break
  sleep 0.1
done
PIDS=$(descendants "$SLEEPER")
holds "a RUN's processes are below the builder while it runs" [ "$(wc -w <<<"$PIDS")" -ge 2 ]
BEGIN=$SECONDS
kill -TERM "$SLEEPER"
for _ in $(seq 100); do
  alive "$SLEEPER" || break
  sleep 0.1
done
holds "SIGTERM ends the build within 5 s" [ $((SECONDS - BEGIN)) -le 5 ]
wait "$SLEEPER"
STATUS=$?
SLEEPER=''
is "and it ends with 4, interrupted" "$STATUS" 4
# shellcheck disable=SC2086
holds "and no process is left" none_alive $PIDS
holds "and the work directory is empty" test -z "$(ls -A "$WORK")"
holds "and the registry has no tag of it" not manifest_at "$R/sleeping:t"

# --- RUN and the credentials
# The patterns are written so that they do not match themselves.
context credentials <<EOF
FROM $BASE
COPY search /search
RUN CONTROL=control-marker /search > /found
EOF
cat >"$C/search" <<EOF
#!/bin/sh
# Everything that /proc shows of every process, and the file itself through their roots.
look() {
  for p in /proc/[0-9]*; do
    cat \$p/environ \$p/cmdline \$p/root$T/auth.json \$p/cwd/auth.json
    grep ' rw' \$p/maps | while IFS='- ' read -r start end rest; do
      dd if=\$p/mem bs=4096 skip=\$((0x\$start / 4096)) count=\$(((0x\$end - 0x\$start) / 4096))
    done
  done 2>/dev/null | tr '\000' '\n'
  cat $T/auth.json 2>/dev/null
}
look | grep -o -e 'control[-]marker' -e 'hidden[-]marker' -e 'aGlkZGVuOmhpZGRlbi1tYXJ[r]ZXI' | sort -u
EOF
chmod +x "$C/search"
jq -n --arg host "$R" '{auths: {($host): {auth: ("hidden:hidden-marker" | @base64)}}}' >"$T/auth.json"
chmod 644 "$T/auth.json"
export IMAGEBUILD_TEST_SECRET=hidden-marker
holds "a build with credentials succeeds" root credentials --auth-file "$T/auth.json"
unset IMAGEBUILD_TEST_SECRET
is "RUN finds its own variables in /proc and nothing of the credentials" "$(cat "$ROOTFS/found")" control-marker

# --- what is known before a build starts is said before it starts
context early <<EOF
FROM $BASE
RUN sleep 60
EOF
build --output oci:/proc/nosuch
is "a layout that cannot be written ends with 3" "$STATUS" 3
holds "and the flag is named" logged '--output oci:.*/proc/nosuch'
early() {
  "$BUILDER" build "$C" --insecure-registry "$R" --progress plain "$@" >"$T/log" 2>&1
  STATUS=$?
}
early --report /nosuch/report.json
is "a report that cannot be written ends with 3" "$STATUS" 3
holds "and the flag is named" logged '--report: /nosuch'
build --ca "$C/Dockerfile"
is "a file without certificates ends with 3" "$STATUS" 3
holds "and the file is named" logged "--ca $C/Dockerfile: holds no PEM certificate"
early --work-dir /nosuch
is "a work directory that cannot be made ends with 3" "$STATUS" 3
C='' early
is "an empty context ends with 2" "$STATUS" 2

mkfifo "$T/fifo"
cat "$T/fifo" >"$T/from-fifo" &
context tiny <<EOF
FROM scratch
COPY Dockerfile /
EOF
early --report "$T/fifo"
is "a report may go to a pipe" "$STATUS $(test -p "$T/fifo" && echo pipe) $(jq -r .result "$T/from-fifo")" "0 pipe Success"
mkdir -p "$WORK/imagebuild.mine" && : >"$WORK/imagebuild.mine/lock" && mkdir "$WORK/imagebuild.pipe" && mkfifo "$WORK/imagebuild.pipe/lock"
build
holds "a directory that only looks like a builder's is left alone" test -e "$WORK/imagebuild.mine/lock" -a -p "$WORK/imagebuild.pipe/lock"
rm -r "$WORK/imagebuild.mine" "$WORK/imagebuild.pipe"

# --- what other builders make of a file
context optional <<EOF
FROM $BASE
COPY Dockerfile optional* /app/
WORKDIR /w/d
RUN rmdir /w/d
RUN pwd > /where
EOF
root optional
is "a working directory that is gone is made for RUN" "$(cat "$ROOTFS/where" 2>/dev/null)" /w/d
holds "a pattern may match nothing beside another source" test -s "$ROOTFS/app/Dockerfile"

# --- names and platforms
context whiteout <<EOF
FROM $BASE
RUN touch /data/.wh.one
EOF
build
is "a file that would hide another in the image ends the build" "$STATUS" 1
holds "and is named" logged 'Dockerfile:2: RUN.*/data/\.wh\.one: image layers cannot hold'
context foreign <<EOF
FROM --platform=linux/s390x $BASE
EOF
build
is "a base of another platform is taken as it is" "$STATUS" 0
holds "with a warning" logged 'base .* is linux/[a-z0-9]*, not linux/s390x'

# --- a builder that was killed leaves its work to the next one
context killed <<EOF
FROM $BASE
RUN sleep 600
EOF
"$BUILDER" build "$C" --insecure-registry "$R" --work-dir "$WORK" --progress plain >"$T/log" 2>&1 &
SLEEPER=$!
for _ in $(seq 100); do logged 'RUN sleep' && break; sleep 0.1; done
kill -KILL "$SLEEPER" && wait "$SLEEPER" 2>/dev/null
SLEEPER=''
holds "a killed builder leaves its directory" test -n "$(ls -A "$WORK")"
context after <<EOF
FROM scratch
COPY Dockerfile /
EOF
for _ in $(seq 50); do build && [ -z "$(ls -A "$WORK")" ] && break; sleep 0.1; done
holds "the next build removes it" test -z "$(ls -A "$WORK")"

# --- without root
find_plain_user
if [ -n "$USER_NAME" ]; then
  context plain_user <<EOF
FROM $BASE
RUN mkdir -p /home/node && chown node:node /home/node && id -u > /who
USER node
RUN id -u > /home/node/who
EOF
  chmod -R a+rX "$T/contexts"
  mkdir -m 0777 "$T/plain" "$T/plain/work"
  as_plain_user "$BUILDER" build "$C" --insecure-registry "$R" --work-dir "$T/plain/work" --progress plain \
    -t "$R/plain:t" >"$T/log" 2>&1
  is "an ordinary user builds with a subordinate range" "$?" 0
  holds "its work directory is empty afterwards" test -z "$(ls -A "$T/plain/work")"
  skopeo copy -q --src-tls-verify=false "docker://$R/plain:t" "oci:$T/layouts/plain:t" >>"$T/log" 2>&1
  umoci unpack --image "$T/layouts/plain:t" "$T/bundles/plain" >>"$T/log" 2>&1
  is "RUN is root in there, then node" "$(cat "$T/bundles/plain/rootfs/who" "$T/bundles/plain/rootfs/home/node/who" | tr '\n' ' ')" "0 1000 "
  is "what node wrote is node's" "$(stat -c %u:%g "$T/bundles/plain/rootfs/home/node/who")" 1000:1001
fi

done_testing
