"""What a program's exit status says, in words."""

from signal import Signals, valid_signals

SHELL_SIGNAL_BASE = 128  # a shell reports "ended by signal n" as 128 + n
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # POSIX shells' own two


def describe(status: int) -> str:
    """Say how a program ended.

    status -- as `process.Finished` gives it: 0 and up is what the program chose, -n is signal n

    >>> describe(0), describe(2), describe(-11), describe(139)
    ('exit status 0', 'exit status 2', 'crashed by SIGSEGV', 'exit status 139 (crashed by SIGSEGV, says a shell)')
    """
    if status < 0:
        return f"crashed by {signal_name(-status)}"
    if status > SHELL_SIGNAL_BASE and status - SHELL_SIGNAL_BASE in valid_signals():
        return f"exit status {status} (crashed by {signal_name(status - SHELL_SIGNAL_BASE)}, says a shell)"
    return f"exit status {status}"


def signal_name(number: int) -> str:
    """Name a signal, or give its number where the platform has no name for it.

    >>> signal_name(6), signal_name(40)
    ('SIGABRT', 'signal 40')
    """
    named = {member.value: member.name for member in Signals}
    return named.get(number, f"signal {number}")
