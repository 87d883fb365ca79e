"""A process whose memory is known: prints the addresses of its mappings as JSON, then waits for a line."""
import ctypes, json, mmap, os, sys, tempfile

PAGE = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
R, W, X, PRIVATE, SHARED, ANONYMOUS, NORESERVE = 1, 2, 4, 2, 1, 0x20, 0x4000


def mapped(size, protection, flags, fd=-1):
    address = libc.mmap(None, size, protection, flags, fd, 0)
    assert address not in (None, ctypes.c_void_p(-1).value), os.strerror(ctypes.get_errno())
    return address


def protect(address, size, protection):
    assert libc.mprotect(address, size, protection) == 0, os.strerror(ctypes.get_errno())


def fill(address, text, size):
    ctypes.memmove(address, (text * (size // len(text) + 1))[:size], size)


marker = bytearray(bytes.fromhex(sys.argv[1]))
heap = (ctypes.c_char * len(marker)).from_buffer(marker)

hole = mapped(16 * PAGE, R | W, PRIVATE | ANONYMOUS)
fill(hole, b"around-the-hole.", 16 * PAGE)
protect(hole + 4 * PAGE, 4 * PAGE, 0)

file = tempfile.TemporaryFile()
file.write(b"file-page-bytes." * (8 * PAGE // 16))
file.flush()
truncated = mapped(8 * PAGE, R | W, SHARED, file.fileno())
file.truncate(4 * PAGE)
for page in range(4):
    ctypes.c_char.from_address(truncated + page * PAGE).value

sparse = mapped(1 << 30, R | W, PRIVATE | ANONYMOUS | NORESERVE)
fill(sparse + (100 << 20), b"first-island....", PAGE)
fill(sparse + (900 << 20), b"second-island...", 2 * PAGE)

injected = mapped(PAGE, R | W | X, PRIVATE | ANONYMOUS)
fill(injected, b"injected-code...", PAGE)

code = os.open(sys.argv[2], os.O_RDONLY)
patched = mapped(8 * PAGE, R, PRIVATE, code)
protect(patched + 2 * PAGE, PAGE, R | W)
fill(patched + 2 * PAGE, b"patched-in-place", PAGE)
protect(patched + 2 * PAGE, PAGE, R)

print(json.dumps({name: hex(value) for name, value in {
    "page": PAGE, "heap": ctypes.addressof(heap), "hole": hole, "truncated": truncated, "sparse": sparse, "injected": injected, "patched": patched,
}.items()}), flush=True)
sys.stdin.readline()
