"""What schemathesis cannot know of this API: who asks, which parameters may not be passed over, and which
refusals follow from more than one value. Nothing here lets a 5xx or an answer outside of the schema pass,
but for the one 5xx that says that no agent is connected."""

import atexit
import itertools
import json
import os
import uuid
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import requests
import schemathesis
from schemathesis.core.failures import Failure

KEY = os.environ.get("FIELDWARD_KEY")
# The keys by which this run asks: `fwk_ID_SECRET`.
OWN = {str(uuid.UUID(key.split("_")[1])) for key in json.load(open(os.environ["FIELDWARD_KEYS"])).values()}
NOBODY = "00000000-0000-8000-8000-00000000dead"
CALLERS = itertools.count()
STATUSES = Counter()
PROBED = set()

# Requests that fit the document and are refused all the same, because values must fit each other, or
# something that was made before. The document says each of these in words; a schema cannot.
TOGETHER = {
    "invalid_query": (
        "since: it does not lie before until",
        "since: more than 366 days before until",
        "range: a number and one of s, m, h, d, like 24h; at most 366d",
        "cursor: it belongs to another question, or is none of ours",
        "page: pages reach 10000 rows",
        "page: a cursor says already where it goes on",
        # There are six hundred of them, and they change.
        "tz: no zone of the IANA database",
        "tz: times have a zone in csv only",
    ),
    "validation_failed": (
        "#/ids: either ids or query, and not both",
        "#/ids: one of them is there twice",
        "#/expected_count: with a filter it must be said",
        "#/query: query parameter since: ",
        "#/query: query parameter range: ",
        # A strategy that must see each plant, and updates that are masked.
        "#/strategy: '",
    ),
    # A key that was sent with another request before.
    "idempotency_mismatch": ("",),
    # A revision that is not the alert's.
    "precondition_failed": ("",),
    # It speaks WebSocket alone, and schemathesis does not; tests/tests/the_api_answers/live.rs does.
    "no_websocket": ("",),
}


if KEY:

    @schemathesis.auth()
    class ByKey:
        def get(self, case, ctx):
            return KEY

        def set(self, case, data, ctx):
            case.headers["X-API-Key"] = data


@schemathesis.hook
def before_call(ctx, case, kwargs):
    # Wrong passwords make their address wait, which would hide the answers: each request has its own.
    number = next(CALLERS)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    # A run that revokes its own key sees nothing but 401 from then on.
    if case.path_parameters.get("key_id") in OWN:
        case.path_parameters["key_id"] = NOBODY


@schemathesis.hook
def after_call(ctx, case, response):
    STATUSES[response.status_code // 100] += 1


@atexit.register
def told():
    with open(os.environ["FIELDWARD_COUNTS"], "w") as file:
        file.write(" ".join(str(STATUSES[kind]) for kind in range(1, 6)) + "\n")


class IgnoredParameter(Failure):
    """A parameter that the document does not know was passed over."""


@schemathesis.check
def unknown_parameter_refused(ctx, response, case):
    if not 200 <= response.status_code < 300:
        return
    known = {parameter.name for parameter in case.operation.query}
    asked = {name for name, _ in parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True)}
    unknown = sorted(asked - known)
    if not unknown and response.request.method == "GET" and case.operation.label not in PROBED:
        # Where the document knows no parameters at all, schemathesis does not try any.
        PROBED.add(case.operation.label)
        address = response.request.url + ("&" if asked else "?") + "nobody-knows=1"
        again = requests.get(address, headers=dict(response.request.headers), timeout=30)
        unknown = ["nobody-knows"] if again.ok else []
    if unknown:
        raise IgnoredParameter(operation=case.operation.label, title="Ignored parameter", message=f"{unknown}")


def problem(response):
    try:
        body = response.json()
        return body.get("code"), body.get("detail", "")
    except (ValueError, AttributeError):
        return None, ""


@schemathesis.hook
def filter_failure(ctx, failure, case, response):
    code, detail = problem(response)
    kind = type(failure).__name__
    if kind == "RejectedPositiveData" and response.status_code < 500:
        return not any(said in detail for said in TOGETHER.get(code, ()))
    if kind == "ServerError" and response.status_code == 503:
        # Nobody plays the agents here: what only they know is answered so, as the document says.
        return code != "agent_unavailable"
    return True
