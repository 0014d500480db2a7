"""What the figures share: programs that are started, measured and stopped."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))
PROGRAM = TARGET / "release" / "entra-flight"
SIGN_IN = {
    "TENANT": "contoso.example",
    "CLIENT_ID": "00000000-0000-4000-8000-000000000001",
    "CLIENT_SECRET": "simulated-secret",
}


class Running:
    """A program that prints `name: address` lines and goes on until the block ends."""

    def __init__(self, arguments, last, environment=None):
        self.process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.addresses = {}
        while last not in self.addresses:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(self.process.stderr.read())
            name, _, address = line.strip().partition(": ")
            self.addresses[name] = address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.notes = self.process.communicate()[1]

    def peak_mib(self):
        return peak_mib(self.process.pid)


def sim(users, *more):
    return Running([PROGRAM, "sim", "--users", users, *more], "login")


def settings(tenant, store=None):
    """The environment in which the program reads this tenant, and keeps it in this store."""
    reached = {"GRAPH_BASE_URL": tenant.addresses["graph"], "LOGIN_URL": tenant.addresses["login"]}
    environment = {
        f"ENTRA_FLIGHT__CONNECTIONS__CONTOSO__{key}": value
        for key, value in {**SIGN_IN, **reached}.items()
    }
    environment["ENTRA_FLIGHT__SERVER__LISTEN"] = "127.0.0.1:0"
    if store:
        environment["ENTRA_FLIGHT__STORE__URL"] = str(store)
    return environment


def serve(tenant, store=None):
    command = [PROGRAM, "serve", "--settings", "none.toml"]
    return Running(command, "flight", settings(tenant, store))


def measured(command, environment=None):
    """Runs a program to its end; its seconds, its peak in MiB, and what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began, peak = time.perf_counter(), 0
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=err,
                                   env={**os.environ, **(environment or {})})
        # What the system says at the end counts this process's memory before the other began.
        while process.poll() is None:
            peak = max(peak, peak_mib(process.pid))
            time.sleep(0.005)
        took = time.perf_counter() - began
        out.seek(0), err.seek(0)
        if process.returncode:
            raise SystemExit(err.read().decode())
        return took, peak, out.read().decode() + err.read().decode()


def peak_mib(process_id):
    """The most memory that a process has held; 0 if it has just ended."""
    try:
        status = pathlib.Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0


def once(script, *arguments):
    """Runs a script in a process of its own; it prints one JSON object."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
