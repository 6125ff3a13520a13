"""The parts of `benchmarks.gpu`: what is checked and measured on a GPU, and how it is written down.

findings                      one line of a log for each check: right, wrong, measured, skipped
kernels, rewards, limits      the package's own paths against the CPU
scoring, memory, compiled     an 8B-shaped model: time, tokens per second, bytes
models                        the shapes, and models of random weights
tables, wheels                what comes out, and what has to be brought along
"""
