#!/usr/bin/env bash
# The operator's rights are those it needs: after all other tests, the API server's audit log has no request of the
# operator that was denied, and a request for every right that the shipped roles give.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
python3 "$(dirname "${BASH_SOURCE[0]}")/rbac.py" "$CLUSTER_LOG/audit.log" "$ROOT/manifests/install/rbac.yaml" || fail "the roles are not minimal"
lap_total "passed"
