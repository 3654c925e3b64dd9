#!/usr/bin/env bash
# Ends what up.sh started, and checks that nothing is left.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
services_down
"$ROOT/hack/cluster" down
