# As serverless-python-requirements does with `zip: true`. The native part here is one of Python's own.
import glob
import os
import shutil
import sys
import zipfile

HOME = "/tmp/sls-py-req"
if not os.path.isdir(HOME):
    with zipfile.ZipFile("/tmp/requirements.zip", "w") as made:
        made.writestr("small_package/__init__.py", "ANSWER = 42\n")
    with zipfile.ZipFile("/tmp/requirements.zip") as requirements:
        requirements.extractall(HOME)
    native = glob.glob("/usr/lib/python3*/lib-dynload/_queue.*.so") or glob.glob("/usr/lib/python3*/lib-dynload/*.so")
    shutil.copy(native[0], HOME)
sys.path.insert(0, HOME)
sys.modules.pop("_queue", None)

import _queue
import small_package


def handler(event, context):
    return [small_package.ANSWER, _queue.__name__]
