# As behind the Lambda Web Adapter: the application is a server that is started by -m and forks its workers.
import subprocess
import sys
import time
import urllib.request

server = subprocess.Popen([sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:8080", "app:app"], cwd="/var/task")


def handler(event, context):
    for _ in range(100):
        try:
            return urllib.request.urlopen("http://127.0.0.1:8080/").read().decode()
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server does not answer")
