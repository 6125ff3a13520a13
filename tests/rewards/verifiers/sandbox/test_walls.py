"""Behind walls a program reaches nothing of this machine but the interpreter."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from bestofn.rewards.verifiers.sandbox.forms import Walled
from bestofn.rewards.verifiers.sandbox.job import Limits
from tests.support.rewards.sandboxed import passes, run, said

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[4]


async def test_the_servers_key_file_cannot_be_read(walled: Walled, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("swordfish\n")
    program = f"try:\n    print(open({str(keys)!r}).read())\nexcept OSError as e:\n    print('no')"
    assert await said(program, walled) == "no"


async def test_files_of_the_system_and_of_its_users_are_not_there(walled: Walled) -> None:
    paths = ["/etc/shadow", "/etc/passwd", "/root/.ssh", "/home", "/var", "/proc/1/environ"]
    paths += ["/sys", "/run", str(ROOT), str(ROOT / "pyproject.toml"), str(Path.home() / ".cache")]
    program = (
        f"import os\nfor path in {paths!r}:\n"
        "    try:\n"
        "        print(path, os.listdir(path) if os.path.isdir(path) else open(path).read())\n"
        "    except OSError:\n        pass"
    )
    assert await said(program, walled) == ""


async def test_another_users_folder_is_not_there_even_for_a_server_of_roots(
    walled: Walled, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "private").write_text("x")
    program = f"import os; print(os.path.exists({str(tmp_path / 'private')!r}))"
    assert await said(program, walled) == "False"


async def test_only_the_interpreter_is_to_be_seen(walled: Walled) -> None:
    top = set((await said("import os; print(*os.listdir('/'))", walled)).split())
    own = {Path(sys.base_prefix).parts[1], Path(sys.base_exec_prefix).parts[1]}
    system = {"lib", "lib32", "lib64", "usr", "etc", "proc", "dev", "tmp", "sandbox"}
    assert top <= own | system
    assert await said("import os; print(*os.listdir('/etc'))", walled) == "ld.so.cache"
    packages = "import os, sys\nprint([p for p in sys.path if 'packages' in p])\n"
    assert await said(packages, walled) == "[]"
    assert await said(f"import os; print(os.listdir({_packages()!r}))", walled) == "[]"


def _packages() -> str:
    return str(Path(os.__file__).parent / "site-packages")


async def test_nothing_can_be_written_outside_its_own_folders(walled: Walled) -> None:
    places = ["/", "/usr", "/usr/lib", "/etc", "/dev", _packages(), sys.base_prefix]
    program = (
        f"import os\nfor place in {places!r}:\n"
        "    try:\n        open(os.path.join(place, 'mine'), 'w').write('x')\n"
        "        print(place)\n    except OSError:\n        pass"
    )
    assert await said(program, walled) == ""


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
async def test_its_own_folders_are_private_sized_and_gone_afterwards(
    walled: Walled, folder: str
) -> None:
    program = (
        f"import os\nfolder = {folder!r}\nprint(os.listdir(folder), end=' ')\nwritten = 0\n"
        "try:\n"
        "    for n in range(64):\n"
        "        with open(f'{folder}/mine-bestofn-{n}', 'wb') as file:\n"
        "            written += file.write(bytes(2**19))\n"
        "except OSError as error:\n    print(error.errno, end=' ')\n"
        "print(written // 2**20)"
    )
    limits = Limits(folder_bytes=4 * 2**20)
    empty, number, written = (await said(program, walled, limits=limits)).split()
    assert (empty, number) == ("[]", "28")  # ENOSPC
    assert int(written) <= 4
    assert list(Path(folder).glob("mine-bestofn-*")) == []


async def test_there_is_no_network_not_even_to_this_machine(walled: Walled) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = (
            "import socket\n"
            f"for address in (('127.0.0.1', {port}), ('192.0.2.1', 80)):\n"
            "    try:\n        socket.create_connection(address, 1)\n        print('reached')\n"
            "    except OSError:\n        print('no')\n"
            "try:\n    socket.getaddrinfo('localhost.example.org', 80)\n    print('named')\n"
            "except OSError:\n    print('no')\n"
        )
        assert (await said(program, walled)).split() == ["no"] * 3
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


async def test_sockets_of_other_families_are_refused(walled: Walled) -> None:
    program = (
        "import socket\nfor family in (16, 17, 38, 40):  # netlink, packet, alg, vsock\n"
        "    try:\n        socket.socket(family, socket.SOCK_DGRAM)\n        print('made')\n"
        "    except PermissionError:\n        print('no')\n"
        "socket.socketpair(); socket.socket()"
    )
    assert (await said(program, walled)).split() == ["no"] * 4


CALLS = {  # numbers on x86_64 and aarch64, and arguments
    "ptrace": ((101, 117), (16, 1, 0, 0)),  # PTRACE_ATTACH
    "process_vm_readv": ((310, 270), (1, 0, 0, 0, 0, 0)),
    "unshare": ((272, 97), (0x10000000,)),
    "clone": ((56, 220), (0x10000011, 0, 0, 0, 0)),
    "clone3": ((435, 435), (0, 0)),
    "mount": ((165, 40), (0, 0, 0, 0, 0)),
    "bpf": ((321, 280), (0, 0, 0)),
    "io_uring_setup": ((425, 425), (1, 0)),
    "userfaultfd": ((323, 282), (0,)),
    "keyctl": ((250, 219), (0, 0)),
}


async def test_system_calls_that_lead_out_are_refused(walled: Walled) -> None:
    at = int(os.uname().machine == "aarch64")
    calls = [(name, numbers[at], given) for name, (numbers, given) in CALLS.items()]
    program = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"for name, number, given in {calls!r}:\n"
        "    result = libc.syscall(number, *map(ctypes.c_long, given))\n"
        "    if result != -1 or ctypes.get_errno() not in (1, 38):  # EPERM, ENOSYS\n"
        "        print(name, result, ctypes.get_errno())"
    )
    assert await said(program, walled) == ""


async def test_it_has_no_capability_and_gains_none(walled: Walled) -> None:
    program = (
        "import re\nstatus = open('/proc/self/status').read()\n"
        "print(*re.findall(r'^(Cap(?:Eff|Prm|Amb)|NoNewPrivs|Seccomp):\\s*(\\w+)', status, re.M))"
    )
    told = await said(program, walled)
    for name in ("CapEff", "CapPrm", "CapAmb"):
        assert f"('{name}', '0000000000000000')" in told
    assert "('NoNewPrivs', '1')" in told
    assert "('Seccomp', '2')" in told


async def test_it_sees_no_process_but_its_own_and_none_of_its_supervisor(walled: Walled) -> None:
    program = (
        "import os\nprint(len([n for n in os.listdir('/proc') if n.isdigit()]))\n"
        "for what in ('mem', 'environ', 'fd/0', 'maps'):\n"
        "    try:\n        open(f'/proc/{os.getppid()}/{what}', 'rb').read(1)\n"
        "        print('read')\n    except OSError:\n        print('no')\n"
        "try:\n    os.listdir(f'/proc/{os.getppid()}/fd')\n    print('seen')\n"
        "except OSError:\n    print('no')\n"
    )
    count, *tried = (await said(program, walled)).split()
    assert int(count) <= 2
    assert tried == ["no"] * 5


async def test_it_cannot_look_into_its_tests(walled: Walled) -> None:
    program = (
        "import os\n"
        "def secrets():\n"
        "    found = []\n"
        "    for n in filter(str.isdigit, os.listdir('/proc')):\n"
        "        if int(n) != os.getpid():\n"
        "            for what in ('mem', 'environ', 'maps', 'fd/3', 'stack'):\n"
        "                try:\n"
        "                    found.append(open(f'/proc/{n}/{what}', 'rb').read(1))\n"
        "                except OSError:\n"
        "                    pass\n"
        "    return found\n"
    )
    assert await passes(program, "assert secrets() == []", walled)


async def test_killing_all_it_can_leaves_the_supervisor(walled: Walled) -> None:
    outcome = await run("import os, signal\nos.kill(-1, signal.SIGKILL)", walled)
    assert outcome.ended == "exit"
    outcome = await run("import os, signal\nos.kill(1, signal.SIGKILL)\nprint(1)", walled)
    assert outcome.output == "1\n"
