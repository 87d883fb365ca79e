# Not a runtime client of AWS. The least that speaks the Runtime API for Python, for machines without awslambdaric.
import http.client
import importlib
import json
import os
import sys
import time

sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
PREFIX = "/2018-06-01/runtime/"
connection = http.client.HTTPConnection(host, int(port))


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return self.deadline_ms - int(time.time() * 1000)


def call(method, path, body=None):
    connection.request(method, PREFIX + path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    return answer.headers, answer.read()


def main():
    module, name = sys.argv[1].rsplit(".", 1)
    try:
        handler = getattr(importlib.import_module(module), name)
    except Exception as error:
        call("POST", "init/error", json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}))
        raise
    while True:
        headers, event = call("GET", "invocation/next")
        context = Context(headers)
        invocation_id = context.aws_request_id
        try:
            result, kind = handler(json.loads(event), context), "response"
        except Exception as error:
            result, kind = {"errorType": type(error).__name__, "errorMessage": str(error)}, "error"
        call("POST", "invocation/%s/%s" % (invocation_id, kind), json.dumps(result))


# Processes that multiprocessing spawns import this file.
if __name__ == "__main__":
    main()
