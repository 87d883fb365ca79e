import sys


def main(fd, verbose):
    for line in sys.stdin:
        print("tracked", flush=True)
