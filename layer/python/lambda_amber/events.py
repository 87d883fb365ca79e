"""What the interpreter tells by its audit events (PEP 578), as events of the ring.

Queries, user info, headers and bodies of requests are never recorded. A fault of this file is one line in the log.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from .ring import Ring
from .words import LIBRARY, is_library, is_ours, origin, text, without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

# Code of the standard library that makes and runs code of its own.
GENERATORS = tuple(LIBRARY + name for name in ("/collections/__init__.py", "/dataclasses.py", "/typing.py", "/enum.py"))
LEADING = (
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT PYTHONPATH PYTHONSTARTUP PYTHONHOME PYTHONINSPECT BASH_ENV NODE_OPTIONS "
    "NODE_PATH HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy AWS_LAMBDA_RUNTIME_API "
    "AWS_CA_BUNDLE AWS_CONFIG_FILE REQUESTS_CA_BUNDLE SSL_CERT_FILE _HANDLER"
).split()
OF_SUFFIX = ("ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "ne", "net", "nom", "or", "org")
getframe = sys._getframe


class Events:
    def __init__(self, ring: Ring, whole_names: bool) -> None:
        self.ring, self.whole = ring, whole_names
        self.put = ring.put
        self.environment = dict(os.environ)
        self.moved = True
        self.compiled = ""
        self.state: Any = None
        self.patched: list[dict[str, str]] = []
        writable = os.environ.get("AMBER_WRITABLE") or "/tmp,/dev/shm"
        self.writable = tuple(root.strip().rstrip("/") + "/" for root in writable.split(",") if root.strip())

    def host(self, given: str) -> tuple[str, dict[str, str | int]]:
        """A name as it may be recorded, and what is measured of the rest: data leaves in long labels."""
        name = given[:253].lower().rstrip(".")
        if ":" in name or not name.strip("0123456789."):
            return name, {}
        labels = name.split(".")
        detail: dict[str, str | int] = {"length": len(given), "label": max(map(len, labels))}
        if not self.whole:
            is_country = len(labels[-1]) == 2 and labels[-2:-1] != [] and labels[-2] in OF_SUFFIX
            name = ".".join(labels[-3 if is_country else -2 :])
        return name, detail

    def place(self, address: Any) -> str:
        if isinstance(address, tuple):
            host = self.host(text(address[0]))[0]
            return "%s:%s" % ("[%s]" % host if ":" in host else host, address[1] if len(address) > 1 else 0)
        return "unix:" + text(address).replace("\0", "@")

    def leading(self, given: Any) -> dict[str, str | int] | None:
        """Variables that make a program load code or send its requests elsewhere, where the child is given others."""
        if not isinstance(given, dict):
            return None
        marks = []
        for name in LEADING:
            value = given.get(name, given.get(name.encode()))
            if value is not None and text(value) != self.environment.get(name):
                marks.append("%s=%s" % (name, without_secrets(text(value))))
        return {"env": " ".join(marks)} if marks else None

    # Each takes the arguments of one audit event.

    def popen(self, args: Any) -> None:
        file, argv = text(args[0]), [text(one) for one in args[1]]
        caller = getframe(2)

        def stdio() -> list[str]:
            known = caller.f_locals if caller.f_code.co_name == "_execute_child" else {}
            ends = (("p2cread", "p2cwrite"), ("c2pwrite", "c2pread"), ("errwrite", "errread"))
            return [
                "inherit" if known.get(one, -1) == -1 else "fd %d" % known[one] if known[other] == -1 else "pipe"
                for one, other in ends
            ]

        self.put("spawn", file, argv, self.leading(args[3]), stdio)

    def system(self, args: Any) -> None:
        self.put("spawn", "/bin/sh", ["sh", "-c", text(args[0])])

    def spawn(self, args: Any) -> None:
        self.put("spawn", text(args[0]), [text(one) for one in args[1]], self.leading(args[2]))

    def execve(self, args: Any) -> None:
        self.put("execve", text(args[0]), [text(one) for one in args[1]], self.leading(args[2]))

    def connect(self, args: Any) -> None:
        module: Any = sys.modules["_socket"]
        is_datagram = module.socket.type.__get__(args[0]) & 0xF == module.SOCK_DGRAM
        self.put("datagram" if is_datagram else "connect", self.place(args[1]))

    def send_to(self, args: Any) -> None:
        if args[1] is not None:
            self.put("datagram", self.place(args[1]))

    def resolve(self, args: Any) -> None:
        name, detail = self.host(text(args[0])) if args[0] else ("", {})
        # An address is not looked up.
        if detail:
            self.put("resolve", name, None, {"type": "address", **detail})

    def request(self, args: Any) -> None:
        connection, data = args[:2]
        end = data.find(b" HTTP/1.", 0, 65_536) if data.__class__ is bytes else -1
        words = text(data[: min(end, 2048)]).split(" ") if end > 0 else []
        if len(words) != 2 or not words[0].isalpha() or not words[0].isupper() or "\n" in words[1]:
            return
        known = connection.__dict__
        secure, port = getattr(type(connection), "default_port", 80) == 443, known.get("port")
        host, path = known.get("_tunnel_host") or known.get("host"), words[1]
        if path.startswith("http"):
            host, port, path = path.partition("//")[2].partition("/")[0].rpartition("@")[2], None, ""
        name, detail = self.host(text(host))
        shown_port = "" if port in (None, 80, 443) else ":%s" % port
        shown_path = path.partition("?")[0].partition("#")[0][:120] if self.whole else ""
        scheme = "https" if secure else "http"
        self.put("request", "%s %s://%s%s%s" % (words[0][:16], scheme, name, shown_port, shown_path), None, detail)

    def opened_url(self, args: Any) -> None:
        scheme = text(args[0]).partition(":")[0].lower()
        if scheme not in ("http", "https"):
            self.put("request", "OTHER %s:" % scheme[:16])

    def opened(self, args: Any) -> None:
        path, flags = args[0], args[2]
        if path.__class__ is not str:
            if path.__class__ is not bytes:
                return
            path = text(path)
        if path[:6] == "/proc/":
            if path.endswith(("/environ", "/mem", "/maps")):
                self.put("read", path)
        elif flags.__class__ is int and flags & 3 and path.startswith(self.writable):
            self.put("write", path)

    def changed(self, by: str) -> Callable[[Any], None]:
        def take(args: Any) -> None:
            path = text(args[0])
            if path.startswith(self.writable):
                more = {"mode": "%o" % args[1]} if by == "chmod" else {"to": text(args[1])} if by == "rename" else {}
                self.put("write", path, None, {"by": by, **more})

        return take

    def imported(self, args: Any) -> None:
        file = args[1]
        if file.__class__ is str and (self.ring.invocation or file.startswith(self.writable)) and not is_library(file):
            self.put("addon", file)

    def compile(self, args: Any) -> None:
        source, file = args[0], text(args[1])
        # `<unknown>` is what `ast.parse` says, which runs nothing.
        if source.__class__ not in (str, bytes) or file[:1] == "/" or file == "<unknown>" or is_library(file):
            return
        if getframe(2).f_code.co_filename not in GENERATORS:
            self.compiled = file
            self.put("code", text(source), None, {"file": file})

    def ran(self, args: Any) -> None:
        code: CodeType = args[0]
        name = code.co_filename
        if name[:1] == "/" or name[:8] == "<frozen ":
            is_writable = name.startswith(self.writable)
            if (is_writable or self.ring.invocation) and not is_library(name):
                is_module = code.co_name == "<module>"
                if is_module or is_writable:
                    self.put("module" if is_module else "code", name)
        elif name != self.compiled and getframe(2).f_code.co_filename not in GENERATORS:
            # The text is not told here; the names that the code uses are.
            self.put("code", "%s: %s" % (name, " ".join(code.co_names[:40])))
        self.compiled = ""

    def variable(self, args: Any) -> None:
        name = text(args[0])
        if name == "_X_AMZN_TRACE_ID":
            self.begins()
            return
        self.moved = True
        if name in LEADING or name.startswith("AWS_ENDPOINT_URL"):
            self.put("variable", "%s=%s" % (name, without_secrets(text(args[1]))) if len(args) > 1 else name)

    def thread(self, args: Any) -> None:
        """The name of the function that runs in it; no attribute is asked that the function can compute."""
        run = args[0]
        target = getattr(run, "__self__", None)
        inner = target.__dict__.get("_target") if hasattr(target, "__dict__") else None
        name = getattr(inner if inner is not None else run, "__qualname__", "")
        module = getattr(inner if inner is not None else run, "__module__", "")
        self.put("worker", "%s.%s" % (text(module), text(name)))

    def attribute(self, args: Any) -> None:
        if args[1] == "__code__":
            name = "%s %s" % (text(args[0].__module__), text(args[0].__qualname__))
            self.put("method", name, None, {"by": "__code__"})

    def begins(self) -> None:
        """An invocation begins: the runtime client sets its trace id."""
        self.ring.invocation += 1
        if self.ring.invocation == 1:
            self.ring.fill()
        self.state.look(self)

    def takes(self) -> dict[str, Callable[[Any], None]]:
        put, of = self.put, self.changed
        return {
            "subprocess.Popen": self.popen,
            "os.system": self.system,
            "os.posix_spawn": self.spawn,
            "os.exec": self.execve,
            "os.fork": lambda args: put("fork", "os.fork"),
            "os.forkpty": lambda args: put("fork", "os.forkpty"),
            "socket.connect": self.connect,
            "socket.sendto": self.send_to,
            "socket.sendmsg": self.send_to,
            "socket.bind": lambda args: put("listen", self.place(args[1]), None, {"by": "bind"}),
            "socket.getaddrinfo": self.resolve,
            "socket.gethostbyname": self.resolve,
            "http.client.send": self.request,
            "urllib.Request": self.opened_url,
            "open": self.opened,
            "os.chmod": of("chmod"),
            "os.remove": of("remove"),
            "os.rename": of("rename"),
            "os.link": of("link"),
            "os.symlink": of("symlink"),
            "import": self.imported,
            "compile": self.compile,
            "exec": self.ran,
            "pickle.find_class": lambda args: put("unpickle", "%s.%s" % (text(args[0]), text(args[1]))),
            "ctypes.dlopen": lambda args: args[0] and put("addon", text(args[0])),
            "os.kill": lambda args: put("signal", "%d to %d" % (args[1], args[0])),
            "os.killpg": lambda args: put("signal", "%d to group %d" % (args[1], args[0])),
            "os.putenv": self.variable,
            "os.unsetenv": self.variable,
            "_thread.start_new_thread": self.thread,
            "_thread.start_joinable_thread": self.thread,
            "gc.get_objects": lambda args: put("heap", "gc.get_objects"),
            "gc.get_referrers": lambda args: put("heap", "gc.get_referrers"),
            "object.__setattr__": self.attribute,
            "sys.settrace": lambda args: put("hook", "sys.settrace"),
            "sys.setprofile": lambda args: put("hook", "sys.setprofile"),
            "sys.monitoring.register_callback": lambda args: put("hook", "sys.monitoring"),
            "sys.addaudithook": lambda args: put("hook", "sys.addaudithook"),
            "sys.remote_exec": lambda args: put("inspector", "remote_exec in %s" % args[0]),
            "cpython.remote_debugger_script": lambda args: put("inspector", text(args[0])),
        }


def arm(whole_names: bool, client: str, say: Callable[[str, str], None]) -> Events:
    """@param client - the module of the runtime client"""
    ring = Ring("python %d.%d.%d" % sys.version_info[:3], origin)
    events = Events(ring, whole_names)
    events.state = import_module(".state", __package__).State(client)
    is_armed: list[bool] = []
    takes = events.takes()
    takes["lambda_amber.armed"] = is_armed.append
    find, faults = takes.get, [0]

    def hook(event: str, args: Any) -> None:
        take = find(event)
        if take is not None:
            try:
                take(args)
            except Exception as fault:
                if not is_ours(fault):
                    raise
                faults[0] += 1
                if faults[0] == 1:
                    say("one event was not recorded", "%s: %s: %s" % (event, type(fault).__name__, fault))

    sys.addaudithook(hook)
    # A hook that was there before may refuse another one, and the interpreter does not say so.
    sys.audit("lambda_amber.armed", True)
    if not is_armed:
        ring.put("away", "sys.addaudithook", None, {"why": "another audit hook refuses it"})
        say("events are not recorded", "another audit hook refuses this one")
    elif sys.version_info < (3, 12):
        ring.put("away", "threads", None, {"why": "no audit event before Python 3.12"})
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        import_module("snapshot_restore_py").register_after_restore(ring.renew, "restored")
    return events
