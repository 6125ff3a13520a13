"""A worker that answers lines, for tests of `bestofn.core.worker_process`; it loads nothing."""

import os
import sys
import time


def main() -> None:
    """Answer each line: its process, nothing for a long time, or its end in the middle."""
    print("ready", flush=True)
    for line in sys.stdin:
        match line.strip():
            case "hang":
                time.sleep(3600)
            case "end":
                os.write(1, b"half")
                os._exit(3)
            case _:
                print(os.getpid(), flush=True)


if __name__ == "__main__":
    main()
