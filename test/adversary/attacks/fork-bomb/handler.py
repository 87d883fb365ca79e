# Harmless: five steps deep, 31 processes, and each ends after three seconds.
import subprocess
import time

BOMB = 'bomb() { [ "$1" -ge 5 ] || { bomb $(($1 + 1)) & bomb $(($1 + 1)) & }; sleep 3; }; bomb 1'


def handler(event, context):
    if event.get("attack"):
        subprocess.Popen(["bash", "-c", BOMB], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
    return "ok"
