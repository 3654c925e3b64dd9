"""rbac.py AUDIT_LOG RBAC_YAML: compares what the operator asked for with what its roles allow.

Fails on a request that was denied, and on a right that no request used."""

import json
import sys

import yaml

USER = "system:serviceaccount:imagebuild-system:imagebuild-operator"

# Rights that are used where no test can see it, each with its reason.
UNSEEN = {
    ("imagebuild.dev", "imagebuilds/finalizers", "update"):
        "checked by an admission plug-in while a pod is created, not requested",
    ("", "pods", "get"):
        "asked when a build's pod is missing from the cache, or there before it is created",
}


def rights(documents):
    """(group, resource, verb) of every rule of every role."""
    for document in documents:
        for rule in (document or {}).get("rules", []):
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        yield group, resource, verb


def requests(log):
    """(group, resource, verb), status, URI of every request of the operator."""
    for line in log:
        event = json.loads(line)
        reference = event.get("objectRef")
        if event["user"]["username"] != USER or not reference:
            continue
        resource = reference["resource"]
        if "subresource" in reference:
            resource += "/" + reference["subresource"]
        right = reference.get("apiGroup", ""), resource, event["verb"]
        yield right, event["responseStatus"]["code"], event["requestURI"]


def main(log_path, roles_path):
    with open(roles_path, encoding="utf-8") as roles:
        allowed = set(rights(yaml.safe_load_all(roles)))
    used, denied = set(), []
    with open(log_path, encoding="utf-8") as log:
        for right, status, uri in requests(log):
            used.add(right)
            if status in (401, 403):
                denied.append(f"{right[2]} {uri}")
    if not used:
        print("the audit log has no request of the operator", file=sys.stderr)
        return 1
    unused = sorted(allowed - used - set(UNSEEN))
    for request in sorted(set(denied)):
        print(f"denied: {request}", file=sys.stderr)
    for group, resource, verb in unused:
        print(f"no request used: {verb} {resource} of {group or 'core'}", file=sys.stderr)
    print(f"{len(allowed)} rights, {len(used & allowed)} used, {len(UNSEEN)} used unseen")
    return 1 if denied or unused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
