"""Checks a server's Flight SQL with clients that know nothing of it: ADBC, pyarrow, bare gRPC.

    python flight_sql.py grpc://HOST:PORT [--all] [--list] [WORD ...]

Ends at the first check that fails; with `--all` it goes on, and shows every one that fails. With
words, only checks whose names have one of them are run.
"""

import argparse
import importlib
import os
import sys
import threading
import time
import traceback
import warnings

# Not every client says that it needs no transactions.
warnings.filterwarnings("ignore", message="Cannot disable autocommit")

# Nothing is written beside the sources.
sys.dont_write_bytecode = True
from flight_sql_wire import CHECKS, Server  # noqa: E402

# Each adds its checks; they run in this order.
for part in ("adbc", "frames", "commands", "facts", "calls", "actions", "jdbc"):
    importlib.import_module(f"flight_sql_{part}")

# For one check, so that a server that hangs in one does not keep the others waiting.
SECONDS_MAX = 120


def name(check):
    return check.__name__.replace("_", " ")


def run(check, server):
    """What went wrong, as text; nothing if the check passed."""
    faults = []

    def guarded():
        try:
            check(server)
        except BaseException:
            faults.append(traceback.format_exc(chain=False))

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(SECONDS_MAX)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident)
        stack = "".join(traceback.format_stack(frame))
        return f"it still runs after {SECONDS_MAX} s:\n{stack}"
    return "".join(faults)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("address", help="grpc://HOST:PORT")
    options.add_argument("words", nargs="*")
    options.add_argument("--all", action="store_true", help="go on after a check that fails")
    options.add_argument("--list", action="store_true", help="show the checks and run none")
    options = options.parse_intermixed_args()
    words = options.words or [""]
    chosen = [check for check in CHECKS if any(word in name(check) for word in words)]
    if options.list:
        print("\n".join(name(check) for check in chosen))
        return 0
    server, passed, failed = Server(options.address), 0, []
    for check in chosen:
        began = time.monotonic()
        fault = run(check, server)
        print(f"{'FAIL' if fault else 'ok'}  {name(check)}  {time.monotonic() - began:.1f} s",
              file=sys.stderr)
        if not fault:
            passed += 1
            continue
        failed.append(name(check))
        print(f"{name(check)}:\n{fault}", flush=True)
        if not options.all:
            break
    print(f"{passed} checks passed")
    if failed:
        print(f"{len(failed)} checks failed: {'; '.join(failed)}")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A check that hangs would be waited for otherwise.
    os._exit(code)
