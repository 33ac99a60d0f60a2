"""System calls of a program that come late, or are its last."""


def injected(fault, *command):
    """The words of a command line with a fault, as strace --inject has them

    e.g. renameat2:signal=KILL:when=3
    """
    call = fault.partition(':')[0]
    return ['strace', '-qq', '-f', '-o', '/dev/null', '-e', f'trace={call}',
            '-e', f'inject={fault}', *command]
