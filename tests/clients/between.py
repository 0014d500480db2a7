"""Does to a stored table what another engine might: python between.py OPERATION TABLE-FOLDER"""

import os
import sys

import deltalake

operation, folder = sys.argv[1:3]
table = deltalake.DeltaTable(folder)
match operation:
    case "checkpoint":
        table.create_checkpoint()
    case _:
        raise SystemExit(f"there is no operation {operation}")
print("done", flush=True)
os._exit(0)
