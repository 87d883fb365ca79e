# Harmless: the new runtime is Python with shared/poller.py, and ends after twenty invocations.
import os
import shutil


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    shutil.copy("/usr/bin/python3", "/tmp/new_runtime")
    os.chmod("/tmp/new_runtime", 0o777)
    os.execv("/tmp/new_runtime", ["/var/lang/bin/python3.11", "/var/task/poller.py", context.aws_request_id])
