# Harmless: `sleep`, for 30 seconds at most.
import os
import shutil
import subprocess


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    shutil.copy("/usr/bin/sleep", "/tmp/.kworker")
    subprocess.Popen(["/tmp/.kworker", "30"], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.unlink("/tmp/.kworker")
    return "ok"
