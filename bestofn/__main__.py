"""`python -m bestofn`, the same as `bestofn`."""

from bestofn.cli import main

if __name__ == "__main__":
    main()
