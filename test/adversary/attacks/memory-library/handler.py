# Harmless: the library is the system's own.
import ctypes
import glob
import os


def handler(event, context):
    if event.get("attack"):
        [path] = glob.glob("/usr/lib/*-linux-gnu/libdl.so.2")
        memory = os.memfd_create("libz")
        with open(path, "rb") as library:
            os.write(memory, library.read())
        ctypes.CDLL("/proc/self/fd/%d" % memory)
        os.close(memory)
    return "ok"
