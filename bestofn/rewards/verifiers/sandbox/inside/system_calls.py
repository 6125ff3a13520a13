"""The filter on system calls: what a program that computes has no use for is refused.

A filter that names what is refused, as those of Docker and Flatpak do: Python's own library and
programs of other kinds go on to work. Refused are calls that look into or steer other processes,
that make namespaces or mounts, that reach kernel interfaces with a record of holes (bpf, io_uring,
userfaultfd, perf, keys), that administer the machine, and sockets of any family but unix and IP:
others, like vsock, do not stop at a network namespace.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from .privileges import LIBC

# Each call's number on x86_64 and aarch64 (the kernel's asm/unistd_64.h and asm-generic/unistd.h);
# -1: there is none.
_REFUSED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, -1),
    "iopl": (172, -1),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "migrate_pages": (256, 238),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW* of clone(2)
_X32 = 0x40000000  # from here on the numbers of x86_64's second set of calls

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, AUDIT_ARCH_*

# classic BPF over struct seccomp_data {int nr; u32 arch; u64 ip; u64 args[6]}
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000  # SECCOMP_RET_*

_SET_SECCOMP, _MODE_FILTER = 22, 2  # prctl(2)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def has_filter() -> bool:
    """Whether there is a filter for this kind of machine."""
    return os.uname().machine in _MACHINES


def restrict() -> None:
    """Put this process, and all that it starts, behind the filter; it cannot be taken off.

    Raises:
        OSError: the kernel refuses it.
    """
    code = _compiled(*_MACHINES[os.uname().machine])
    program = _Program(len(code) // 8, code)
    if LIBC.prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter on system calls is refused")


def _compiled(column: int, architecture: int) -> bytes:
    """The filter's instructions; each jump that decides leads over the one return behind it."""
    permission, missing = _REFUSE | errno.EPERM, _REFUSE | errno.ENOSYS
    lines = [
        _line(_LOAD, _ARCH_AT),
        _line(_EQUAL, architecture, 1, 0),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER_AT),
    ]
    if column == 0:
        lines += [_line(_AT_LEAST, _X32, 0, 1), _line(_RETURN, permission)]
    for numbers in _REFUSED.values():
        if numbers[column] >= 0:
            lines += [_line(_EQUAL, numbers[column], 0, 1), _line(_RETURN, permission)]
    # clone3's flags lie in memory, where no filter sees them: the C library falls back to clone.
    lines += [_line(_EQUAL, _CLONE3[column], 0, 1), _line(_RETURN, missing)]
    lines += [
        _line(_EQUAL, _CLONE[column], 0, 4),
        _line(_LOAD, _FIRST_ARGUMENT_AT),
        _line(_ANY_BIT, _NEW_NAMESPACES, 0, 1),
        _line(_RETURN, permission),
        _line(_RETURN, _ALLOW),
        _line(_EQUAL, _SOCKET[column], 0, 5),
        _line(_LOAD, _FIRST_ARGUMENT_AT),
        *(_line(_EQUAL, family, len(_FAMILIES) - at, 0) for at, family in enumerate(_FAMILIES)),
        _line(_RETURN, permission),
        _line(_RETURN, _ALLOW),
    ]
    return b"".join(lines)


def _line(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, if_true, if_false, value)
