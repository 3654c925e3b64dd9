"""ImageBuilds to look at: the ladder of six images of one app, a shop with one of every state."""

import datetime
import hashlib

MIB = 1 << 20
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

# Text that would run if it were taken for markup anywhere.
MARKUP = (
    "RUN echo '<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>' >"
    " /index.html"
)


def ago(**spans):
    return (NOW - datetime.timedelta(**spans)).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def mib(value):
    return int(value * MIB)


def condition(kind, status, reason, message="", **since):
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": ago(**since or {"hours": 2}),
    }


def layer(created_by, size, unpacked, origin="own", line=0, waste=0, delta=None):
    result = {
        "digest": digest(created_by + str(size))[7:19],
        "sizeBytes": mib(size),
        "origin": origin,
        "uncompressedSizeBytes": mib(unpacked),
        "createdBy": created_by,
    }
    if line:
        result["line"] = line
    if waste:
        result["wastedBytes"] = mib(waste)
    if delta is not None:
        result["deltaBytes"] = mib(delta)
    return result


def path(name, size, index):
    return {"path": name, "sizeBytes": mib(size), "layer": index}


def platform(layers, paths=(), name="linux/amd64"):
    total = sum(item["sizeBytes"] for item in layers)
    return {
        "platform": name,
        "digest": digest(name + str(total)),
        "sizeBytes": total,
        "ownSizeBytes": sum(item["sizeBytes"] for item in layers if item["origin"] == "own"),
        "uncompressedSizeBytes": sum(item["uncompressedSizeBytes"] for item in layers),
        "largestLayerSizeBytes": max(item["sizeBytes"] for item in layers),
        "wastedBytes": sum(item.get("wastedBytes", 0) for item in layers),
        "layerCount": len(layers),
        "layers": layers,
        "largestPaths": list(paths),
    }


def history(sizes, own):
    """sizes in MiB, the newest first; None: a build that failed."""
    entries = []
    for i, size in enumerate(sizes):
        entry = {
            "number": len(sizes) - i,
            "hash": digest(str(size))[7:15],
            "trigger": "Spec",
            "seconds": 21.4 + i,
            "result": "Success" if size else "Failure",
            "finishedAt": ago(days=i * 3, hours=2),
        }
        if size:
            entry.update(digest=digest(str(size)), sizeBytes=mib(size), ownSizeBytes=mib(own[i]))
        entries.append(entry)
    return entries


def imagebuild(
    key,
    repository,
    platforms=(),
    change=None,
    baseline=None,
    conditions=None,
    advice=(),
    past=(),
    spec=None,
    build=None,
    base="",
):
    namespace, name = key.split("/")
    status = {
        "observedGeneration": 1,
        "history": list(past),
        "conditions": conditions or [
            condition("Ready", "True", "Succeeded", f"pushed {repository}"),
            condition("UpToDate", "True", "InputsBuilt"),
        ],
    }
    if platforms:
        largest = max(platforms, key=lambda one: one["sizeBytes"])
        before = largest["sizeBytes"] - mib(change or 0)
        status["image"] = {
            "ref": f"{repository}@{largest['digest']}",
            "digest": largest["digest"],
            "tags": ["latest"],
            "createdAt": ago(hours=2),
            "revision": "main@sha1:5f3c2a1b9d8e",
            "platforms": list(platforms),
            "advice": list(advice),
            **{
                field: largest[field]
                for field in (
                    "sizeBytes",
                    "ownSizeBytes",
                    "uncompressedSizeBytes",
                    "layerCount",
                    "wastedBytes",
                )
            },
        }
        if change is not None:
            status["image"].update(
                deltaBytes=mib(change), delta=f"{mib(change) / before * 100:+.1f}%"
            )
    if baseline:
        status["baseline"] = {"sizeBytes": mib(baseline), "samples": 5}
    if base:
        status["inputs"] = {
            "key": "k",
            "bases": [
                {"ref": base, "platform": one["platform"], "digest": digest(base)}
                for one in platforms
            ],
        }
    status["build"] = build or {
        "pod": f"{name}-1",
        "hash": "h",
        "trigger": "Spec",
        "number": len(past) or 1,
        "result": "Success",
        "startedAt": ago(hours=2, minutes=1),
        "finishedAt": ago(hours=2),
    }
    return {
        "apiVersion": "imagebuild.dev/v1alpha1",
        "kind": "ImageBuild",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": key,
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": ago(days=30),
        },
        "spec": {
            "image": repository,
            "source": {"git": {"url": "https://git.acme.io/shop.git"}},
            **(spec or {}),
        },
        "status": status,
    }


def grown():
    """An image that grew over its budget, with the instruction that made it."""
    layers = [
        layer("ADD rootfs.tar.gz /", 2.7, 5.6, "base", delta=0.1),
        layer("RUN apk add nodejs npm", 24.3, 71.2, "base", delta=1.3),
        layer("WORKDIR /app", 0.0002, 0.001, line=4, delta=0),
        layer("COPY package.json package-lock.json ./", 0.2, 0.9, line=5, delta=0),
        layer(
            "RUN pip install --no-cache-dir torch numpy && npm ci",
            118.4,
            262.0,
            line=6,
            waste=12.5,
            delta=39.9,
        ),
        layer("COPY . .", 36.5, 64.0, line=7, waste=3.2, delta=-0.4),
        layer("RUN npm run build", 8.9, 31.0, line=8),
    ]
    paths = [
        path("/usr/lib/python3/site-packages/torch/lib/libtorch_cpu.so", 118.0, 4),
        path("/usr/bin/node", 38.4, 1),
        path("/app/node_modules/.cache", 27.5, 4),
        path("/usr/lib/python3/site-packages/numpy", 26.2, 4),
        path("/app/assets/hero.mp4", 22.0, 5),
        path("/app/node_modules/typescript", 21.3, 4),
        path("/app/dist/bundle.js.map", 16.8, 6),
        path("/usr/lib/libicudata.so", 14.9, 1),
        path("/app/.git", 12.1, 5),
        path("/usr/lib/node_modules/npm", 9.9, 1),
    ]
    arm = [
        layer("ADD rootfs.tar.gz /", 2.6, 5.4, "base"),
        layer("RUN apk add nodejs npm", 23.8, 69.0, "base"),
        layer("RUN npm ci", 61.0, 150.0, line=6),
    ]
    sizes = [191.0, 149.8, 149.1, None, 148.9, 147.2, 131.0, 130.4]
    own = [164.0, 124.2, 123.5, 0, 123.3, 121.6, 105.6, 105.1]
    return imagebuild(
        "shop/web",
        "registry.acme.io/shop/web",
        [platform(layers, paths), platform(arm, name="linux/arm64")],
        change=41.2,
        baseline=149.0,
        past=history(sizes, own),
        base="docker.io/library/node:alpine",
        spec={
            "budget": {
                "size": "180Mi",
                "growth": "15%",
                "own": "150Mi",
                "layers": 20,
                "enforcement": "Warn",
            }
        },
        conditions=[
            condition("Ready", "True", "Succeeded", "pushed registry.acme.io/shop/web:latest"),
            condition(
                "UpToDate", "True", "InputsBuilt", "the image was built from the current inputs"
            ),
            condition(
                "WithinBudget",
                "False",
                "SizeBudgetExceeded",
                (
                    "+41.2 MiB over baseline 149.0 MiB; largest change: layer 5 RUN pip install "
                    "(Dockerfile:6) +39.9 MiB"
                ),
            ),
        ],
        advice=[
            {
                "line": 6,
                "savesBytes": mib(27.5),
                "message": "the layer keeps a cache: /app/node_modules/.cache",
            },
            {
                "line": 7,
                "savesBytes": mib(12.1),
                "message": "COPY takes /app/.git along: add it to .dockerignore",
            },
        ],
    )


def hostile():
    """Every text of it holds markup."""
    build = imagebuild(
        "shop/hostile",
        "registry.acme.io/shop/hostile",
        [platform([layer(MARKUP, 3, 7, line=2, delta=1)], [path(MARKUP, 2, 0)], "<b>linux</b>")],
        change=1,
        baseline=2,
        past=history([3, 2], [3, 2]),
        base="<u>base</u>",
        conditions=[
            condition("Ready", "True", "Succeeded", MARKUP),
            condition("UpToDate", "False", "<i>BuildFailed</i>", MARKUP),
        ],
        advice=[{"line": 1, "savesBytes": 1, "message": MARKUP}],
        build={
            "pod": "p",
            "hash": "h",
            "trigger": "Spec",
            "number": 9,
            "result": "Failure",
            "failure": {
                "class": "Terminal",
                "reason": "BuildFailed",
                "message": MARKUP,
                "stage": MARKUP,
                "line": 2,
                "exitCode": 1,
                "logTail": MARKUP,
            },
        },
    )
    build["status"]["image"].update(tags=[MARKUP], revision=MARKUP)
    build["status"]["history"][0]["trigger"] = MARKUP
    return build


def failing():
    failure = {
        "class": "Terminal",
        "reason": "BuildFailed",
        "message": "RUN npm ci: exit status 1",
        "stage": "build",
        "line": 14,
        "exitCode": 1,
        "logTail": (
            "npm ERR! code ERESOLVE\nnpm ERR! ERESOLVE could not resolve\nnpm ERR! While resolving:"
            " api@2.1.0\nnpm ERR! Found: react@17.0.2"
        ),
    }
    return imagebuild(
        "shop/api",
        "registry.acme.io/shop/api",
        conditions=[
            condition("Ready", "False", "BuildFailed", "RUN npm ci: exit status 1", minutes=9),
            condition("Stalled", "True", "BuildFailed", minutes=9),
        ],
        past=history([None], [0]),
        build={
            "pod": "api-1",
            "hash": "h",
            "trigger": "Spec",
            "number": 1,
            "result": "Failure",
            "startedAt": ago(minutes=10),
            "finishedAt": ago(minutes=9),
            "failure": failure,
        },
    )


def others():
    small = [
        platform(
            [
                layer("ADD rootfs.tar.gz /", 2.7, 5.6, "base"),
                layer("COPY worker /", 11.2, 29.0, line=3),
            ]
        )
    ]
    building = imagebuild(
        "shop/worker",
        "registry.acme.io/shop/worker",
        small,
        change=0,
        baseline=13.9,
        past=history([13.9, 13.9], [11.2, 11.2]),
        conditions=[
            condition("Ready", "True", "Succeeded", "pushed"),
            condition("UpToDate", "False", "Building", "pod worker-3"),
        ],
        build={
            "pod": "worker-3",
            "hash": "h",
            "trigger": "Spec",
            "number": 3,
            "startedAt": ago(minutes=1),
        },
    )
    suspended = imagebuild(
        "shop/legacy", "registry.acme.io/shop/legacy", small, spec={"suspend": True}
    )
    queued = imagebuild(
        "shop/mail",
        "registry.acme.io/shop/mail",
        conditions=[condition("Ready", "Unknown", "Queued", "waits for a slot")],
        build={"pod": "", "hash": "h", "trigger": "Spec", "number": 1, "queuedAt": ago(minutes=1)},
    )
    return [building, suspended, queued]


def ladder():
    """One app, built six ways."""
    steps = [
        ("0-node-latest", 352.1, 913.0),
        ("1-node-alpine", 38.9, 86.4),
        ("2-alpine", 19.0, 50.2),
        ("3-node-user", 19.1, 50.4),
        ("4-with-app", 21.7, 56.0),
        ("5-multi-stage", 15.2, 39.1),
    ]
    result = []
    for name, size, unpacked in steps:
        base = 2.7 if name[0] > "1" else size - 2.6
        layers = [
            layer("FROM base", base, unpacked * base / size, "base", delta=0),
            layer("RUN npm ci", size - base, unpacked * (1 - base / size), line=5, delta=0),
        ]
        result.append(
            imagebuild(
                f"ladder/{name}",
                f"registry.acme.io/ladder/{name}",
                [platform(layers)],
                change=0,
                baseline=size,
                past=history([size] * 3, [size - base] * 3),
            )
        )
    return result


def everything():
    return [grown(), failing(), *others(), *ladder()]
