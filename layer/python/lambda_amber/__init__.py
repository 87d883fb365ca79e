"""The handler `lambda_amber.handler` stands in front of a function: it starts the recorder and hands the function back.

AMBER_HANDLER names the function. What the runtime calls is the function itself, so nothing of an invocation changes.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OWN = __name__ + ".handler"
LEVELS = ("off", "events", "paths")


def say(effect: str, error: str) -> None:
    """One line, at the least level that passes the filter of the platform, as in src/lambda/log-level.ts."""
    from json import dumps

    given = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    line = {
        "amber": "fault",
        "level": given if is_json and given in ("WARN", "ERROR", "FATAL") else "INFO",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "effect": effect,
        "error": error[:400],
        "where": "layer",
    }
    os.write(1, (dumps(line, separators=(",", ":")) + "\n").encode())


def level() -> str:
    """AMBER_RECORD; without it `events` where a destination is set and anomalies are looked for."""
    env = os.environ
    if env.get("AMBER_DISABLED", "").strip().lower() in ("1", "true", "on", "yes"):
        return "off"
    asked = env.get("AMBER_RECORD", "").strip()
    if asked in LEVELS:
        return asked
    if asked:
        say("nothing is recorded", "AMBER_RECORD is %s, expected off, events or paths; for example events" % asked[:60])
        return "off"
    return "events" if env.get("AMBER_DESTINATION") and env.get("AMBER_DETECT", "").strip() != "off" else "off"


def record(loader: Callable[[str], object] | None) -> None:
    try:
        chosen = level()
        if chosen != "off":
            from .events import arm

            arm(chosen == "paths", getattr(loader, "__module__", ""), say)
    except Exception as fault:
        say("nothing is recorded", "%s: %s" % (type(fault).__name__, fault))


def runtime_loader() -> Callable[[str], object] | None:
    """The function of the runtime client that is loading this handler: it finds the function by its own rules."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_name != "_get_handler":
        frame = frame.f_back
    return None if frame is None else frame.f_globals.get("_get_handler")


def load(loader: Callable[[str], object] | None) -> object:
    name = os.environ.get("AMBER_HANDLER", "")
    if name in ("", OWN):
        raise RuntimeError(
            "AMBER_HANDLER is %s, expected the handler of the function, for example function.handler"
            % (name or "not set")
        )
    if loader is not None:
        return loader(name)
    from importlib import import_module

    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module.replace("/", ".")), attribute)


# The variable says again what it says without the layer, before any code of the function runs.
if os.environ.get("_HANDLER") == OWN and "AMBER_HANDLER" in os.environ:
    os.environ["_HANDLER"] = os.environ["AMBER_HANDLER"]
_loader = runtime_loader()
record(_loader)
handler = load(_loader)
