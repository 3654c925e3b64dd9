# shellcheck shell=bash
# What a cluster of ours needs around it for the ladder: base images in the
# mirror, the stand-in's apk packages and the app's git repository over http.
#
# Sourced, after common.sh, http-server.sh and app-repo.sh, with the variables
# of `hack/cluster env` set.

SERVICES=${IMAGEBUILD_SERVICES:-/run/imagebuild-services}
SERVICES_PORT=${IMAGEBUILD_SERVICES_PORT:-8088}

services_url() { echo "http://$HOST_IP:$SERVICES_PORT"; }

# services_up: idempotent. Says plainly when base images are stand-ins.
services_up() {
  http_server_start "$SERVICES" "$HOST_IP" "$SERVICES_PORT"
  app_repo_make "$SERVICES/git/app.git" >/dev/null
  lap "the app's repository is at $(services_url)/git/app.git"
  if "$ROOT/hack/standins" needed; then
    say "Docker Hub cannot be reached: node:latest, node:alpine and alpine:3.10 are stand-ins made of Debian packages"
    "$ROOT/hack/standins" packages "$SERVICES/apk"
    "$ROOT/hack/standins" push "$MIRROR_HOST" "$(services_url)/apk"
    lap "stand-ins are in the mirror of docker.io at $MIRROR"
  else
    say "Docker Hub can be reached: base images come from it"
  fi
}

services_down() { http_server_stop "$SERVICES"; rm -rf "$SERVICES"; }
