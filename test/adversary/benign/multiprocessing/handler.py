# Lambda has no /dev/shm for the locks of a Pool: pipes and processes, as AWS recommends.
import multiprocessing
import subprocess


def square(connection, number):
    connection.send(number * number)
    connection.close()


def handler(event, context):
    results = []
    for method in ("fork", "spawn"):
        make = multiprocessing.get_context(method)
        here, there = make.Pipe()
        worker = make.Process(target=square, args=(there, 7))
        worker.start()
        results.append(here.recv())
        worker.join()
    subprocess.run(["sha256sum", "/var/task/handler.py"], check=True, stdout=subprocess.DEVNULL)
    return results
