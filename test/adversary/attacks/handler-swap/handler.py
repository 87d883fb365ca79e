# Harmless: the new loop is shared/poller.py, and ends after twenty invocations.
import sys


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    with open("/var/task/poller.py") as payload:
        source = payload.read()
    sys.argv = ["", context.aws_request_id]
    exec(source, {})
