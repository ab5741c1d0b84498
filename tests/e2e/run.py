"""Runs every end-to-end test and closes with one line: N passed, N failed.

usage: run.py [BINARY] [NAME ...]    NAME: only tests whose file or function contains it
"""

import importlib
import os
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    arguments = sys.argv[1:]
    if arguments and Path(arguments[0]).is_file():
        os.environ["E2E_BINARY"] = str(Path(arguments.pop(0)).resolve())
    sys.path.insert(0, str(HERE))
    passed, failed = 0, []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name in sorted(name for name in vars(module) if name.startswith("test_")):
            full = f"{path.stem}.{name}"
            if arguments and not any(wanted in full for wanted in arguments):
                continue
            started = time.monotonic()
            print(f"{full} ...", flush=True)
            try:
                getattr(module, name)()
            except Exception:
                traceback.print_exc()
                failed.append(full)
                outcome = "FAILED"
            else:
                passed += 1
                outcome = "ok"
            print(f"{full} {outcome} ({time.monotonic() - started:.1f} s)", flush=True)
    for full in failed:
        print(f"failed: {full}")
    print(f"{passed} passed, {len(failed)} failed")
    sys.exit(1 if failed or not passed else 0)


main()
