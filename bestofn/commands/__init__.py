"""What the command line's commands do, one file each; flags and exit codes are in `bestofn.cli`."""
