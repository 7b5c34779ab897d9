"""Reads OpenMetrics as Prometheus does, from the standard input. Writes what it holds as JSON."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

samples, types = {}, {}
for family in text_string_to_metric_families(sys.stdin.read()):
    types[family.name] = family.type
    assert family.documentation.endswith("."), family.name
    for sample in family.samples:
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
json.dump({"samples": samples, "types": types}, sys.stdout)
