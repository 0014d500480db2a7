"""Does to stored tables what another engine might: python between.py OPERATION TABLE-FOLDER..."""

import os
import shutil
import sys

import deltalake
import pyarrow


def some(table, count=7):
    """The least ids of a table."""
    ids = table.to_pyarrow_table(columns=["id"])["id"].to_pylist()
    return sorted(ids)[:count]


def listed(ids):
    return ", ".join(f"'{one}'" for one in ids)


def rows_of(table, ids):
    whole = table.to_pyarrow_table()
    return whole.filter(pyarrow.compute.is_in(whole["id"], pyarrow.array(ids)))


def renamed(rows, prefix):
    ids = pyarrow.array([prefix + one for one in rows["id"].to_pylist()])
    return rows.set_column(rows.schema.get_field_index("id"), rows.schema.field("id"), ids)


def forget_old_log(table):
    """Every log entry before the newest checkpoint goes, as after a month."""
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
    table.create_checkpoint()
    table.cleanup_metadata()


def do(operation, folder):
    table = deltalake.DeltaTable(folder)
    match operation:
        case "read":
            table.to_pyarrow_table()
        case "checkpoint":
            table.create_checkpoint()
        case "delete":
            table.delete(f"id IN ({listed(some(table))})")
        case "delete_most":
            table.delete(f"id NOT IN ({listed(some(table, 30))})")
        case "append_many":
            whole = table.to_pyarrow_table()
            for prefix in ["yy-", "zz-"]:
                deltalake.write_deltalake(folder, renamed(whole, prefix), mode="append")
        case "update":
            table.update(predicate=f"id IN ({listed(some(table))})", updates={"department": "'Elsewhere'"})
        case "append":
            deltalake.write_deltalake(table, renamed(rows_of(table, some(table)), "zz-"), mode="append")
        case "append_again":
            deltalake.write_deltalake(table, rows_of(table, some(table)), mode="append")
        case "append_nameless":
            row = rows_of(table, some(table, 1))
            at = row.schema.get_field_index("id")
            nameless = row.set_column(at, row.schema.field("id"), pyarrow.nulls(1, row.schema.field("id").type))
            deltalake.write_deltalake(table, nameless, mode="append")
        case "overwrite":
            deltalake.write_deltalake(table, rows_of(table, some(table, 70)), mode="overwrite")
        case "overwrite_columns":
            few = rows_of(table, some(table, 70)).select(["id", "displayName"])
            deltalake.write_deltalake(table, few, mode="overwrite", schema_mode="overwrite")
        case "append_column":
            new = renamed(rows_of(table, some(table)), "zz-")
            new = new.append_column("costCentre", pyarrow.array(["4711"] * len(new)))
            deltalake.write_deltalake(table, new, mode="append", schema_mode="merge")
        case "begin_anew":
            few = rows_of(table, some(table, 70)).select(["id", "displayName"])
            shutil.rmtree(folder)
            deltalake.write_deltalake(folder, few)
        case "restore":
            table.restore(0)
        case "optimize":
            # Rows that go and come back, so that there are files to be made one.
            moved = rows_of(table, some(table))
            do("delete", folder)
            deltalake.write_deltalake(folder, moved, mode="append")
            deltalake.DeltaTable(folder).optimize.compact()
        case "z_order":
            table.optimize.z_order(["department"])
        case "vacuum":
            table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        case "vacuum_full":
            # Files that no commit names go too, as with Spark.
            table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
        case "delete_and_vacuum":
            do("delete", folder)
            do("vacuum", folder)
        case "forget":
            forget_old_log(table)
        case "delete_and_forget":
            do("delete", folder)
            forget_old_log(deltalake.DeltaTable(folder))
        case "properties":
            table.alter.set_table_properties({"delta.logRetentionDuration": "interval 30 days"})
        case _:
            raise SystemExit(f"there is no operation {operation}")


operation, *folders = sys.argv[1:]
for folder in folders:
    do(operation, folder)
print("done", flush=True)
os._exit(0)
