#!/usr/bin/env bash
# What a random sequence of file operations in RUN leaves is what other tools see: umoci puts our layers on each other,
# and the result must be the tree that the last RUN saw. SEED=N repeats a run; it is printed.
# shellcheck source-path=SCRIPTDIR disable=SC2034
. "$(dirname "$0")/builder_lib.sh"
command -v python3 >/dev/null || { echo "skip: python3 is not installed"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "skip: umoci keeps owners for root only"; exit 77; }
R=127.0.0.1:1 # no registry
SEED=${SEED:-$RANDOM}
STEPS=${STEPS:-8} OPERATIONS=${OPERATIONS:-60}
echo "SEED=$SEED, $STEPS steps of $OPERATIONS operations"

context random <<'EOF'
FROM scratch AS live
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY ops /ops/
RUN mkdir -m 1777 /t
EOF
cp "$(command -v busybox)" "$C/busybox"
mkdir "$C/ops"
# One line an entry: name, type, mode, owner, time, then link target, or size, content and the first name of its inode.
cat >"$C/ops/list.sh" <<'EOF'
cd "$1" || exit 1
find . | LC_ALL=C sort | while IFS= read -r path; do
  if [ -L "$path" ]; then
    stat -c '%n|%F|%u:%g|%Y' "$path"
    readlink "$path"
  elif [ -d "$path" ]; then
    stat -c '%n|%F|%a|%u:%g|%Y' "$path"
  else
    stat -c '%n|%F|%a|%u:%g|%Y|%s|%h|%i' "$path"
    [ ! -f "$path" ] || md5sum <"$path"
  fi
done | awk -F'|' 'NF == 8 { if (!($8 in first)) first[$8] = $1; sub(/[0-9]+$/, first[$8]) } { print }'
EOF
python3 - "$SEED" "$STEPS" "$OPERATIONS" "$C" <<'EOF'
import random, sys
seed, steps, count, folder = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
rng = random.Random(seed)
# Few names, so that operations meet: plain, with blanks, of 200 bytes, not UTF-8.
names = ["a", "b", "c", "with blank", "n" * 200, "$(printf 'x\\377')"]
def path(depth=None):
    return "/t/" + "/".join(rng.choice(names) for _ in range(depth or rng.randint(1, 3)))
def quoted(p): return '"' + p + '"'
# Nobody reads a FIFO here: writing into one would wait for ever.
def operation():
    p, q = quoted(path()), quoted(path())
    when = rng.randint(0, 2_000_000_000)
    return rng.choice([
        lambda: f"mkdir -p {p}",
        lambda: f"mkdir -p {p}",
        lambda: f"[ -p {p} ] || echo {rng.random()} > {p}",
        lambda: f"[ -p {p} ] || echo {rng.random()} > {p}",
        lambda: f"[ -p {p} ] || echo more >> {p}",
        lambda: f"rm -rf {p}",
        lambda: f"rm -rf {p}; mkdir {p}",
        lambda: f"rm -rf {p}; mkdir {p}; echo again > {p}/a",
        lambda: f"rm -rf {p}; echo file > {p}",
        lambda: f"rm -rf {p}; ln -s {q} {p}",
        lambda: f"rm -rf {p}; mkfifo {p}",
        lambda: f"ln {p} {q}",
        lambda: f"ln -f {p} {q}",
        lambda: f"ln -s {quoted(path(1)[3:])} {p}",
        lambda: f"mv -T {p} {q}",
        lambda: f"rm -rf {q}; cp -a {p} {q}" if not q[1:].startswith(p[1:-1]) else "true",
        lambda: f"chmod {rng.choice(['0', '640', '4755', '2711', '1777', '755'])} {p}",
        lambda: f"chown -h {rng.randint(0, 2000)}:{rng.randint(0, 2000)} {p}",
        lambda: f"touch -h -d @{when} {p}",
        lambda: f"[ -p {p} ] || dd if=/dev/zero of={p} bs=1 count=1 seek={rng.randint(0, 5_000_000)}",
        lambda: f"mkfifo -m 620 {p}",
    ])()
with open(folder + "/Dockerfile", "a") as dockerfile:
    for step in range(steps):
        with open(f"{folder}/ops/{step}.sh", "w") as script:
            script.writelines(f"{operation()}\n" for _ in range(count))
        dockerfile.write(f"RUN sh /ops/{step}.sh 2>/dev/null; true\n")
    dockerfile.write("RUN sh /ops/list.sh /t > /listing\n"
                     "FROM live AS copied\nCOPY --from=live /t /copy/\nRUN sh /ops/list.sh /copy > /copy-listing\n")
EOF

holds "SEED=$SEED: a build of random file operations succeeds" root random
listed() { busybox sh "$C/ops/list.sh" "$ROOTFS/$1" >"$T/$1.listing" && diff "$ROOTFS/$2" "$T/$1.listing"; }
holds "it left something" [ "$(wc -l <"$ROOTFS/listing")" -gt 8 ]
holds "SEED=$SEED: our layers, put on each other by umoci, are the tree that RUN saw" listed t listing
holds "SEED=$SEED: and so is the copy that COPY made" listed copy copy-listing
# The copy is the tree, but for owners and the directory's own line.
without_owners() { sed -E '1d; s/\|[0-9]+:[0-9]+\|/|/' "$1"; }
holds "SEED=$SEED: COPY keeps types, modes, times, contents and hard links" \
  diff <(without_owners "$ROOTFS/listing") <(without_owners "$ROOTFS/copy-listing")
done_testing
