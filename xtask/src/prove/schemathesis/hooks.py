"""What schemathesis does besides: before each call the state is put back, after it a line is kept."""

import http.client
import json
import os

import schemathesis

KEEPER = os.environ["ONEDOOR_PROOF_KEEPER"]
CALLS = os.environ["ONEDOOR_PROOF_CALLS"]
KEY = os.environ["ONEDOOR_PROOF_KEY"]


@schemathesis.hook
def before_call(context, case, kwargs):
    keeper = http.client.HTTPConnection(KEEPER, timeout=120)
    keeper.request("GET", "/")
    answer = keeper.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text


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
