"""One training by several processes, on one machine or more, which JAX brings together."""

import hashlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from common.command_line import status_of
from common.console import plural
from common.errors import UserError, fail, first_line

JOIN_TIMEOUT = 60  # seconds in which all processes must have come
HEARTBEAT_TIMEOUT = 10  # seconds without a sign of life after which a process counts as dead
VARIABLES = ["JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"]
SET = f"and set {', '.join(VARIABLES)}, or start them with srun"
GO_ON = "start all of them again, with --resume where an epoch was done"


def run_as_one(work: Callable[[int], None]) -> None:
    """Run `work`, which takes this process's number, as one of several processes; then exit.

    In a child process: where another process of the run dies, JAX's C++ code aborts this one at
    any moment, with pages of its own on stderr. What is left here says it in one line instead.
    """
    if not hasattr(os, "fork"):
        fail("--distributed: needs Linux or macOS; leave it out")
    here, there = socket.socketpair()
    child = os.fork()
    if child:
        there.close()
        raise SystemExit(wait_for(child, here))
    here.close()
    threading.Thread(target=die_with_parent, args=(there,), daemon=True).start()
    drop_output_of_libraries()
    # Not by a normal exit, which waits for processes that may be dead
    os._exit(status_of(lambda: meet_and_work(work, there)))


def drop_output_of_libraries() -> None:
    """Keep off stdout and stderr what does not come from Python: JAX's C++ code talks on both."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        own = os.fdopen(os.dup(stream.fileno()), "w", buffering=1, encoding=stream.encoding)
        os.dup2(nothing, stream.fileno())
        setattr(sys, name, own)


def wait_for(child: int, link: socket.socket) -> int:
    """Return the exit status of the child process, and say how a signal ended it, if one did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a terminal sends to the child as well
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, number))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status >= 0:
        return status
    if -status == signal.SIGTERM:
        return 128 + signal.SIGTERM
    if -status != signal.SIGABRT:
        what = f"ended by {signal.Signals(-status).name}; {GO_ON}"
    elif met(link):
        what = f"another process of the run has ended, or does not answer; {GO_ON}"
    else:
        what = (
            f"not all processes came within {JOIN_TIMEOUT} s; start those that are missing, {SET}"
        )
    print(f"error: {what}", file=sys.stderr)
    return 1


def met(link: socket.socket) -> bool:
    """Return whether the process at the other end of `link` had met the other ones of its run."""
    link.setblocking(False)
    try:
        return bool(link.recv(1))
    except BlockingIOError:
        return False


def die_with_parent(link: socket.socket) -> None:
    """End this process when its parent has ended, which closes the other end of `link`."""
    with suppress(ConnectionResetError):  # where it had not read what came from here
        link.recv(1)
    os._exit(1)


def meet_and_work(work: Callable[[int], None], link: socket.socket) -> None:
    """Meet the other processes, and run `work`.

    Raises UserError for whatever the death of another one raises, which is one of many errors.
    """
    meet()
    link.send(b"!")
    import jax

    index, devices = jax.process_index(), plural(jax.local_device_count(), "device")
    print(f"{jax.process_count()} processes; this is number {index}, with {devices}", flush=True)
    if index:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  one process tells of the training
    try:
        work(index)
    except (UserError, OSError, ImportError):
        raise
    except Exception as error:
        if not several():
            raise
        fail(f"another process of the run has ended ({first_line(error)}); {GO_ON}")


def meet() -> None:
    """Bring all processes together, as the environment says, ours or that of SLURM or Open MPI.

    Raises UserError where it does not say enough.
    """
    import jax

    if not hasattr(jax.config, "jax_enable_preemption_service"):
        fail(f"--distributed needs JAX 0.9 or newer, not {jax.__version__}; `pip install -U jax`")
    jax.config.update("jax_enable_preemption_service", False)  # it would swallow SIGTERM
    try:
        count, index = (int(text) if text else None for text in map(os.environ.get, VARIABLES[1:]))
        jax.distributed.initialize(
            num_processes=count,
            process_id=index,
            initialization_timeout=JOIN_TIMEOUT,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT,
        )
    except (ValueError, TypeError, RuntimeError, IndexError) as error:
        fail(f"--distributed: {first_line(error)}; {SET}")


def agree(facts: dict[str, object]) -> None:
    """Wait until all processes have come here. Raises UserError when they have other `facts`.

    Each process gives the same names, and values that JSON can hold.
    """
    if not several():
        return
    import numpy as np
    from jax.experimental.multihost_utils import process_allgather

    texts = (json.dumps(value, sort_keys=True, default=str) for value in facts.values())
    hashes = [list(hashlib.sha256(text.encode()).digest()) for text in texts]
    everywhere = process_allgather(np.array(hashes, np.uint8))
    other = (everywhere != everywhere[0]).any(axis=(0, 2))
    names = [name for name, differs in zip(facts, other) if differs]
    if names:
        fail(f"the processes of this run differ in {', '.join(names)}; give all of them the same")


def part() -> None:
    """Wait until all processes have come here; from now on each is alone."""
    if several():
        import jax

        jax.distributed.shutdown()


def several() -> bool:
    """Return whether this is one of several processes; where JAX is not loaded it is none."""
    jax = sys.modules.get("jax")
    return jax is not None and jax.distributed.is_initialized()
