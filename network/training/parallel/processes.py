"""Train in several processes, on one machine or more. JAX connects the processes."""

import hashlib
import importlib.metadata
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NoReturn

from common.command_line import status_of
from common.errors import fail, first_line

JOIN_TIMEOUT = 60  # seconds in which all processes must join
HEARTBEAT_TIMEOUT = 10  # seconds without a heartbeat, after which a process counts as dead
ADDRESS, COUNT, INDEX = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
BIND = "JAX_COORDINATOR_BIND_ADDRESS"
HOW_TO_JOIN = f"set {ADDRESS}, {COUNT} and {INDEX}, or start them with srun"
HOW_TO_RESTART = "start all processes again, with --resume if an epoch was finished"
# Words in JAX's errors for a broken connection to another process
BROKEN = r"(?i)gloo|nccl|coordination|heartbeat|connection|distributed service"


def run_distributed(work: Callable[[], None]) -> NoReturn:
    """Run `work` as one of several processes, then exit. JAX may end it if another one dies."""
    if sys.platform == "win32":
        fail("--distributed", "needs Linux or macOS", "leave it out")
    try:
        status = status_of(lambda: join_and_work(work))
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)  # a normal exit would wait for the other processes, which may be dead


def join_and_work(work: Callable[[], None]) -> None:
    """Join the other processes and run `work`. Raises UserError if their connection breaks."""
    try:
        with killed_by_ctrl_c():
            join()
        check_devices()
        work()
    except (RuntimeError, ValueError) as error:
        if not joined_by() or not re.search(BROKEN, str(error)):
            raise
        wrong = f"another process of the run has ended ({first_line(error)})"
        fail("--distributed", wrong, HOW_TO_RESTART)


@contextmanager
def killed_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C kill the process in the block. Python's handler waits until C++ code returns."""
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def join() -> None:
    """Connect all processes through the environment variables of JAX, SLURM or Open MPI."""
    import jax

    if not hasattr(jax.config, "jax_enable_preemption_service"):
        wrong = f"needs JAX 0.9 or newer, not {jax.__version__}"
        fail("--distributed", wrong, "`pip install -U jax`, on Python 3.11 or newer")
    jax.config.update("jax_enable_preemption_service", False)  # it would swallow SIGTERM
    address = os.environ.get(ADDRESS)
    if address and not re.search(r":\d+$", address):
        fail(f"{ADDRESS}={address}", "no port", "give HOST:PORT")
    try:
        jax.distributed.initialize(
            num_processes=int(os.environ[COUNT]) if COUNT in os.environ else None,
            process_id=int(os.environ[INDEX]) if INDEX in os.environ else None,
            # By default, JAX listens on all interfaces
            coordinator_bind_address=os.environ.get(BIND, address),
            initialization_timeout=JOIN_TIMEOUT,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT,
        )
    except (ValueError, TypeError, RuntimeError) as error:
        fail("--distributed", first_line(error).rstrip("."), HOW_TO_JOIN)


def check_devices() -> None:
    """Print the number of processes, and silence all except the first one.

    Raises UserError if their devices or libraries differ.
    """
    import jax

    try:
        kind, here = jax.local_devices()[0].device_kind, jax.local_device_count()
    except RuntimeError as error:
        fail("--distributed", first_line(error), "give every process the same devices")
    index, count = process()
    versions = [importlib.metadata.version(name) for name in ("jax", "keras")]
    facts = {"number of devices": here, "kind of device": kind, "version of JAX or Keras": versions}
    check_same(facts)  # the first exchange must come soon after joining
    print(f"processes: {count}, number of this one: {index}, devices: {here}")
    if index:
        sys.stdout.flush()
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def check_same(facts: dict[str, object]) -> None:
    """Wait for all processes. Raises UserError if `facts` of the same name differ between them."""
    if not joined_by():
        return
    import numpy as np
    from jax.experimental.multihost_utils import process_allgather

    texts = (json.dumps(value, sort_keys=True, default=str) for value in facts.values())
    hashes = [list(hashlib.sha256(text.encode()).digest()) for text in texts]
    with killed_by_ctrl_c():  # other processes may still be reading their faces
        everywhere = process_allgather(np.array(hashes, np.uint8))
    other = (everywhere != everywhere[0]).any(axis=(0, 2))
    names = [name for name, differs in zip(facts, other) if differs]
    if names:
        leave()
        wrong = f"the processes of this run differ in {', '.join(names)}"
        fail("--distributed", wrong, "give every process the same")


def leave() -> None:
    """Wait for all processes, then disconnect."""
    if jax := joined_by():
        jax.distributed.shutdown()


def process() -> tuple[int, int]:
    """Return this process's number, counted from 0, and the number of processes."""
    jax = joined_by()
    return (jax.process_index(), jax.process_count()) if jax else (0, 1)


def joined_by() -> ModuleType | None:
    """Return the `jax` module if this process has joined others, otherwise None."""
    jax = sys.modules.get("jax")
    return jax if jax and jax.distributed.is_initialized() else None
