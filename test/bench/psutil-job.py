"""What the volatile collectors read, by psutil: prints milliseconds, and how many processes were seen, as JSON.

Left out in favour of psutil: memory maps (it parses smaps, which is many times slower than the maps that Amber keeps),
namespaces, cgroups, fdinfo and the raw files.
"""

import json
import time

import psutil

FACTS = [
    "pid", "ppid", "name", "exe", "cmdline", "cwd", "username", "uids", "gids", "status", "create_time", "terminal", "nice",
    "num_threads", "cpu_times", "memory_info", "open_files", "net_connections", "environ", "num_fds", "io_counters",
]

started = time.perf_counter()
processes = [process.as_dict(attrs=FACTS) for process in psutil.process_iter()]
sockets = psutil.net_connections("all")
system = (psutil.virtual_memory(), psutil.swap_memory(), psutil.disk_partitions(all=True), psutil.net_if_addrs(), psutil.boot_time())
elapsed = (time.perf_counter() - started) * 1000
print(json.dumps({"ms": elapsed, "processes": len(processes), "sockets": len(sockets), "system": len(system)}))
