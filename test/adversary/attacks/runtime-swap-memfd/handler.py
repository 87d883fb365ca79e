# Harmless: the new runtime is Python with shared/poller.py, and ends after twenty invocations.
import os
import shutil


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    memory = os.memfd_create("new_runtime", 0)
    with open("/usr/bin/python3", "rb") as program, open(memory, "wb", closefd=False) as copy:
        shutil.copyfileobj(program, copy)
    path = "/proc/self/fd/%d" % memory
    os.execv(path, ["/var/lang/bin/python3.11", "/var/task/poller.py", context.aws_request_id])
