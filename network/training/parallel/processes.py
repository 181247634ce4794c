"""One training by several processes, on one machine or more, which JAX brings together."""

import hashlib
import importlib.metadata
import json
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import BinaryIO

from common.command_line import status_of
from common.errors import UserError, fail, first_line

JOIN_TIMEOUT = 60  # seconds in which all processes must have come
HEARTBEAT_TIMEOUT = 10  # seconds without a sign of life after which a process counts as dead
ADDRESS, COUNT, INDEX = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
HOW_TO_JOIN = f"set {ADDRESS}, {COUNT} and {INDEX}, or start them with srun"
HOW_TO_RESTART = "start all of them again, with --resume where an epoch was done"
ANOTHER = "another process of the run has ended"
# How JAX's errors tell that the connection to another process is broken
BROKEN = r"(?i)gloo|nccl|coordination|heartbeat|connection|distributed service"


def run_distributed(work: Callable[[], None]) -> None:
    """Run `work` as one of several processes; then exit.

    In a child process: where another process of the run dies, JAX's C++ code aborts this one at
    any moment, with pages of its own on stderr. What is left here says it in one line instead.
    """
    if not hasattr(os, "fork"):
        fail("--distributed: needs Linux or macOS; leave it out")
    sys.stdout.flush()
    here, there = socket.socketpair()
    noise = tempfile.TemporaryFile()  # noqa: SIM115
    child = os.fork()
    if child:
        there.close()
        raise SystemExit(wait_for(child, here, noise))
    here.close()
    threading.Thread(target=die_with_parent, args=(there,), daemon=True).start()
    divert_libraries(noise)
    try:
        status = status_of(lambda: join_and_work(work, there))
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)  # a normal exit waits for the other processes, which may be dead


def divert_libraries(noise: BinaryIO) -> None:
    """Send to a file what does not come from Python: JAX's C++ code talks on stdout and stderr."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        own = os.fdopen(os.dup(stream.fileno()), "w", buffering=1, encoding=stream.encoding)
        os.dup2(noise.fileno(), stream.fileno())
        setattr(sys, name, own)


def wait_for(child: int, link: socket.socket, noise: BinaryIO) -> int:
    """Return the exit status of the child process. Raises UserError that says how a signal ended it."""

    def forward(number: int, frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status >= 0:
        return status
    if -status == signal.SIGINT:
        raise KeyboardInterrupt
    if -status == signal.SIGTERM:
        return 128 + signal.SIGTERM
    noise.seek(0)
    said = noise.read().decode(errors="replace")
    if not has_joined(link):
        what = f"not all processes came within {JOIN_TIMEOUT} s"
        fail(f"{what}; start those that are missing, and {HOW_TO_JOIN}")
    if re.search("(?i)distributed service detected fatal|gloo", said):
        fail(f"{ANOTHER}, or does not answer; {HOW_TO_RESTART}")
    reasons = re.findall(r"(?m)^(?:F\d{4}.*?\] |.*what\(\): *)(.*)", said) or [""]
    fail(f"ended by {signal.Signals(-status).name} ({reasons[-1][:150]}); {HOW_TO_RESTART}")


def has_joined(link: socket.socket) -> bool:
    """Return whether the process at the other end of `link` had joined the other ones."""
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


def join_and_work(work: Callable[[], None], link: socket.socket) -> None:
    """Join the other processes, and run `work`.

    Raises UserError where their connection breaks, which JAX tells by one of many errors.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's waits until C++ code returns
    try:
        join()
        link.send(b"!")
        check_devices()
        signal.signal(signal.SIGINT, interrupt_once)
        work()
    except (UserError, OSError, ImportError):
        raise
    except Exception as error:
        if not joined_by() or not re.search(BROKEN, str(error)):
            raise
        fail(f"{ANOTHER} ({first_line(error)}); {HOW_TO_RESTART}")


def interrupt_once(number: int, frame: object) -> None:
    """Raise KeyboardInterrupt, but once: a terminal's Ctrl-C comes, and the parent forwards it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def join() -> None:
    """Bring all processes together, as the environment says: JAX_..., or SLURM's or Open MPI's.

    Raises UserError where it does not say enough.
    """
    import jax

    if not hasattr(jax.config, "jax_enable_preemption_service"):
        fail(f"--distributed needs JAX 0.9 or newer, not {jax.__version__}; `pip install -U jax`")
    jax.config.update("jax_enable_preemption_service", False)  # it would swallow SIGTERM
    address = os.environ.get(ADDRESS)
    if address and not re.search(r":\d+$", address):
        fail(f"{ADDRESS}={address}: no port; give HOST:PORT")
    try:
        count, index = (
            int(os.environ[name]) if name in os.environ else None for name in (COUNT, INDEX)
        )
        jax.distributed.initialize(
            num_processes=count,
            process_id=index,
            initialization_timeout=JOIN_TIMEOUT,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT,
        )
    except (ValueError, TypeError, RuntimeError) as error:
        fail(f"--distributed: {first_line(error).rstrip('.')}; {HOW_TO_JOIN}")


def check_devices() -> None:
    """Print how many processes there are; only the first one goes on to print.

    Raises UserError when their devices or libraries differ.
    """
    import jax

    try:
        kind, here = jax.local_devices()[0].device_kind, jax.local_device_count()
    except RuntimeError as error:
        fail(f"--distributed: {first_line(error)}; give every process the same devices")
    index, count = process()
    # Also the first exchange, which must not come long after the joining
    versions = [importlib.metadata.version(name) for name in ("jax", "keras")]
    facts = {"number of devices": here, "kind of device": kind, "version of JAX or Keras": versions}
    check_same(facts)
    print(f"processes: {count}, number of this one: {index}, devices: {here}")
    if index:
        sys.stdout.flush()
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def check_same(facts: dict[str, object]) -> None:
    """Wait until all processes have come here. Raises UserError when their `facts` differ.

    All give the same names, and values that JSON or `str` can write.
    """
    if not joined_by():
        return
    import numpy as np
    from jax.experimental.multihost_utils import process_allgather

    texts = (json.dumps(value, sort_keys=True, default=str) for value in facts.values())
    hashes = [list(hashlib.sha256(text.encode()).digest()) for text in texts]
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)  # while others may still be reading
    everywhere = process_allgather(np.array(hashes, np.uint8))
    signal.signal(signal.SIGINT, handler)
    other = (everywhere != everywhere[0]).any(axis=(0, 2))
    names = [name for name, differs in zip(facts, other) if differs]
    if names:
        leave()
        fail(f"the processes of this run differ in {', '.join(names)}; give all of them the same")


def leave() -> None:
    """Wait until all processes have come here; from now on each is alone."""
    if jax := joined_by():
        jax.distributed.shutdown()


def process() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many there are."""
    jax = joined_by()
    return (jax.process_index(), jax.process_count()) if jax else (0, 1)


def joined_by() -> ModuleType | None:
    """Return JAX where this process has joined others by it, None where it has not, or has left."""
    jax = sys.modules.get("jax")
    return jax if jax and jax.distributed.is_initialized() else None
