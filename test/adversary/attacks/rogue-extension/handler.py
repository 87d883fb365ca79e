# The function is innocent.
import time


def handler(event, context):
    time.sleep(0.05)
    return "ok"
