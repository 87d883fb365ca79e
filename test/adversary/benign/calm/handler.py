import time


def handler(event, context):
    time.sleep(0.03)
    return "ok"
