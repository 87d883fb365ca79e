"""Names and texts as they are recorded: which code did it, and what is left out of a text."""

from __future__ import annotations

import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

FOLDER = os.path.dirname(__file__)
LIBRARY = os.path.dirname(os.__file__)
MAX_FRAMES, MAX_NAMES, MAX_NAME, HEAD, MAX_KNOWN = 24, 3, 66, 20, 512
getframe = sys._getframe


def text(value: object) -> str:
    """No code of the function is run for it: another type than these is named and not asked."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return bytes.decode(value, "utf-8", "surrogateescape")
    if type(value).__module__.partition(".")[0] == "pathlib":
        return str(value)
    return "<%s>" % type(value).__name__


def is_library(name: str) -> bool:
    if name.startswith(LIBRARY):
        return "/site-packages/" not in name
    return name.startswith(("<frozen ", FOLDER))


def shown(name: str) -> str:
    if name == "<string>":
        return "eval"
    return name if len(name) <= MAX_NAME else name[:HEAD] + ".." + name[HEAD + 2 - MAX_NAME :]


# By file: how it is shown, or "" for what is left out.
known: dict[str, str] = {}


def origin() -> list[str]:
    """The files of the code that did it, nearest first."""
    names: list[str] = []
    frame: FrameType | None = getframe(3)
    for _ in range(MAX_FRAMES):
        if frame is None:
            break
        file = frame.f_code.co_filename
        name = known.get(file)
        if name is None:
            if len(known) >= MAX_KNOWN:
                known.clear()
            name = known[file] = "" if is_library(file) else shown(file)
        if name and name not in names[-1:]:
            names.append(name)
            if len(names) == MAX_NAMES:
                break
        frame = frame.f_back
    return names


def without_secrets(value: str) -> str:
    """URLs in it lose their user info and what stands behind `?` or `#`."""
    return re.sub(r"[?#][^\s\"']*", "?", re.sub(r"//[^/@\s]*@", "//", value[:400]))


def is_ours(error: BaseException) -> bool:
    """Handlers of signals run between two lines of ours, and may raise: then the last frame is one of the function."""
    name, trace = "", error.__traceback__
    while trace is not None:
        name, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return is_library(name)
