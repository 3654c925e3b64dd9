#!/usr/bin/env bash
# COPY and ADD with every flag, from the context, other stages, URLs and git: as their users run them, judged by umoci.
# shellcheck source-path=SCRIPTDIR disable=SC2034
. "$(dirname "$0")/builder_lib.sh"
for tool in python3 git bzip2 xz zstd; do
  command -v "$tool" >/dev/null || { echo "skip: $tool is not installed"; exit 77; }
done

# mode PATH...: mode, owner and name of each path below $ROOTFS.
mode() { (cd "$ROOTFS" && stat -c '%a %u:%g %n' "$@" 2>&1); }
# files DIRECTORY: what is below it, sorted, in one line.
files() { (cd "$ROOTFS/$1" 2>/dev/null && find . -mindepth 1 | LC_ALL=C sort | cut -c3- | tr '\n' ' '); }

# The web server: files of $T/web; /moved redirects to /file, /broken is 503, /count is how often that was asked.
mkdir "$T/web"
cat >"$T/web.py" <<'EOF'
import http.server, os, sys
asked = 0
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        global asked
        if self.path.startswith("/moved"):
            self.send_response(302); self.send_header("Location", "/file"); self.end_headers()
        elif self.path.startswith("/broken"):
            asked += 1
            self.send_response(503); self.send_header("Content-Length", "0"); self.end_headers()
        elif self.path.startswith("/private") and self.headers.get("Authorization") != "Basic dTpzZWNyZXQ=":
            self.send_response(401); self.send_header("Content-Length", "0"); self.end_headers()
        else:
            super().do_GET()
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as f: f.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
EOF
(cd "$T/web" && exec python3 "$T/web.py" "$T/web.port") &
SLEEPER=$! # ended with the test
for _ in $(seq 100); do
  [ -s "$T/web.port" ] && break
  sleep 0.1
done
WEB=http://127.0.0.1:$(cat "$T/web.port")
echo content >"$T/web/file"
echo private >"$T/web/private"
touch -d '2020-02-02T02:02:02Z' "$T/web/file"

R=127.0.0.1:1 # no registry: every base is made here
# base: $C gets a busybox; a Dockerfile may begin FROM scratch and go on with what this prints.
BUSYBOX='COPY busybox /bin/busybox
COPY etc /etc/
RUN ["/bin/busybox", "--install", "-s", "/bin"]'
base() {
  cp "$(command -v busybox)" "$C/busybox"
  mkdir -p "$C/etc"
  printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001:node:/home/node:/bin/sh\n' >"$C/etc/passwd"
  printf 'root:x:0:\nnode:x:1001:\n' >"$C/etc/group"
}

# --- COPY's flags
context exclude <<'EOF'
FROM scratch
COPY --exclude=*.txt --exclude=sub/*.md . /one/
COPY --exclude=**/*.txt --exclude=!keep.txt . /two/
COPY --exclude=*.txt f* /three/
FROM scratch
COPY --from=0 --exclude=sub one/ /four/
COPY --from=0 / /all
EOF
printf '%s\n' Dockerfile .dockerignore >"$C/.dockerignore"
mkdir -p "$C/sub"
touch "$C/a.txt" "$C/keep.txt" "$C/f1.md" "$C/f2.txt" "$C/sub/b.txt" "$C/sub/b.md"
holds "a build with --exclude succeeds" root exclude
is "--exclude is for the source's own level" "$(files all/one)" "f1.md sub sub/b.txt "
is "--exclude with ** and !" "$(files all/two)" "f1.md keep.txt sub sub/b.md "
is "--exclude of files that a wildcard finds" "$(files all/three)" "f1.md "
is "--exclude from another stage" "$(files four)" "f1.md "

context parents <<'EOF'
FROM scratch
COPY --parents a/b/c.txt ./x/y/*.txt /one/
COPY --parents a/./b/c.txt /two/
COPY --parents **/*.txt /three/
WORKDIR /w
COPY --parents x/y .
FROM scratch
COPY --from=0 --parents /one/./x /five/
COPY --from=0 / /all
EOF
mkdir -p "$C/a/b" "$C/x/y"
chmod 711 "$C/a"
touch "$C/a/b/c.txt" "$C/x/y/1.txt" "$C/x/y/2.md"
holds "a build with --parents succeeds" root parents
is "--parents keeps the directories" "$(files all/one)" "a a/b a/b/c.txt x x/y x/y/1.txt "
is "--parents from the pivot on" "$(files all/two)" "b b/c.txt "
is "--parents with **" "$(files all/three)" "a a/b a/b/c.txt x x/y x/y/1.txt "
is "--parents into WORKDIR" "$(files all/w)" "x x/y x/y/1.txt x/y/2.md "
is "--parents from another stage" "$(files five)" "x x/y x/y/1.txt "
is "--parents keeps the directories' modes" "$(mode all/one/a)" "711 0:0 all/one/a"

context chmod <<'EOF'
FROM scratch
ARG MODE=u=rwX,go=rX
COPY --chmod=$MODE d /symbolic/
COPY --chmod=4750 d/f /octal/
COPY --chmod=go-rwx --chown=7:8 d/f /private
EOF
mkdir -m 700 "$C/d" "$C/d/e"
touch "$C/d/f" "$C/d/x" && chmod 640 "$C/d/f" && chmod 750 "$C/d/x"
holds "a build with --chmod succeeds" root chmod
is "--chmod: letters, and X where it is useful" "$(mode symbolic/e symbolic/f symbolic/x | tr '\n' ' ')" \
  "755 0:0 symbolic/e 644 0:0 symbolic/f 755 0:0 symbolic/x "
is "--chmod in octal, also for directories on the way" "$(mode octal octal/f | tr '\n' ' ')" "750 0:0 octal 4750 0:0 octal/f "
is "--chmod and --chown together" "$(mode private)" "600 7:8 private"
context badmode <<'EOF'
FROM scratch
COPY --chmod=u+q Dockerfile /
EOF
build
is "a --chmod that is none fails the build" "$STATUS" 1
holds "with line and mode" logged 'Dockerfile:2: COPY: --chmod=u\+q: expected'

context link <<EOF
FROM scratch
$BUSYBOX
RUN mkdir -p /real && ln -s real /alias && mkdir -m 700 /closed && echo old > /closed/old
COPY --link f /alias/f
COPY --link --chown=5:6 f /closed/
COPY --link --chmod=600 f /alias2/
COPY --link d /
EOF
base
mkdir -p "$C/d/made"
echo new | tee "$C/f" >"$C/d/made/g"
holds "a build with --link succeeds" root link
is "--link makes directories anew instead of following links" "$(stat -c %F "$ROOTFS/alias" && cat "$ROOTFS/alias/f")" "directory
new"
is "--link: the layer's directories are its own" "$(mode closed closed/f)" "755 5:6 closed
644 5:6 closed/f"
is "--link keeps what was there" "$(cat "$ROOTFS/closed/old" "$ROOTFS/made/g" | tr '\n' ' ')" "old new "

# --- ADD of files and archives
context add <<EOF
FROM scratch
$BUSYBOX
RUN mkdir -m 1777 /drop && echo old > /drop/keep && echo old > /drop/f && mkdir /drop/was-dir && ln -s /etc /drop/link
ADD plain.tar /drop
ADD a.tar.gz /gz/
ADD a.tar.bz2 /bz2
ADD a.tar.xz /xz/
ADD named.txt /zst
ADD --chown=node a.tar.gz /owned/
ADD --unpack=false a.tar.gz /packed/
ADD *.gz f /mixed/
ADD empty.tar.gz dir notes.gz /copied/
ADD <<hello /inline/
hi
hello
EOF
base
mkdir "$C/tree" "$C/tree/d" "$C/dir"
echo new >"$C/tree/f"
echo file >"$C/tree/was-dir"
chmod 2750 "$C/tree/d"
ln -s d "$C/tree/l"
ln "$C/tree/f" "$C/tree/g"
mkdir "$C/tree/link" && echo inside >"$C/tree/link/passwd"
touch "$C/dir/x" "$C/f" "$C/empty.tar.gz"
echo notes | gzip >"$C/notes.gz"
(cd "$C/tree" && tar --numeric-owner --owner=11 --group=12 --mtime='2001-01-01Z' --format=pax -cf ../plain.tar .)
gzip -k <"$C/plain.tar" >"$C/a.tar.gz"
bzip2 <"$C/plain.tar" >"$C/a.tar.bz2"
xz <"$C/plain.tar" >"$C/a.tar.xz"
zstd -q <"$C/plain.tar" >"$C/named.txt"
rm -r "$C/tree"
holds "a build with ADD of archives succeeds" root add
is "an archive does not change the directory that it is added to" "$(mode drop)" "1777 0:0 drop"
is "it keeps what is there and replaces what it names" "$(cat "$ROOTFS"/drop/{keep,f,was-dir,link/passwd} | tr '\n' ' ')" \
  "old new file inside "
is "a symlink in its way is replaced, not followed" "$(stat -c %F "$ROOTFS/drop/link"; grep -c node "$ROOTFS/etc/passwd")" "directory
1"
is "owners, modes and links are the archive's" "$(mode drop/d drop/f | tr '\n' ' ')$(readlink "$ROOTFS/drop/l")" \
  "2750 11:12 drop/d 644 11:12 drop/f d"
holds "hard links stay" [ "$ROOTFS/drop/f" -ef "$ROOTFS/drop/g" ]
is "times are the archive's" "$(stat -c %Y "$ROOTFS/drop/f")" 978307200
for kind in gz bz2 xz zst; do
  is "$kind is unpacked, whatever it is called" "$(files $kind)" "d f g l link link/passwd was-dir "
done
is "--chown is for what is unpacked, too" "$(mode owned owned/f | tr '\n' ' ')" "755 1000:1001 owned 644 1000:1001 owned/f "
is "--unpack=false copies" "$(files packed)" "a.tar.gz "
is "of several sources the archives are unpacked" "$(files mixed)" "d empty.tar.gz f g l link link/passwd notes.gz was-dir "
is "what only looks like an archive is copied" "$(files copied)" "empty.tar.gz notes.gz x "
is "ADD writes inline files" "$(cat "$ROOTFS/inline/hello")" hi

python3 - "$T" <<'EOF'
import io, sys, tarfile
def make(name, *entries):
    with tarfile.open(f"{sys.argv[1]}/{name}.tar", "w") as tar:
        for path, kind, link in entries:
            info = tarfile.TarInfo(path); info.type = kind; info.linkname = link
            body = b"x" if kind == tarfile.REGTYPE else b""
            info.size = len(body); tar.addfile(info, io.BytesIO(body))
make("dotdot", ("../escaped", tarfile.REGTYPE, ""))
make("whiteout", ("etc/.wh.passwd", tarfile.REGTYPE, ""))
make("through", ("link", tarfile.SYMTYPE, "/etc"), ("link/evil", tarfile.REGTYPE, ""))
EOF
for attack in dotdot whiteout; do
  context "attack-$attack" <<'EOF'
FROM scratch
ADD a.tar /opt/
EOF
  cp "$T/$attack.tar" "$C/a.tar"
  build
  is "an archive with a $attack is refused" "$STATUS" 1
  holds "with its line" logged 'Dockerfile:2: ADD: unpack a.tar: (\.\./escaped|etc/\.wh\.passwd): '
done
context attack-through <<'EOF'
FROM scratch
ADD a.tar /opt/
EOF
cp "$T/through.tar" "$C/a.tar"
holds "an archive whose symlink leads to /etc" root through
is "stays below its destination" "$(files .)" "opt opt/etc opt/etc/evil opt/link "

# --- ADD of URLs
SUM=$(sha256sum <"$T/web/file" | cut -d' ' -f1)
cp "$T/contexts/add/a.tar.gz" "$T/web/a.tar.gz"
context url <<EOF
FROM scratch
ARG TOKEN
ADD $WEB/file /one/
ADD $WEB/file?x=/y /two
ADD --checksum=sha256:$SUM --chmod=644 --chown=3:4 $WEB/moved /three/
ADD $WEB/a.tar.gz /packed/
ADD --unpack=true $WEB/a.tar.gz /unpacked/
ADD http://u:\$TOKEN@${WEB#http://}/private /private
EOF
holds "a build with ADD of URLs succeeds" root url --build-arg TOKEN=secret
is "a URL's file is private and has the name of the path" "$(mode one/file two)" "600 0:0 one/file
600 0:0 two"
is "its time is Last-Modified" "$(stat -c %Y "$ROOTFS/one/file")" 1580608922
is "--checksum, --chmod, --chown, and a redirect" "$(mode three/moved; cat "$ROOTFS/three/moved")" "644 3:4 three/moved
content"
is "an archive from a URL is unpacked only on request" "$(files packed)$(files unpacked)" \
  "a.tar.gz d f g l link link/passwd was-dir "
is "a URL's credentials reach the server" "$(cat "$ROOTFS/private")" private
holds "and are neither in the log" not logged secret
holds "nor in the config" not grep -q 'secret' "$CONFIG"

# fails NAME STATUS PATTERN <Dockerfile
fails() {
  context "fails-$1"
  build
  is "ADD fails: $1" "$STATUS" "$2"
  holds "and says why: $1" logged "$3"
}
fails "wrong checksum" 1 'Dockerfile:2: ADD: download .*/file: the checksum is sha256:' <<EOF
FROM scratch
ADD --checksum=sha256:$(printf '0%.0s' $(seq 64)) $WEB/file /
EOF
fails "no such file" 1 "Dockerfile:2: ADD: download $WEB/none: status 404" <<EOF
FROM scratch
ADD $WEB/none?token=secret /
EOF
holds "without the query" not logged 'download .*secret'
fails "server is broken" 4 "Dockerfile:2: ADD: download $WEB/broken: status 503" <<EOF
FROM scratch
ADD $WEB/broken /
EOF
fails "URL without a name" 1 'Dockerfile:2: ADD: the URL names no file' <<EOF
FROM scratch
ADD $WEB/ /d/
EOF
fails "URL in COPY" 1 'Dockerfile:2: COPY: .*: COPY takes no URL, ADD does' <<EOF
FROM scratch
COPY $WEB/file /
EOF
fails "checksum of a local file" 1 'Dockerfile:2: ADD: --checksum is for a URL or a git repository' <<EOF
FROM scratch
ADD --checksum=sha256:00 Dockerfile /
EOF

# --- ADD of git repositories, over the same server (git's dumb protocol)
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main "$T/repo"
mkdir "$T/repo/docs"
echo one >"$T/repo/docs/a"
printf '#!/bin/sh\n' >"$T/repo/run" && chmod 755 "$T/repo/run"
git -C "$T/repo" add . && git -C "$T/repo" commit -q -m one && git -C "$T/repo" tag v1
COMMIT=$(git -C "$T/repo" rev-parse HEAD)
echo two >"$T/repo/docs/a"
git -C "$T/repo" commit -q -a -m two
git clone -q --bare "$T/repo" "$T/web/repo.git"
git -C "$T/web/repo.git" update-server-info
context git <<EOF
FROM scratch
ADD $WEB/repo.git /head
ADD $WEB/repo.git#v1:docs /docs/
ADD --checksum=${COMMIT:0:8} --chown=1:2 $WEB/repo.git?tag=v1 /query/
ADD --keep-git-dir=true $WEB/repo.git /kept/
EOF
holds "a build with ADD of a repository succeeds" root git
is "ADD of a repository: its default branch, without .git" "$(files head)$(cat "$ROOTFS/head/docs/a")" "docs docs/a run two"
is "ADD of a repository: modes" "$(mode head head/docs head/docs/a head/run | cut -d' ' -f1 | tr '\n' ' ')" "755 755 644 755 "
is "ADD of a repository: a tag's directory" "$(files docs)$(cat "$ROOTFS/docs/a")" "a one"
is "ADD of a repository: as a query, with checksum and owner" "$(mode query/run)" "755 1:2 query/run"
is "--keep-git-dir" "$(cut -c1-7 "$ROOTFS/kept/.git/HEAD")" "$(git -C "$T/repo" rev-parse HEAD | cut -c1-7)"
fails "another commit" 1 'Dockerfile:2: ADD: git .*repo.git: tag v1: the commit is [0-9a-f]{40}, the checksum 0123' <<EOF
FROM scratch
ADD --checksum=0123 $WEB/repo.git?tag=v1 /
EOF
fails "unknown query" 1 'Dockerfile:2: ADD: git .*repo.git: unknown query "brnch"' <<EOF
FROM scratch
ADD $WEB/repo.git?brnch=v1 /
EOF

# --- contexts that are archives
context tarred <<'EOF'
FROM scratch
COPY . /all/
EOF
mkdir "$C/d" && echo hi >"$C/d/f" && chmod 751 "$C/d/f" && ln "$C/d/f" "$C/d/g" && ln -s f "$C/d/l"
printf '%s\n' Dockerfile .dockerignore >"$C/.dockerignore"
TARRED=$C
for kind in gz bz2 xz zst; do
  tar -C "$TARRED" -caf "$T/web/context.tar.$kind" .
  C=- && holds "a build from a tar.$kind on standard input" root "stdin-$kind" <"$T/web/context.tar.$kind"
  is "has its files ($kind)" "$(files all)$(mode all/d/f)" "d d/f d/g d/l 751 0:0 all/d/f"
done
C=$WEB/context.tar.gz && holds "a build from a tar at a URL" root http
is "has its files (URL)" "$(files all)" "d d/f d/g d/l "
holds "its hard links" [ "$ROOTFS/all/d/f" -ef "$ROOTFS/all/d/g" ]
C=- && holds "a Dockerfile on standard input" root lone <<<$'FROM scratch\nCOPY <<a /a\nlone\na\n'
is "is built without a context" "$(cat "$ROOTFS/a")" lone
C=- && build </dev/null
is "nothing on standard input is no context" "$STATUS" 1
holds "and says so" logged 'context standard input: there is nothing in it'
C=$WEB/none.tar && build
is "a context that is not there is a configuration failure" "$STATUS" 3
holds "with its URL" logged "context $WEB/none.tar: download .*status 404"

# --- named contexts
context named <<'EOF'
FROM scratch
COPY --from=assets --exclude=*.md . /assets/
COPY --from=code docs/a /code/
COPY --from=packed d/f /packed/
ADD main /
EOF
touch "$C/main"
mkdir -p "$T/assets/sub"
touch "$T/assets/a.js" "$T/assets/b.md" "$T/assets/ignored"
echo ignored >"$T/assets/.dockerignore"
holds "a build with named contexts succeeds" root named --build-context "assets=$T/assets" \
  --build-context "code=$WEB/repo.git#v1" --build-context "packed=$WEB/context.tar.gz"
is "a directory, without what its own .dockerignore excludes" "$(files assets)" ".dockerignore a.js sub "
is "a git repository and a tar" "$(cat "$ROOTFS/code/a" "$ROOTFS/packed/f" | tr '\n' ' ')" "one hi "
context from-named <<'EOF'
FROM assets
EOF
build --build-context "assets=$T/assets"
is "FROM a directory is refused" "$STATUS" 1
holds "with the reason" logged 'Dockerfile:1: FROM: the context assets is files, no image'
build --build-context "assets=$T/nowhere"
is "a named context that is not there is a configuration failure" "$STATUS" 3
holds "that names it" logged '--build-context assets: context .*nowhere does not exist'
build --build-context assets
is "--build-context without a source is a usage error" "$STATUS" 2
start_registry
make_base
context image-named <<'EOF'
FROM tools AS a
FROM scratch
COPY --from=tools /data/one /from
COPY --from=a /onbuild /onbuild
EOF
holds "a name can mean another image" root image-named --build-context "tools=docker-image://$BASE"
is "in FROM and in --from" "$(cat "$ROOTFS/from" "$ROOTFS/onbuild" | tr '\n' ' ')" "one triggered "
done_testing
