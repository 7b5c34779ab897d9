"""Checks events of OCSF, one a line on the standard input, against the schema they name.

Prints `ok`, or what is wrong with it, for each. The released schema is in the package
ocsf-json-schema, so nothing is fetched. That of 1.9 is not released: it is the released one with
what our events use of the profile `record_integrity`, as its repository has it at commit a5cfc68.
What a JSON schema cannot say is checked below: the string beside an `_id` of 99, and `type_uid`.
"""

import copy
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

RELEASED = "1.8.0"
NEXT = "1.9.0-dev"


def text(requirement="optional", kind="string_t"):
    return {"type": kind, "requirement": requirement}


def number(numbers, requirement="optional"):
    return {"type": "integer_t", "requirement": requirement, "enum": {str(it): {} for it in numbers}}


def below(name, requirement="optional", **more):
    return {"type": "object_t", "object_type": name, "requirement": requirement, **more}


def with_integrity(released):
    """The released schema, and the profile of the next one."""
    schema = copy.deepcopy(released)
    schema["version"] = NEXT
    objects = schema["objects"]
    objects["fingerprint"]["attributes"] |= {
        "encoding": text(),
        "encoding_id": number([0, 1, 2, 3, 99]),
        "serialization": text(),
        "serialization_id": number([*range(9), 99]),
    }
    objects["prev_event"] = {"name": "prev_event", "attributes": {
        "uid": text("required"),
        "type_uid": {"type": "long_t", "requirement": "recommended"},
        "fingerprint": below("fingerprint"),
    }}
    objects["attestation"] = {
        "name": "attestation",
        "constraints": {"at_least_one": ["fingerprint", "signatures"]},
        "attributes": {
            "uid": text(),
            "authority_uid": text(),
            "chain_uid": text(),
            "fingerprint": below("fingerprint"),
            "prev_event": below("prev_event"),
            "signatures": below("digital_signature", is_array=True),
        },
    }
    for it in schema["classes"].values():
        it["attributes"]["attestation_list"] = below(
            "attestation", is_array=True, profiles=["record_integrity"])
    return schema


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
    released = get_ocsf_schema(version=RELEASED)
    schemas = {RELEASED: released, NEXT: with_integrity(released)}
    schemas = {version: OcsfJsonSchemaEmbedded(it) for version, it in schemas.items()}
    validators = {}
    for line in sys.stdin.buffer.read().split(b"\n"):
        if not line:
            continue
        event = json.loads(line)
        uid, metadata = event["class_uid"], event["metadata"]
        version, profiles = metadata["version"], metadata["profiles"]
        if version not in schemas:
            print("metadata.version is another")
            continue
        key = (uid, version, tuple(profiles))
        if key not in validators:
            schema = schemas[version]
            name = schema.lookup_class_name_from_uid(uid)
            rules = schema.get_class_schema(name, profiles)
            validators[key] = jsonschema.Draft202012Validator(rules)
        faults = [f"{it.json_path}: {it.message}" for it in validators[key].iter_errors(event)]
        faults += siblings(event)
        if event["type_uid"] != uid * 100 + event["activity_id"]:
            faults.append("type_uid is not made of class_uid and activity_id")
        print("; ".join(faults).replace("\n", " ") or "ok")


if __name__ == "__main__":
    main()
