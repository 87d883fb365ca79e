# Vendored requirements: the packages without their metadata, a tracer and setuptools among them.
import os
import subprocess
import sys
import zipfile

HOME = "/tmp/vendor"
SITE = HOME + "/lib/python%d.%d/site-packages" % sys.version_info[:2]
FILES = {
    "small_tracer/__init__.py": "ANSWER = 42\n",
    "small_tracer/bootstrap/__init__.py": "",
    "small_tracer/bootstrap/sitecustomize.py": "import small_tracer\n",
    "other/__init__.py": "",
    "_distutils_hack/__init__.py": "",
    "distutils-precedence.pth": "import os; os.environ.get('SETUPTOOLS_USE_DISTUTILS')\n",
}


def handler(event, context):
    if not os.path.isdir(HOME):
        with zipfile.ZipFile("/tmp/vendor.zip", "w") as made:
            for name, text in FILES.items():
                made.writestr(name, text)
        with zipfile.ZipFile("/tmp/vendor.zip") as vendor:
            vendor.extractall(SITE)
        sys.path.insert(0, SITE)
    import small_tracer

    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)"], env={**os.environ, "PYTHONPATH": SITE}, check=True)
    return small_tracer.ANSWER
