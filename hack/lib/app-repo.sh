# shellcheck shell=bash
# The git repository the ladder builds from: demo/app at its root, and the
# Dockerfiles of demo/ladder beside it. The same files give the same commit on
# any machine, so a build of it is the same build.
#
# Sourced, after common.sh. Needs git.

APP_REPO_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../demo" && pwd)

# git that nobody's configuration changes, on the bare repository $1.
app_repo_git() {
  local repository=$1
  shift
  env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_DIR="$repository" \
    GIT_AUTHOR_NAME='ImageBuild demonstration' GIT_AUTHOR_EMAIL=demo@imagebuild.invalid \
    GIT_COMMITTER_NAME='ImageBuild demonstration' GIT_COMMITTER_EMAIL=demo@imagebuild.invalid \
    git -c safe.directory='*' "$@"
}

# app_repo_make REPOSITORY: a bare repository with one commit on main, printed.
# One that is there is set back to that commit.
app_repo_make() {
  local repository scratch folder tree commit
  repository=$(realpath -m "$1")
  scratch=$(mktemp -d)
  [ -f "$repository/HEAD" ] ||
    app_repo_git "$repository" init -q --bare --initial-branch=main --template= "$repository"
  for folder in app ladder; do
    GIT_INDEX_FILE=$scratch/index app_repo_git "$repository" \
      --work-tree="$APP_REPO_SOURCE/$folder" -c core.autocrlf=false -c core.bare=false \
      -C "$APP_REPO_SOURCE/$folder" add --ignore-removal .
  done
  tree=$(GIT_INDEX_FILE=$scratch/index app_repo_git "$repository" write-tree)
  rm -rf "$scratch"
  commit=$(echo 'Add the app and its Dockerfiles' |
    app_repo_commit_tree "$repository" '2024-12-01T00:00:00Z' "$tree")
  app_repo_git "$repository" update-ref refs/heads/main "$commit"
  app_repo_readable "$repository"
  echo "$commit"
}

# app_repo_commit REPOSITORY MESSAGE PATH: one more commit on main, printed, in
# which PATH has what stands on standard input. Its time is a minute after the
# last one's.
app_repo_commit() {
  local repository=$1 message=$2 path=$3 scratch blob tree parent when commit
  scratch=$(mktemp -d)
  parent=$(app_repo_git "$repository" rev-parse refs/heads/main)
  when=$(app_repo_git "$repository" log -1 --format=%ct "$parent")
  blob=$(app_repo_git "$repository" hash-object -w --stdin)
  GIT_INDEX_FILE=$scratch/index app_repo_git "$repository" read-tree "$parent"
  GIT_INDEX_FILE=$scratch/index app_repo_git "$repository" \
    update-index --add --cacheinfo "100644,$blob,$path"
  tree=$(GIT_INDEX_FILE=$scratch/index app_repo_git "$repository" write-tree)
  rm -rf "$scratch"
  commit=$(echo "$message" |
    app_repo_commit_tree "$repository" "@$((when + 60)) +0000" "$tree" -p "$parent")
  app_repo_git "$repository" update-ref refs/heads/main "$commit" "$parent"
  app_repo_readable "$repository"
  echo "$commit"
}

# app_repo_commit_tree REPOSITORY DATE ARGUMENT...: message on standard input.
app_repo_commit_tree() {
  local repository=$1 date=$2
  shift 2
  GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date app_repo_git "$repository" commit-tree "$@"
}

# The http server runs as another user.
app_repo_readable() { chmod -R a+rX "$1"; }
