"""Checks events of OCSF, one a line on the standard input, against the released schema.

Prints `ok`, or what is wrong with it, for each. The schema is in the package ocsf-json-schema, so
nothing is fetched. What a JSON schema cannot say is checked below: the string beside an `_id` of
99, and `type_uid`.
"""

import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.8.0"


def siblings(value, path="event"):
    """Every `x_id` of 99 that has no text beside it."""
    if isinstance(value, list):
        return [it for index, below in enumerate(value) for it in siblings(below, f"{path}[{index}]")]
    if not isinstance(value, dict):
        return []
    found = [it for key, below in value.items() for it in siblings(below, f"{path}.{key}")]
    for key, number in value.items():
        name = "activity_name" if key == "activity_id" else key.removesuffix("_id")
        if key.endswith("_id") and number == 99 and not value.get(name):
            found.append(f"{path}.{key} is 99 without {name}")
    return found


def main():
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
    validators = {}
    for line in sys.stdin.buffer.read().split(b"\n"):
        if not line:
            continue
        event = json.loads(line)
        uid, profiles = event["class_uid"], event["metadata"]["profiles"]
        key = (uid, tuple(profiles))
        if key not in validators:
            name = schema.lookup_class_name_from_uid(uid)
            rules = schema.get_class_schema(name, profiles)
            validators[key] = jsonschema.Draft202012Validator(rules)
        faults = [f"{it.json_path}: {it.message}" for it in validators[key].iter_errors(event)]
        faults += siblings(event)
        if event["type_uid"] != uid * 100 + event["activity_id"]:
            faults.append("type_uid is not made of class_uid and activity_id")
        if event["metadata"]["version"] != VERSION:
            faults.append("metadata.version is another")
        print("; ".join(faults).replace("\n", " ") or "ok")


if __name__ == "__main__":
    main()
