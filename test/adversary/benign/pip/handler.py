# pip itself where this machine has it, without an index: a package of the function is built and installed into /tmp.
import os
import subprocess
import sys

SETUP = "from setuptools import setup\nsetup(name='small', version='1.0', py_modules=['small'])\n"


def handler(event, context):
    os.makedirs("/tmp/small", exist_ok=True)
    for name, text in {"setup.py": SETUP, "small.py": "ANSWER = 42\n"}.items():
        with open("/tmp/small/" + name, "w") as file:
            file.write(text)
    # As pip does: it runs scripts of a temporary folder, and removes them.
    os.makedirs("/tmp/pip-build-env-1", exist_ok=True)
    with open("/tmp/pip-build-env-1/_in_process.py", "w") as script:
        script.write("import shutil, time; time.sleep(0.3); shutil.copy('/tmp/small/small.py', '/tmp/small-1.0.py')\n")
    done = subprocess.run([sys.executable, "/tmp/pip-build-env-1/_in_process.py", "build_wheel", "/tmp/small"])
    os.remove("/tmp/pip-build-env-1/_in_process.py")
    pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True)
    return [done.returncode, pip.returncode]
