# As joblib does with its backend loky: workers by -m, a tracker by -c.
import subprocess
import sys

TRACKER = "from joblib.externals.loky.backend.resource_tracker import main; main(4, False)"
workers = []


def handler(event, context):
    if not workers:
        module = "joblib.externals.loky.backend.popen_loky_posix"
        options = [sys.executable, "-m", module, "--process-name", "LokyProcess-1", "--pipe", "19"]
        for command in ([sys.executable, "-c", TRACKER], options, options):
            workers.append(subprocess.Popen(command, cwd="/var/task", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    answers = []
    for worker in workers:
        worker.stdin.write("7\n")
        worker.stdin.flush()
        answers.append(worker.stdout.readline().strip())
    return answers
