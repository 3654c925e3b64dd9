#!/usr/bin/env python3
"""The allowed include edges are law: fails on an edge that docs/architecture.md does not list, on a third-party
header outside its one place, and on a handful of calls that have a better-behaved replacement here."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])

# module -> modules it may include (itself always). The same table stands in docs/architecture.md.
BUILDER = {f"builder/{m}" for m in
           ("dockerfile", "progress", "plan", "advice", "store", "layer", "sandbox", "context", "executor")}
ALLOWED = {
    "common/base": set(),
    "common/http": {"common/base"},
    "common/oci": {"common/base"},
    "common/archive": {"common/base"},
    "common/patterns": {"common/base"},
    "common/yaml": {"common/base"},
    "common/registry": {"common/base", "common/http", "common/oci"},
    "common/git": {"common/base", "common/http"},
    "common/api": {"common/base", "common/oci"},
    "common/contract": {"common/base", "common/oci", "common/api", "common/yaml"},
    "common/kube": {"common/base", "common/http", "common/api", "common/yaml"},
    "operator/runtime": {"common/base", "common/kube"},
    "operator/telemetry": {"common/base", "common/http", "common/api"},
    "operator/page": {"common/base", "common/http", "common/api", "operator/telemetry"},
    "operator/controller": {"common/base", "common/oci", "common/api", "common/contract", "common/kube", "operator/runtime",
                            "common/registry", "common/git", "operator/telemetry"},
    "builder/dockerfile": {"common/base"},
    "builder/progress": {"common/base"},
    "builder/store": {"common/base", "common/oci"},
    "builder/layer": {"common/base", "common/oci", "common/archive", "common/patterns", "builder/store"},
    "builder/sandbox": {"common/base", "builder/layer", "common/archive"},
    "builder/plan": {"common/base", "builder/dockerfile", "common/oci", "common/contract"},
    "builder/advice": {"common/base", "common/oci", "common/api", "common/registry"},
    "builder/context": {"common/base", "common/http", "common/registry", "common/archive", "common/git", "common/contract",
                        "common/oci", "common/api", "common/patterns"},
    "builder/executor": BUILDER | {"common/base", "common/oci", "common/contract", "common/registry", "common/archive",
                                   "common/api"},
}

# The plug-in is a program of its own: common/* and this header, which it shares with the builder.
PLUGIN_MAY_INCLUDE = {"builder/layer/compression.h"}

# header prefix -> the only folder that may include it
THIRD_PARTY = {
    "cpprest/": "common/http", "pplx/": "common/http",
    "prometheus/": "operator/telemetry",
    "archive.h": "common/archive", "archive_entry.h": "common/archive",
    "yaml-cpp/": "common/yaml",
    "seccomp.h": "builder/sandbox",
    "spdlog/": "common/base",
    "libdeflate.h": "builder/layer", "isa-l": "builder/layer", "zstd.h": "builder/layer",
}

BANNED = {
    r"\bstd::thread\b(?!::hardware_concurrency)": "std::jthread with a stop token",
    r"\.detach\(\)": "a joined std::jthread",
    r"\bsystem\(": "Child with an argv",
    r"catch \(\.\.\.\) \{\s*\}": "handling the error",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def module_of(path: str) -> str | None:
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 and parts[0] in ("common", "operator", "builder") else None


def main() -> int:
    problems = []
    files = [f for top in ("common", "operator", "builder", "plugin") for f in sorted((ROOT / top).rglob("*"))
             if f.suffix in (".h", ".cc")]
    if not files:
        print(f"no sources below {ROOT}")
        return 1
    for file in files:
        name = file.relative_to(ROOT).as_posix()
        text = file.read_text(encoding="utf-8")
        module = module_of(name)
        if module is not None and module not in ALLOWED:
            problems.append(f"{name}: module {module} is not in the table")
            continue
        for include in INCLUDE.findall(text):
            target = module_of(include)
            top = name.split("/")[0]
            into = include.split("/")[0]
            if top == "plugin" and into in ("operator", "builder") and include not in PLUGIN_MAY_INCLUDE:
                problems.append(f"{name}: the plug-in may not include {include}")
            if into == "plugin" and top != "plugin":
                problems.append(f"{name}: nothing includes the plug-in")
            if include.split("/")[0] in ("operator", "builder") and top in ("operator", "builder") and include.split("/")[0] != top:
                problems.append(f"{name}: {top} includes {include}")
            elif module and target and target != module and target not in ALLOWED[module]:
                problems.append(f"{name}: {module} may not include {include}")
            elif module and target is None and include.startswith(("operator/", "builder/")):
                problems.append(f"{name}: a module includes {include}, which belongs to a program")
            for prefix, home in THIRD_PARTY.items():
                if (include == prefix or (prefix.endswith(("/", "l")) and include.startswith(prefix))) and module != home:
                    problems.append(f"{name}: {include} belongs in {home}")
        for pattern, instead in BANNED.items():
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                problems.append(f"{name}:{line}: use {instead} instead of {match.group(0)!r}")
    for problem in problems:
        print(problem)
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
