"""What schemathesis does besides: before each call the state is put back, after it a line is kept.

Words of examples that stand for ids which nobody knew before are replaced by what the keeper says.

Each call comes from another address: who shows many wrong credentials is slowed down.
"""

import http.client
import itertools
import json
import os

import requests.adapters
import schemathesis
import urllib3.util.connection

KEEPER = os.environ["ONEDOOR_PROOF_KEEPER"]
CALLS = os.environ["ONEDOOR_PROOF_CALLS"]
KEY = os.environ["ONEDOOR_PROOF_KEY"]

SOURCES = itertools.cycle(range(1, 255))
connect = urllib3.util.connection.create_connection
send = requests.adapters.HTTPAdapter.send


def connect_from_another(address, *arguments, **options):
    options["source_address"] = (f"127.1.0.{next(SOURCES)}", 0)
    return connect(address, *arguments, **options)


def send_on_a_new_connection(adapter, *arguments, **options):
    adapter.close()
    return send(adapter, *arguments, **options)


urllib3.util.connection.create_connection = connect_from_another
requests.adapters.HTTPAdapter.send = send_on_a_new_connection


@schemathesis.hook
def before_call(context, case, kwargs):
    keeper = http.client.HTTPConnection(KEEPER, timeout=120)
    keeper.request("GET", "/" + case.operation.definition.raw["operationId"])
    answer = keeper.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    known = json.loads(text)
    for name, value in (case.path_parameters or {}).items():
        if isinstance(value, str):
            case.path_parameters[name] = known.get(value) or value


@schemathesis.hook
def after_call(context, case, response):
    definition = case.operation.definition.raw
    own = case.operation.method.upper() == response.request.method.upper()
    line = {
        "operation": definition["operationId"] if own else None,
        "key": response.request.headers.get("Authorization") == f"Bearer {KEY}",
        "status": response.status_code,
    }
    with open(CALLS, "a", encoding="utf-8") as calls:
        print(json.dumps(line), file=calls)
