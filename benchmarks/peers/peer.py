"""What the PyTorch peers share: the process environment, the machine's facts and the memory the system counts.

Nothing here imports torch: prepare() must run before it, because thread counts and BLAS kernels are fixed at load.
"""
import ctypes
import os
import re

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def cpu_model():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")


def prepare(threads, tuning="tuned"):
    """Fixes the threads of every library; `tuned` makes the OpenMP team wait passively.

    PyTorch's team and OpenBLAS's are two, and one that spins while it waits takes the cores from the other.
    Inherited OPENBLAS_ settings are dropped, so that OpenBLAS takes its kernels for this processor.
    """
    for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
        del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    if tuning == "tuned":
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def keep_freed_memory():
    """Makes the allocator keep what is freed: else each large temporary is mapped, zeroed by the kernel and unmapped."""
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, -1)


def blas():
    """The BLAS that is loaded and, if it is OpenBLAS, the kernels it chose. Call after the first matrix product."""
    with open("/proc/self/maps") as f:
        paths = sorted({line.split()[-1] for line in f if re.search(r"/lib\w*(blas|mkl_rt)\w*[-.]", line)})
    for path in paths:
        if "openblas" in os.path.basename(path):
            library = ctypes.CDLL(path)
            library.openblas_get_config.restype = library.openblas_get_corename.restype = ctypes.c_char_p
            return dict(
                name="OpenBLAS", core=library.openblas_get_corename().decode(),
                threads=library.openblas_get_num_threads(), configuration=library.openblas_get_config().decode())
    return dict(name=", ".join(os.path.basename(p) for p in paths) or "built in")


def memory(field):
    """Bytes of a field of /proc/self/status: VmHWM is the peak of resident memory, VmRSS the present."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field + ":"))


def forget_peak():
    """Sets VmHWM back to the present resident memory."""
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def add_arguments(parser):
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--tuning", choices=("tuned", "installed"), default="tuned",
        help="tuned: passive OpenMP waits and freed memory kept by the allocator; installed: as the packages come")
