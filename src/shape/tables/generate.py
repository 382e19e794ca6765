#!/usr/bin/env python3
"""Writes the shape table of one AWS service from the service description that botocore carries.

    pip install botocore==1.43.126
    python3 src/shape/tables/generate.py ecs > src/shape/tables/ecs.txt

Facts only (names, types, limits, enum values); descriptions are left out. The format is read by ../table.rs:

    service NAME PROTOCOL TARGET            the first line
    operation NAME INPUT OUTPUT [ERROR…]
    structure|union NAME [error]            its members follow, indented
      MEMBER SHAPE [required] [sensitive]
    list NAME ITEM
    map NAME KEY VALUE
    string NAME [sensitive] [enum A|B|…] [length MIN MAX]
    integer|long|double|float NAME [range MIN MAX]
    boolean|timestamp|blob|document NAME
"""
import sys

import botocore
import botocore.session

SCALARS = {"string", "integer", "long", "double", "float", "boolean", "timestamp", "blob"}


def reachable(model):
    """Names of all shapes that operations lead to, in their alphabetical order."""
    found, todo = set(), []
    for operation in model["operations"].values():
        todo += [operation[side]["shape"] for side in ("input", "output") if side in operation]
        todo += [error["shape"] for error in operation.get("errors", [])]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        shape = model["shapes"][name]
        todo += [member["shape"] for member in shape.get("members", {}).values()]
        todo += [shape[side]["shape"] for side in ("member", "key", "value") if side in shape]
    return sorted(found)


def limits(shape):
    word = "length" if shape["type"] == "string" else "range"
    if "min" not in shape and "max" not in shape:
        return []
    return [word, str(shape.get("min", "-")), str(shape.get("max", "-"))]


def lines(name, shape):
    kind = shape["type"]
    if shape.get("document"):
        yield f"document {name}"
    elif kind == "structure":
        word = "union" if shape.get("union") else "structure"
        yield " ".join([word, name] + (["error"] if shape.get("exception") else []))
        for member, target in shape.get("members", {}).items():
            flags = ["required"] if member in shape.get("required", []) else []
            flags += ["sensitive"] if target.get("sensitive") else []
            yield "  " + " ".join([member, target["shape"]] + flags)
    elif kind == "list":
        yield f"list {name} {shape['member']['shape']}"
    elif kind == "map":
        yield f"map {name} {shape['key']['shape']} {shape['value']['shape']}"
    elif kind in SCALARS:
        words = [kind, name] + (["sensitive"] if shape.get("sensitive") else [])
        words += ["enum", "|".join(shape["enum"])] if "enum" in shape else []
        yield " ".join(words + limits(shape))
    else:
        raise SystemExit(f"{name}: the table has no word for {kind}")


def main():
    service = sys.argv[1]
    model = botocore.session.get_session().get_component("data_loader").load_service_model(service, "service-2")
    about = model["metadata"]
    print(f"# From botocore {botocore.__version__}, {service} {about['apiVersion']}; written by generate.py.")
    print(f"service {service} {about['protocol']}{about.get('jsonVersion', '')} {about.get('targetPrefix', '-')}")
    for name, operation in sorted(model["operations"].items()):
        sides = [operation.get(side, {}).get("shape", "-") for side in ("input", "output")]
        print(" ".join(["operation", name] + sides + [error["shape"] for error in operation.get("errors", [])]))
    for name in reachable(model):
        for line in lines(name, model["shapes"][name]):
            print(line)


main()
