# As a function does that fetches its dependencies when they are first needed: a tracer brings a sitecustomize of its own,
# setuptools a .pth file with code, and a model is called .pth as well.
import os
import subprocess
import sys
import venv
import zipfile

HOME = "/tmp/packages"
FILES = {
    "small_tracer/__init__.py": "ANSWER = 42\n",
    "small_tracer/bootstrap/__init__.py": "",
    "small_tracer/bootstrap/sitecustomize.py": "import small_tracer\n",
    "small_tracer-1.0.dist-info/METADATA": "Name: small-tracer\nVersion: 1.0\n",
}
PTH = "import os; os.environ.get('SETUPTOOLS_USE_DISTUTILS')\n"


def unpack():
    with zipfile.ZipFile("/tmp/packages.zip", "w") as made:
        for name, text in FILES.items():
            made.writestr(name, text)
    with zipfile.ZipFile("/tmp/packages.zip") as packages:
        packages.extractall(HOME)
    with zipfile.ZipFile("/tmp/model.pth", "w") as model:
        model.writestr("archive/data.pkl", b"\x80\x02.")
    venv.create("/tmp/venv", symlinks=True)
    site = "/tmp/venv/lib/python%d.%d/site-packages" % sys.version_info[:2]
    os.makedirs(site + "/setuptools-80.0.dist-info")
    with open(site + "/distutils-precedence.pth", "w") as pth:
        pth.write(PTH)
    venv.create("/tmp/bare", symlinks=True)
    with open("/tmp/bare/lib/python%d.%d/site-packages/_virtualenv.pth" % sys.version_info[:2], "w") as pth:
        pth.write("import sys\n")
    sys.path.insert(0, HOME)


def handler(event, context):
    if not os.path.isdir(HOME):
        unpack()
    import small_tracer

    job = subprocess.run(["/tmp/venv/bin/python3", "-c", "import time; time.sleep(0.2); print(7)"], check=True, capture_output=True, text=True)
    return [small_tracer.ANSWER, job.stdout.strip()]
