#!/usr/bin/env bash
# RUN with scripts, mounts, secrets, ssh agents and networks, as users run it: real namespaces, a real registry, images
# judged by other tools. Every check is a sentence; all of them run.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/builder_lib.sh"
for tool in ssh-agent ssh-add ssh-keygen; do
  command -v "$tool" >/dev/null || { echo "skip: $tool is not installed"; exit 77; }
done
start_registry
make_base
[ "$STATUS" = 0 ] || { cat "$T/log"; exit 1; }
last_layer_is_empty() { [ "$(jq '.history[-1].empty_layer' "$CONFIG")" = true ]; }

# --- heredocs that are scripts
context script <<EOF
FROM $BASE
RUN <<SCRIPT
#!/bin/awk -f
BEGIN { print "awk " 6 * 7 > "/out" }
SCRIPT
USER node
RUN <<"SCRIPT"
#!/bin/sh
echo "\$0 \$(id -u)" > /tmp/out
SCRIPT
EOF
holds "a heredoc that starts with #! is executed" root script
is "by the program that it names" "$(cat "$ROOTFS/out")" "awk 42"
is "as USER, from where BuildKit has it" "$(cat "$ROOTFS/tmp/out")" "/dev/pipes/SCRIPT 1000"
holds "the script is in no layer" [ ! -e "$ROOTFS/dev/pipes" ]
is "the history has the command" "$(jq -r '.history[-1].created_by' "$CONFIG")" "RUN /bin/sh -c /dev/pipes/SCRIPT"

# --- bind mounts
context bind <<EOF
FROM $BASE AS tools
RUN mkdir /opt && echo tool > /opt/tool
FROM $BASE
ARG DIR=src
WORKDIR /app
RUN --mount=target=/context find /context -type f | sort > /files && stat -c '%u:%g %a' /context/src/run > /meta
RUN --mount=type=bind,source=\$DIR,target=lib ls /app/lib > /lib-is && echo x > lib/a 2>/dev/null || echo refused > /refused
RUN --mount=type=bind,source=src/a,target=/f,rw cat /f > /first && echo changed > /f && cat /f > /second
RUN --mount=type=bind,source=src/a,target=/f cat /f > /third
RUN --mount=type=bind,from=tools,source=/opt,target=/opt cat /opt/tool > /tool
RUN --mount=type=bind,from=$BASE,target=/base cat /base/data/one > /from-image
EOF
mkdir -p "$C/src" "$C/drop"
echo a >"$C/src/a"
touch "$C/src/run" "$C/drop/x" "$C/src/no.log"
chmod 755 "$C/src/run"
printf '%s\n' 'drop' '**/*.log' >"$C/.dockerignore"
holds "bind mounts of the context, a stage and an image succeed" root bind
is ".dockerignore holds for them" "$(tr '\n' ' ' <"$ROOTFS/files")" "/context/.dockerignore /context/Dockerfile /context/src/a /context/src/run "
is "files of the context are root's and keep their mode" "$(cat "$ROOTFS/meta")" "0:0 755"
is "variables are expanded, relative targets start at WORKDIR" "$(tr '\n' ' ' <"$ROOTFS/lib-is")" "a run "
is "a bind mount is read-only" "$(cat "$ROOTFS/refused")" refused
is "with rw it can be written for the step" "$(cat "$ROOTFS/first" "$ROOTFS/second" "$ROOTFS/third" | tr '\n' ' ')" "a changed a "
is "a stage is mounted by name" "$(cat "$ROOTFS/tool")" tool
is "an image is mounted by reference" "$(cat "$ROOTFS/from-image")" one
holds "no mount point is left" test ! -e "$ROOTFS/context" -a ! -e "$ROOTFS/f" -a ! -e "$ROOTFS/opt" -a ! -e "$ROOTFS/base" -a ! -e "$ROOTFS/app/lib"
is "and the context has what it had" "$(cat "$C/src/a")" a

context bind_wrong <<EOF
FROM $BASE
RUN --mount=type=bind,source=nothing,target=/x true
EOF
build
is "a source that is not in the context ends with 1" "$STATUS" 1
holds "and the mount is named" logged 'Dockerfile:2: RUN: --mount=type=bind,source=nothing,target=/x: .*nothing'

# --- tmpfs and caches
context cache <<EOF
FROM $BASE AS seed
RUN mkdir /seed && echo seeded > /seed/f
FROM $BASE
RUN --mount=type=tmpfs,target=/scratch,size=1m echo x > /scratch/x && df -k /scratch | tail -1 | awk '{print \$2}' > /size
RUN --mount=type=cache,target=/root/.cache echo one >> /root/.cache/log
RUN --mount=type=cache,target=/root/.cache echo two >> /root/.cache/log && cp /root/.cache/log /log
RUN --mount=type=cache,id=other,target=/root/.cache ls -A /root/.cache > /other
RUN --mount=type=cache,target=/s,from=seed,source=/seed cat /s/f > /seeded && echo more >> /s/f
RUN --mount=type=cache,target=/s,from=seed,source=/seed cat /s/f > /again
USER node
RUN --mount=type=cache,target=/c,uid=1000,gid=1001,mode=0700 echo mine > /c/f && stat -c '%u:%g %a' /c > /tmp/owner
EOF
holds "caches and a tmpfs succeed" root cache
is "a tmpfs has the size that was asked for" "$(cat "$ROOTFS/size")" 1024
is "a cache is kept from step to step" "$(tr '\n' ' ' <"$ROOTFS/log")" "one two "
is "another id is another cache" "$(cat "$ROOTFS/other")" ""
is "a cache starts as a copy of from, and keeps what is written" "$(cat "$ROOTFS/seeded" "$ROOTFS/again" | tr '\n' ' ')" "seeded seeded more "
is "a cache has the owner and mode of the mount" "$(cat "$ROOTFS/tmp/owner")" "1000:1001 700"
holds "no cache is in the image" test ! -e "$ROOTFS/root" -a ! -e "$ROOTFS/s" -a ! -e "$ROOTFS/c" -a ! -e "$ROOTFS/scratch"

context kept <<EOF
FROM $BASE
RUN --mount=type=cache,target=/c,sharing=locked echo "run \$(ls /c | wc -l)"; touch /c/\$(ls /c | wc -l)
EOF
build --cache-dir "$T/kept"
build --cache-dir "$T/kept"
holds "--cache-dir keeps caches from build to build" logged 'run 1$'
build
holds "without it they end with the build" logged 'run 0$'
holds "what RUN may write there is in a directory of ours alone" test "$(stat -c %a "$T/kept/run-mounts")" = 700
build --cache-dir /proc/nosuch
is "a cache directory that cannot be made ends with 3" "$STATUS" 3
holds "and is named" logged 'cache directory: make /proc/nosuch'

# --- secrets
SECRET=top-secret-$RANDOM$RANDOM
context secret <<EOF
FROM $BASE
RUN --mount=type=secret,id=token test "\$(cat /run/secrets/token | sha256sum | cut -c1-8)" = $(printf %s "$SECRET" | sha256sum | cut -c1-8) && stat -c '%u %a' /run/secrets/token > /meta
RUN --mount=type=secret,id=token,env=TOKEN test "\$(printf %s "\$TOKEN" | sha256sum | cut -c1-8)" = $(printf %s "$SECRET" | sha256sum | cut -c1-8) && test ! -e /run/secrets/token
RUN --mount=type=secret,id=token,target=/root/.npmrc,mode=0444,uid=1000 stat -c '%u %a' /root/.npmrc >> /meta
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent && test ! -e /run/secrets/token && test -z "\$TOKEN"
EOF
printf %s "$SECRET" >"$T/secret.txt"
holds "steps get the secrets that they name, and no other" root secret --secret "id=token,src=$T/secret.txt"
is "with the default and the given owner and mode" "$(tr '\n' ' ' <"$ROOTFS/meta")" "0 400 1000 444 "
rm "$T/secret.txt"
holds "no trace of their places is left" test ! -e "$ROOTFS/run" -a ! -e "$ROOTFS/root"
clean() { ! grep -rqsF -- "$SECRET" "$@"; }
holds "the secret is in no layer, config or manifest" clean "$T/layouts" "$T/bundles"
holds "nor in an unpacked layer" eval "for l in $T/layouts/secret/blobs/sha256/*; do ! zcat -f \"\$l\" 2>/dev/null | grep -qF -- $SECRET || exit 1; done"
holds "nor in the log and the report" clean "$T/log" "$T/report.json"
holds "nor anywhere in the work directory" clean "$WORK"
context secret_probe <<EOF
FROM $BASE
RUN --mount=type=secret,id=token,required sleep 0.3; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | grep -c top-secr[e]t > /seen || true
RUN cat /proc/*/environ /proc/*/cmdline /proc/mounts 2>/dev/null | grep -c top-secr[e]t >> /seen || true
EOF
IMAGEBUILD_SECRET=$SECRET root probe --secret id=token,env=IMAGEBUILD_SECRET
is "a secret of the environment is in no process that RUN sees" "$(tr '\n' ' ' <"$ROOTFS/seen")" "0 0 "
build
is "a required secret that is not given ends with 3" "$STATUS" 3
is "its reason is SecretNotFound, with the line" "$(jq -c '[.failure.reason, .failure.line]' "$T/report.json")" '["SecretNotFound",2]'
holds "and its id is named" logged 'Dockerfile:2: RUN: .*a secret with id token was not given'
build --secret id=token,src=/no/such/file
is "a secret's file that does not exist ends with 3" "$STATUS" 3
holds "and the secret is named" logged '--secret id=token: .*/no/such/file'
for wrong in "$SECRET" "src=$T/x" "id=token,bogus=$SECRET" "id=token,src=a,env=b"; do
  build --secret "$wrong"
  is "a flag that is wrong ends with 2" "$STATUS" 2
  holds "and its value is not repeated" clean "$T/log"
done

# --- ssh agents
SOCKET=$T/agent.sock
eval "$(ssh-agent -a "$SOCKET" -s)" >/dev/null
AGENT_PID=$SSH_AGENT_PID
unset SSH_AUTH_SOCK
ssh-keygen -q -t ed25519 -N '' -C marker-of-the-key -f "$T/key"
SSH_AUTH_SOCK=$SOCKET ssh-add -q "$T/key"
context ssh <<EOF
FROM $BASE
COPY root /
RUN --mount=type=ssh ssh-add -l > /keys; echo "\$SSH_AUTH_SOCK" > /where; ssh-add -D; stat -c '%u %a' "\$SSH_AUTH_SOCK" > /meta
RUN --mount=type=ssh,id=two,target=/agent ssh-add -l >> /keys
RUN test -z "\$SSH_AUTH_SOCK"
USER node
RUN --mount=type=ssh,uid=1000 ssh-add -l > /tmp/node
EOF
mkdir -p "$C/root/bin"
cp "$(command -v ssh-add)" "$C/root/bin/"
ldd "$(command -v ssh-add)" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$C/root$(dirname "$library")" && cp -L "$library" "$C/root$library"
done
holds "steps reach the agents that they name" root ssh --ssh "default=$SOCKET" --ssh "two=$SOCKET"
is "and see its keys, as root and as another user" "$(cat "$ROOTFS/keys" "$ROOTFS/tmp/node" | grep -c marker-of-the-key)" 3
is "through a socket of their own" "$(cat "$ROOTFS/where" "$ROOTFS/meta" | tr '\n' ' ')" "/run/buildkit/ssh_agent.0 0 600 "
holds "but cannot take its keys away" eval "SSH_AUTH_SOCK=$SOCKET ssh-add -l | grep -q marker-of-the-key"
holds "no socket is left" test ! -e "$ROOTFS/run" -a ! -e "$ROOTFS/agent"
context no_ssh <<EOF
FROM $BASE
RUN --mount=type=ssh test -z "\$SSH_AUTH_SOCK"
RUN --mount=type=ssh,required true
EOF
build
is "a required agent that is not given ends with 3" "$STATUS" 3
holds "after the step where it is optional" logged 'Dockerfile:3: RUN: .*an ssh agent with id default was not given'
build --ssh "default=$T/key"
is "a key instead of an agent ends with 2" "$STATUS" 2

# --- networks and privileges
context network <<EOF
FROM $BASE
RUN --network=none ls /sys/class/net > /none 2>/dev/null; ip -o link | wc -l > /none
RUN --network=default ip -o link | wc -l > /default
RUN --network=host ip -o link | wc -l > /host
RUN --security=sandbox true
EOF
holds "networks succeed" root network
is "none has only lo" "$(cat "$ROOTFS/none")" 1
is "default and host are the builder's" "$(cat "$ROOTFS/default")" "$(cat "$ROOTFS/host")"
build --network none
is "host is refused where the build has no network" "$STATUS" 1
holds "with the reason" logged 'Dockerfile:4: RUN: --network=host: this build has no network'
context insecure <<EOF
FROM $BASE
RUN --security=insecure true
EOF
build
is "--security=insecure is refused" "$STATUS" 1
holds "by its name" logged 'Dockerfile:2: RUN: .*--security=insecure'

# --- steps that take too long
context slow <<EOF
FROM $BASE
RUN echo begun; sleep 600 & sleep 600
EOF
BEGIN=$SECONDS
build --step-timeout 2s
is "a step that takes longer than --step-timeout ends with 1" "$STATUS" 1
holds "soon after" [ $((SECONDS - BEGIN)) -le 30 ]
is "its reason is Timeout, with line and output" "$(jq -c '[.failure.reason, .failure.line, .failure.logTail]' "$T/report.json")" '["Timeout",2,"begun\n"]'
holds "and the limit is named" logged 'Dockerfile:2: RUN echo begun.*: not done after 2 s'
build --step-timeout soon
is "a limit that is no duration ends with 2" "$STATUS" 2

# --- without root
find_plain_user
if [ -n "$USER_NAME" ]; then
  context plain_mounts <<EOF
FROM $BASE
RUN --mount=type=cache,target=/c --mount=type=secret,id=token --mount=target=/context \\
  test "\$(cat /run/secrets/token)" = plain && cat /context/Dockerfile > /c/d && cp /c/d /copy
EOF
  chmod -R a+rX "$T/contexts"
  mkdir -m 0777 "$T/plain" "$T/plain/work"
  printf plain >"$T/plain/token" && chmod 644 "$T/plain/token"
  as_plain_user "$BUILDER" build "$C" --insecure-registry "$R" --work-dir "$T/plain/work" --progress plain \
    --cache-dir "$T/plain/cache" --secret "id=token,src=$T/plain/token" -t "$R/plain:m" >"$T/log" 2>&1
  is "an ordinary user mounts the context, a secret and a kept cache" "$?" 0
  holds "its work directory is empty afterwards" test -z "$(ls -A "$T/plain/work")"
fi
done_testing
