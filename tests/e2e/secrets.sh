#!/usr/bin/env bash
# A Secret for RUN: the step that asks for it sees it; status, log and registry never do.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
namespace e2e-secrets
secret=tell-nobody-$SRANDOM$SRANDOM
k -n "$NAMESPACE" create secret generic npm --from-literal=.npmrc="$secret" >/dev/null

secrets='secrets: [{id: npmrc, secretRef: {name: npm, key: .npmrc}}]'
inline with-secret "$secrets" <<'END'
FROM alpine:3.10
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc,required wc -c < /root/.npmrc > /length
RUN --mount=type=secret,id=npmrc,env=TOKEN echo "${#TOKEN}" >> /length
RUN { ls -A /root; ls -A /run/secrets 2>/dev/null; } | wc -l >> /length; echo "${TOKEN:-none}" >> /length
END
inline without-key 'secrets: [{id: npmrc, secretRef: {name: npm, key: other}}]' <<'END'
FROM alpine:3.10
RUN true
END
await with-secret Ready True
await without-key Stalled True

say "both ways of asking give it, and a step that does not ask has nothing"
length=${#secret}
image=$REGISTRY_POD/$NAMESPACE/with-secret
equal "/length" "$(run_image length "$image:latest" cat /length | tr -s ' \n' ' ')" "$length $length 0 none "

say "a key that is not there is a failure that names it"
equal "Ready" "$(condition without-key Ready)" "False SecretNotFound"
contains "message" "$(field without-key '.status.conditions[] | select(.type == "Ready") | .message')" "spec.secrets[0].secretRef"

say "nothing that is left behind holds it"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/$NAMESPACE/with-secret:latest" "dir:$work/image"
for blob in "$work"/image/*; do gzip -dc "$blob" >"$work/plain" 2>/dev/null || cp "$blob" "$work/plain"; cat "$work/plain"; done >"$work/everything"
k -n "$NAMESPACE" get imagebuilds,pods,events -o yaml >>"$work/everything"
k -n "$NAMESPACE" logs -l imagebuild.dev/uid="$(field with-secret .metadata.uid)" --tail=-1 >>"$work/everything"
k -n imagebuild-system logs -l app.kubernetes.io/name=imagebuild-operator --tail=-1 >>"$work/everything"
[ "$(wc -c <"$work/everything")" -gt 100000 ] || fail "there is nothing to look through"
! grep -q "$secret" "$work/everything" || fail "the secret is in what the build left behind"
lap_total "passed"
