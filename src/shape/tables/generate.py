#!/usr/bin/env python3
"""Writes the shape table of one AWS service from the service description that botocore carries.

    pip install botocore==1.43.126
    python3 src/shape/tables/generate.py ecs > src/shape/tables/ecs.txt
    python3 src/shape/tables/generate.py ec2 > src/shape/tables/ec2.txt

Of a service with a SERVICE.operations.txt beside this file only those operations are taken, and what they lead to.
Facts only (names, types, limits, enum values); descriptions are left out. The format is read by ../table.rs:

    service NAME PROTOCOL TARGET            the first line
    operation NAME INPUT OUTPUT [ERROR…]
    structure|union NAME [error]            its members follow, indented
      MEMBER SHAPE [required] [sensitive] [form NAME] [xml NAME]
    list NAME ITEM
    map NAME KEY VALUE
    string NAME [sensitive] [enum A|B|…] [length MIN MAX]
    integer|long|double|float NAME [range MIN MAX]
    boolean|timestamp|blob|document NAME

`form` is what EC2 calls a member in a request's form, unless that is the member's own name; `xml` is what it calls it
in an answer, unless that is the member's name with a small first letter.
"""
import pathlib
import sys

import botocore
import botocore.session

SCALARS = {"string", "integer", "long", "double", "float", "boolean", "timestamp", "blob"}


def reachable(model, *sides):
    """Names of all shapes that operations lead to by these sides: input, output, errors."""
    found, todo = set(), []
    for operation in model["operations"].values():
        todo += [operation[side]["shape"] for side in sides if side in operation and side != "errors"]
        todo += [error["shape"] for error in operation.get("errors", []) if "errors" in sides]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        shape = model["shapes"][name]
        todo += [member["shape"] for member in shape.get("members", {}).values()]
        todo += [shape[side]["shape"] for side in ("member", "key", "value") if side in shape]
    return found


def limits(shape):
    word = "length" if shape["type"] == "string" else "range"
    if "min" not in shape and "max" not in shape:
        return []
    return [word, str(shape.get("min", "-")), str(shape.get("max", "-"))]


def wire_names(member, target, sides):
    """EC2's names: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html"""
    located = target.get("locationName")
    form = target.get("queryName") or (located[0].upper() + located[1:] if located else member)
    xml = located or member
    names = ["form", form] if "form" in sides and form != member else []
    return names + (["xml", xml] if "xml" in sides and xml != member[0].lower() + member[1:] else [])


def lines(name, shape, sides):
    kind = shape["type"]
    if shape.get("document"):
        yield f"document {name}"
    elif kind == "structure":
        word = "union" if shape.get("union") else "structure"
        yield " ".join([word, name] + (["error"] if shape.get("exception") else []))
        for member, target in shape.get("members", {}).items():
            flags = ["required"] if member in shape.get("required", []) else []
            flags += ["sensitive"] if target.get("sensitive") else []
            flags += wire_names(member, target, sides)
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
    wanted = pathlib.Path(__file__).with_name(f"{service}.operations.txt")
    if wanted.exists():
        names = set(wanted.read_text().split())
        if names - set(model["operations"]):
            raise SystemExit(f"{service} has no {names - set(model['operations'])}")
        model["operations"] = {name: one for name, one in model["operations"].items() if name in names}
    print(f"# From botocore {botocore.__version__}, {service} {about['apiVersion']}; written by generate.py.")
    print(f"service {service} {about['protocol']}{about.get('jsonVersion', '')} {about.get('targetPrefix', '-')}")
    for name, operation in sorted(model["operations"].items()):
        sides = [operation.get(side, {}).get("shape", "-") for side in ("input", "output")]
        print(" ".join(["operation", name] + sides + [error["shape"] for error in operation.get("errors", [])]))
    named = {"form": reachable(model, "input"), "xml": reachable(model, "output")} if about["protocol"] == "ec2" else {}
    for name in sorted(reachable(model, "input", "output", "errors")):
        sides = {side for side, shapes in named.items() if name in shapes}
        for line in lines(name, model["shapes"][name], sides):
            print(line)


main()
