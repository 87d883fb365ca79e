"""Processes as an attacker would have them beside a capture: actors.py MODE... Prints a line when all of them are there.

titles   names and arguments with newlines, parentheses, escapes, bytes that are no UTF-8
churn    processes that vanish while they are read, and process ids that are used again
sockets  10,000 sockets in processes of 900
variables  6,000 variables, each with a password of its own
secrets  the words of the file SECRETS (its path is in argv) in every place that a process can write
"""
import base64, ctypes, os, signal, socket, sys, time, urllib.parse

SECONDS = 60
PR_SET_NAME = 15


def child(body):
    """A process that runs body, and then sleeps; it is ready when this returns."""
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        signal.alarm(SECONDS)
        body()
        os.write(done, b"1")
        while True:
            time.sleep(SECONDS)
    os.close(done)
    os.read(ready, 1)
    os.close(ready)
    return pid


def execute(argv, environment=None):
    """A process with exactly these arguments and variables, as bytes."""
    code = b"import os,time;os.close(int(os.environb.pop(b'READY')));time.sleep(%d)" % SECONDS
    ready, done = os.pipe()
    os.set_inheritable(done, True)
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        variables = {b"READY": b"%d" % done, **(environment or {})}
        os.execve(sys.executable, [argv[0], b"-c", code, *argv[1:]], variables)
    os.close(done)
    os.read(ready, 1)
    os.close(ready)


def titles():
    libc = ctypes.CDLL(None)
    for name in (b") R 1 1 (", b"two\nlines", b"\xff\xfe\x1b[31m", b" ", b"x) S 0 0", b"(sd-pam)"):
        child(lambda: libc.prctl(PR_SET_NAME, name, 0, 0, 0))
    execute([b"[kworker/0:1]", b"new\nline", b"\x1b[31mred\x1b[0m", b"\xff\xfe\x80", b"", b"--password", b"(paren) thesis", b"|pipe|", b"x" * 100000])
    execute([b"\n", b"pid 1\ncomm init"], {b"NEW\nLINE": b"va\nlue", b"\xff": b"\xfe", b"NOTHING": b""})


def churn():
    """Hundreds of processes a second; as root each id is given again at once (proc_sys_kernel(5), ns_last_pid)."""
    def body():
        if os.fork() == 0:
            signal.alarm(SECONDS)
            first = os.getpid() + 50
            while True:
                pids = []
                for number in range(40):
                    try:
                        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
                            last.write(str(first + number))
                    except OSError:
                        pass
                    pid = os.fork()
                    if pid == 0:
                        if number % 2:
                            os.execv("/bin/sleep", [b"sl(e)ep\n", b"0.01"])
                        time.sleep(0.005)
                        os._exit(0)
                    pids.append(pid)
                for pid in pids:
                    os.waitpid(pid, 0)
    child(body)


def sockets():
    def open_some(base):
        kept = []
        for number in range(base, min(base + 900, 10000)):
            if number % 3 == 0:
                one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                one.bind(b"\0abstract\n%d (deleted)" % number)
            elif number % 3 == 1:
                one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                one.bind(("0.0.0.0", 10000 + number))
                one.listen(1)
            else:
                one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                one.bind(("::", 10000 + number))
            kept.append(one)
        globals().setdefault("all", []).append(kept)
    for base in range(0, 10000, 900):
        child(lambda: open_some(base))


def secrets(path):
    """Line 1 is known from the environment of the capture; each further one is told by where it stands."""
    known, short, environ, url, option, assigned, header, user, odd = (line.encode() for line in open(path).read().split("\n"))
    forms = [known, base64.b64encode(known), base64.b64encode(b"x:" + known + b":yz"), urllib.parse.quote(known, safe="").encode()]
    libc = ctypes.CDLL(None)
    folder = b"/tmp" if os.path.ismount("/tmp") else os.fsencode(os.path.dirname(path))
    execute([b"worker"], {
        b"DB_PASSWORD": environ, b"COPY": environ, b"API_TOKEN_B64": base64.b64encode(environ),
        b"DATABASE_URL": b"postgres://bob:" + urllib.parse.quote(url, safe="").encode() + b"@db.internal/x",
        b"\xff\xfeSECRET": b"\xff" + odd, b"MULTI": b"line\npassword=" + odd + b"\nend",
    })
    execute([b"curl", b"--password", option, b"--token=" + assigned, b"-H", b"Authorization: Bearer " + header, b"-u", b"bob:" + user, b"\xff\x80\n" + known])
    for number, form in enumerate(forms):
        child(lambda: libc.prctl(PR_SET_NAME, short, 0, 0, 0))
        execute([b"title " + form, form, b"name=" + form])
        place = os.path.join(folder, b"place-%d-" % number + form.replace(b"/", b"_"))
        name = b"file-" + form.replace(b"/", b"_")

        def hold():
            os.makedirs(place, exist_ok=True)
            os.chdir(place)
            kept = [os.open(name, os.O_CREAT | os.O_RDWR), os.open(name + b"-gone", os.O_CREAT | os.O_RDWR), os.memfd_create(os.fsdecode(form))]
            os.unlink(name + b"-gone")
            one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            one.bind(b"\0socket " + form)
            globals()["kept"] = [kept, one]
        child(hold)
        program = os.path.join(place, b"run " + form.replace(b"/", b"_"))
        with open("/bin/sleep", "rb") as source, open(program, "wb") as copy:
            copy.write(source.read())
        os.chmod(program, 0o755)
        if os.fork() == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.execv(program, [program, b"%d" % SECONDS])


def variables():
    execute([b"worker"], {b"PASSWORD_%d" % number: base64.b64encode(os.urandom(15)) for number in range(6000)})


MODES = {"titles": titles, "churn": churn, "sockets": sockets, "variables": variables}
for mode in sys.argv[1:]:
    name, _, path = mode.partition("=")
    secrets(path) if path else MODES[name]()
print("begun", flush=True)
while True:
    time.sleep(SECONDS)
