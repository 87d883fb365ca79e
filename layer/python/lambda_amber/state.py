"""What is no longer as it was, asked when an invocation begins; and what only the process knows.

The facts lie in a memfd `amber-runtime`, sealed when they are written: a capture of the extension reads them.
"""

from __future__ import annotations

import builtins
import fcntl
import json
import os
import sys
import threading
import time

from .ring import ADD_SEALS, SIZE_SEALS, WRITE_SEAL, sealed_file
from .words import FOLDER, is_library, is_ours, shown, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType, FrameType
    from typing import Any

    from .events import Events

WATCHED = (
    "{client}bootstrap:handle_event_request _get_handler create_lambda_context",
    "{client}lambda_runtime_client:LambdaRuntimeClient.wait_next_invocation .post_invocation_result",
    "{client}lambda_runtime_marshaller:LambdaMarshaller.unmarshal_request .marshal_response",
    "botocore.auth:SigV4Auth.add_auth .canonical_request .signature",
    "botocore.signers:RequestSigner.sign .generate_presigned_url",
    "botocore.credentials:Credentials.get_frozen_credentials RefreshableCredentials.get_frozen_credentials",
    "botocore.client:BaseClient._make_api_call",
    "botocore.endpoint:Endpoint.make_request ._send",
    "botocore.httpsession:URLLib3Session.send",
    "urllib3.connectionpool:HTTPConnectionPool.urlopen",
    "urllib3.connection:HTTPConnection.request .connect HTTPSConnection.connect",
    "http.client:HTTPConnection.request .putrequest .send HTTPSConnection.connect",
    "ssl:SSLSocket.read .write .connect SSLContext.wrap_socket",
    "socket:create_connection getaddrinfo socket.connect",
    "builtins:open eval exec compile __import__",
)
MAX_MODULES, MAX_THREADS, MAX_STACK, MAX_BYTES = 5000, 64, 32, 1 << 20


class Watch:
    """One place where a function stands."""

    def __init__(self, name: str, holder: Mapping[str, Any], key: str, file: str | None, events: Events) -> None:
        self.name, self.holder, self.key = name, holder, key
        self.note()
        made_in = self.code and self.code.co_filename
        if made_in and file and made_in != file and not is_library(made_in):
            tell(self, events)

    def note(self) -> None:
        self.value = self.holder.get(self.key)
        self.code: CodeType | None = getattr(self.value, "__code__", None)


def tell(watch: Watch, events: Events) -> None:
    by = shown(watch.code.co_filename) if watch.code is not None else "<%s>" % type(watch.value).__name__
    kind, name = ("builtin", watch.name.replace(" ", ".")) if watch.holder is vars(builtins) else ("method", watch.name)
    events.ring.put(kind, name, None, {"by": by})
    events.patched.append({"name": watch.name, "by": by})


class State:
    """@param client - the module of the runtime client"""

    def __init__(self, client: str) -> None:
        self.watches: list[Watch] = []
        package = client.rpartition(".")[0]
        self.awaited = [one.replace("{client}", package and package + ".").partition(":")[::2] for one in WATCHED]
        self.finders = {name: list(getattr(sys, name)) for name in ("meta_path", "path_hooks")}
        self.modules = self.threads = -1
        self.fd, self.inode = -1, -1

    def look(self, events: Events) -> None:
        for entry in self.awaited[:]:
            module = sys.modules.get(entry[0])
            if module is not None and not getattr(module.__spec__, "_initializing", False):
                self.awaited.remove(entry)
                self.watch(events, entry[0], vars(module), entry[1])
        for watch in self.watches:
            value = watch.holder.get(watch.key)
            if value is not watch.value or getattr(value, "__code__", None) is not watch.code:
                watch.note()
                tell(watch, events)
        for name, known in self.finders.items():
            now = getattr(sys, name)
            if now != known:
                for one in now:
                    if not any(one is other for other in known):
                        kind = one if isinstance(one, type) or hasattr(one, "__qualname__") else type(one)
                        events.ring.put("hook", "sys.%s %s.%s" % (name, kind.__module__, kind.__qualname__))
                self.finders[name] = list(now)
        modules, threads = len(sys.modules), threading.active_count()
        if events.moved or modules != self.modules or threads != self.threads:
            events.moved, self.modules, self.threads = False, modules, threads
            self.leave(events)

    def watch(self, events: Events, module: str, inside: Mapping[str, Any], names: str) -> None:
        owner, file = "", inside.get("__file__")
        for name in names.split():
            head, dot, method = name.rpartition(".")
            owner = head or owner if dot else ""
            if not dot:
                self.watches.append(Watch("%s %s" % (module, name), inside, name, file, events))
            elif isinstance(inside.get(owner), type):
                holder = vars(inside[owner])
                if method in holder:
                    self.watches.append(Watch("%s %s.%s" % (module, owner, method), holder, method, file, events))

    def leave(self, events: Events) -> None:
        """Puts the facts where the extension finds them: a sealed file under the number of the one before."""
        body = json.dumps(facts(events), separators=(",", ":")).encode("ascii", "replace")
        if len(body) > MAX_BYTES:
            return
        made = sealed_file("amber-runtime", len(body))
        os.write(made, body)
        fcntl.fcntl(made, ADD_SEALS, SIZE_SEALS | WRITE_SEAL)
        if self.fd >= 0 and self.is_in_place():
            os.dup2(made, self.fd, False)
            os.close(made)
        else:
            self.fd = made
        self.inode = os.fstat(self.fd).st_ino

    def is_in_place(self) -> bool:
        try:
            return os.fstat(self.fd).st_ino == self.inode
        except OSError as gone:
            if not is_ours(gone):
                raise
            return False


def facts(events: Events) -> dict[str, object]:
    ring, listed = events.ring, list(sys.modules.items())
    return {
        "takenMs": time.time_ns() // 1_000_000,
        "invocation": ring.invocation,
        "process": {
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "version": sys.version,
            "implementation": sys.implementation.name,
            "execPath": sys.executable,
            "argv": [text(one) for one in sys.orig_argv],
            "prefix": sys.prefix,
            "cwd": os.getcwd(),
        },
        "modules": [module_facts(events, name, one) for name, one in listed[:MAX_MODULES]],
        "modulesUnlisted": max(len(listed) - MAX_MODULES, 0),
        "path": [text(one) for one in sys.path],
        "finders": {name: [named(one) for one in known] for name, known in events.state.finders.items()},
        "tracing": {"trace": named(sys.gettrace()), "profile": named(sys.getprofile())},
        "threads": thread_facts(),
        "tampering": {"patched": events.patched},
        "environment": environment_changes(events.environment),
        "recorder": {
            "rings": ring.rings,
            "unwritten": ring.unwritten,
            "left": {kind: ring.cells[at + 2] for kind, at in ring.at.items() if ring.cells[at + 2]},
        },
    }


def module_facts(events: Events, name: str, module: Any) -> dict[str, object]:
    """Of the module's own dictionary: no attribute of it is asked, since a module may compute it."""
    inside = module.__dict__ if type(module) is type(sys) else {}
    file = inside.get("__file__")
    if file is None:
        return {"name": text(name)}
    path = text(file)
    return {"name": text(name), "file": path, **({"writable": True} if path.startswith(events.writable) else {})}


def named(function: Any) -> str | None:
    return None if function is None else text(getattr(function, "__qualname__", type(function).__qualname__))


def thread_facts() -> list[dict[str, object]]:
    """Without the lock of `threading`, which the function may hold."""
    known: dict[int, threading.Thread] = dict(getattr(threading, "_active", {}))
    rows: list[dict[str, object]] = []
    for ident, top in list(sys._current_frames().items())[:MAX_THREADS]:
        stack: list[str] = []
        frame: FrameType | None = top
        while frame is not None and len(stack) < MAX_STACK:
            if not frame.f_code.co_filename.startswith(FOLDER):
                stack.append("%s:%d %s" % (frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name))
            frame = frame.f_back
        thread = known.get(ident)
        row = {} if thread is None else {"name": text(thread.name), "daemon": thread.daemon, "tid": thread.native_id}
        rows.append({"ident": ident, **row, "stack": stack})
    return rows


def environment_changes(before: dict[str, str]) -> dict[str, object]:
    """The forms of live_response/environment.json."""
    now = dict(os.environ)
    return {
        "added": {"variables": {name: now[name] for name in now if name not in before}},
        "changed": {"variables": {name: now[name] for name in now if before.get(name, now[name]) != now[name]}},
        "removed": {"variables": {name: before[name] for name in before if name not in now}},
    }
