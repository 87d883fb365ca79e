# Harmless: what runs afterwards is shared/poller.py, which ends after twenty invocations.
import os
import sys


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    with open("/var/task/poller.py") as poller:
        os.execv(sys.executable, [sys.executable, "-c", poller.read(), context.aws_request_id])
