"""Runs a command on terminals: one for its input and output, one for its errors, so that both can be told apart.

The environment of the command is the JSON in AMBER_TEST_ENV. What stands on our input is typed; what it prints comes out unchanged.
With AMBER_TEST_ECHO the terminal shows what is typed, as long as the command lets it.
"""
import json
import os
import pty
import select
import subprocess
import sys
import termios


def terminal():
    ours, theirs = pty.openpty()
    mode = termios.tcgetattr(theirs)
    mode[1] &= ~termios.OPOST  # a line feed stays one byte
    if 'AMBER_TEST_ECHO' not in os.environ:
        mode[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, mode)
    return ours, theirs


def read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: the other side has closed
        return b''


out, out_theirs = terminal()
err, err_theirs = terminal()
child = subprocess.Popen(
    sys.argv[1:], stdin=out_theirs, stdout=out_theirs, stderr=err_theirs, env=json.loads(os.environ['AMBER_TEST_ENV']), start_new_session=True,
)
os.close(out_theirs)
os.close(err_theirs)
leads = {out: 1, err: 2}
ours = [0, out, err]
while out in ours or err in ours:
    for ready in select.select(ours, [], [])[0]:
        piece = read(ready)
        if ready == 0 and piece:
            os.write(out, piece)
        elif piece:
            os.write(leads[ready], piece)
        else:
            ours.remove(ready)
sys.exit(child.wait())
