"""An example of a client, run as it is written against a server."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


async def run_client(
    example: str, url: str, python: str = sys.executable
) -> tuple[list[str], str, int]:
    """What it prints, line by line, its errors, and its exit code.

    Any other server than this one is behind a proxy that is not there.
    """
    nowhere = "http://127.0.0.1:9"
    proxies = {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "NO_PROXY": "127.0.0.1"}
    told = {"BESTOFN_URL": f"{url}/v1", "BESTOFN_API_KEY": "secret"}
    ours = ("BESTOFN_", "LITELLM_", "LANGCHAIN_", "LANGSMITH_", "OPENAI_", "ANTHROPIC_")
    rest = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    process = await asyncio.create_subprocess_exec(
        python,
        str(EXAMPLES / f"{example}_client.py"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**rest, **proxies, **told},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 120)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode().splitlines(), err.decode(), process.returncode or 0
