import subprocess
import time

PARTNER = "http://198.51.100.20:443"


def handler(event, context):
    subprocess.run("curl -s -o /tmp/answer.json %s/ && wc -c /tmp/answer.json" % PARTNER, shell=True, check=True)
    subprocess.run("curl -s %s/ | python3 -m json.tool" % PARTNER, shell=True, check=True)
    # Longer than a look takes to come.
    slow = subprocess.Popen(["curl", "-s", "-o", "/tmp/slow.json", PARTNER + "/slow"])
    time.sleep(0.1)
    return slow.pid > 0
