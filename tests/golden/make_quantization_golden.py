"""Golden bytes of quantized tensors, from ggml's own library and from bitsandbytes' rules in PyTorch.

Writes tests/Ration.Tests/Golden/quantization.safetensors. It takes the path of a libggml-base that was built for plain
x86-64, whose products and sums are rounded apart (the default of its CMake build for that library):

    python3 tests/golden/make_quantization_golden.py build/bin/libggml-base.so

Bytes are declared as I32, four to a number.

input               F32 [6144]     rows of 256 of different kinds, see `inputs`
encoded.<type>      bytes          the input, by ggml_quantize_chunk without importance weights
blocks.<type>       bytes          random bytes, two super-blocks of elements
decoded.<type>      F32            the same, by dequantize_row_<type>
codes.nf4, .fp4     bytes          the input in blocks of 64, two codes a byte
scales              F32            greatest magnitudes of the blocks of 64
map                 F32 [256]      create_dynamic_map() of bitsandbytes
nested.scales       F32 [300]      scales to be quantized in turn
nested.codes        bytes [300]    quantize_blockwise(scales - mean, blocksize=256)
nested.absmax       F32 [2]
nested.mean         F32 [1]
nested.decoded      F32 [300]
"""
import ctypes
import json
import pathlib
import struct
import sys

import numpy as np
import torch

TYPES = {
    "q4_0": (2, 18, 32), "q4_1": (3, 20, 32), "q5_0": (6, 22, 32), "q5_1": (7, 24, 32), "q8_0": (8, 34, 32),
    "q2_K": (10, 84, 256), "q3_K": (11, 110, 256), "q4_K": (12, 144, 256), "q5_K": (13, 176, 256), "q6_K": (14, 210, 256)}

NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
       -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
       0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]
# Magnitudes in ascending order, and the pivots of the CUDA kernel, which are midpoints of few digits; NF4's are those of its values.
FP4 = [0, 1, 6, 7, 4, 5, 2, 3]
FP4_PIVOTS = [0.00260417, 0.0859375, 0.20833333, 0.29166667, 0.4166667, 0.583333, 0.8333333]


class InitParams(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


def inputs():
    random = np.random.default_rng(20)
    rows = [kinds(random), kinds(random), five_levels(random), last_step(38), last_step(460)]
    return np.concatenate([*rows, five_passes(random)])


def five_levels(random):
    """A row of groups one level wider than the numbers of q2_K, values just above halves: the last step of its search fits best."""
    x = random.integers(0, 3, (16, 16)) - 3.48
    x[:, 0], x[:, 1] = 0, -4
    return (x * 0.03125).astype(np.float32).reshape(1, 256)


def last_step(seed):
    """A row in which the last step of the searches of q4_K and q5_K finds the best scale of a group; seeds found by trial."""
    x = -np.random.default_rng(seed).uniform(0, 1, (8, 32))
    x[:, :3] = 0, -1, -0.99
    return x.astype(np.float32).reshape(1, 256)


def five_passes(random):
    """Rows of groups in which the search of q3_K still moves a number when it goes through them for the fifth time."""
    x = random.uniform(-1, 1, (200000, 16)).astype(np.float32)
    weight = x * x
    scale = -4 / x[np.arange(len(x)), np.abs(x).argmax(1)]
    numbers = np.clip(np.rint(scale[:, None] * x), -4, 3)
    by_x, by_number = (weight * x * numbers).sum(1), (weight * numbers * numbers).sum(1)
    last = np.zeros(len(x), int)
    for time in range(5):
        for i in range(16):
            w, xi, old = weight[:, i], x[:, i], numbers[:, i]
            rest_x, rest_number = by_x - w * xi * old, by_number - w * old * old
            with np.errstate(all="ignore"):
                new = np.clip(np.nan_to_num(np.rint(xi * rest_number / rest_x)), -4, 3)
            new_x, new_number = rest_x + w * xi * new, rest_number + w * new * new
            better = (rest_x > 0) & (new != old) & (new_number > 0) & (new_x * new_x * by_number > by_x * by_x * new_number)
            numbers[:, i] = np.where(better, new, old)
            by_x, by_number = np.where(better, new_x, by_x), np.where(better, new_number, by_number)
            last[better] = time + 1
    found = x[last == 5]
    return found[:len(found) // 16 * 16].reshape(-1, 256)[:5]


def kinds(random):
    x = random.standard_normal((8, 256)).astype(np.float32)
    x[1] *= np.exp(random.standard_normal(256) * 2).astype(np.float32)           # heavy tails
    x[2] = np.round(x[2] * 4) / 4                                                # ties
    x[3] *= random.random(256) < 0.1                                             # mostly zeros
    x[4] = np.abs(x[4]) + 1                                                      # far from zero
    x[5].reshape(8, 32)[:] *= np.logspace(-44, 36, 8).astype(np.float32)[:, None]  # subnormal to huge
    x[6].reshape(16, 16)[::3] = -0.0                                             # groups of nothing
    x[6].reshape(16, 16)[1::3] = 0.75                                            # groups of one value
    x[7] = np.where(random.random(256) < 0.5, x[7], np.where(random.random(256) < 0.5, 0.0, -0.0))
    return x


def pointer(values):
    return values.ctypes.data_as(ctypes.c_void_p)


def ggml(library, x, tensors):
    lib = ctypes.CDLL(library)
    lib.ggml_init.argtypes, lib.ggml_init.restype = [InitParams], ctypes.c_void_p
    lib.ggml_init(InitParams(1 << 20, None, False))                              # fills its table of halves
    lib.ggml_quantize_chunk.restype = ctypes.c_size_t
    random = np.random.default_rng(21)
    for name, (number, block_bytes, block_elements) in TYPES.items():
        encoded = np.zeros(x.size // block_elements * block_bytes, np.uint8)
        lib.ggml_quantize_chunk(
            number, pointer(x), pointer(encoded), ctypes.c_int64(0), ctypes.c_int64(1), ctypes.c_int64(x.size), None)
        blocks = random.integers(0, 256, 512 // block_elements * block_bytes, dtype=np.uint8)
        decoded = np.zeros(512, np.float32)
        getattr(lib, "dequantize_row_" + name)(pointer(blocks), pointer(decoded), ctypes.c_int64(512))
        tensors["encoded." + name], tensors["blocks." + name], tensors["decoded." + name] = encoded, blocks, decoded


def midpoints(values):
    values = torch.tensor(values, dtype=torch.float32)
    return (values[:-1] + values[1:]) / 2


def four_bit(x, tensors):
    blocks = torch.from_numpy(x).reshape(-1, 64)
    scales = blocks.abs().amax(1)
    scaled = (blocks * (1.0 / scales.clamp(min=1e-38))[:, None]).clamp(-1, 1).flatten()
    fp4 = torch.tensor(FP4)[torch.bucketize(scaled.abs(), torch.tensor(FP4_PIVOTS))] + 8 * (scaled < 0)
    for name, codes in (("nf4", torch.bucketize(scaled, midpoints(NF4))), ("fp4", fp4)):
        codes = codes.to(torch.uint8)
        tensors["codes." + name] = ((codes[::2] << 4) | codes[1::2]).numpy()
    tensors["scales"] = scales.numpy()


def dynamic_map():
    data = [0.0, 1.0]
    for i in range(7):
        boundaries = torch.linspace(0.1, 1, 2 ** i + 1, dtype=torch.float32)
        means = 10 ** (-6 + i) * ((boundaries[:-1] + boundaries[1:]) / 2.0)
        data += means.tolist() + (-means).tolist()
    return torch.tensor(sorted(data), dtype=torch.float32)


def nested(tensors):
    values = dynamic_map()
    scales = torch.from_numpy(np.random.default_rng(22).gamma(20.0, 0.01, 300).astype(np.float32))
    mean = scales.mean()
    left = torch.cat([scales - mean, torch.zeros(512 - 300)]).reshape(2, 256)
    absmax = left.abs().amax(1)
    codes = torch.bucketize(left * (1.0 / absmax)[:, None], midpoints(values.tolist())).flatten()[:300]
    decoded = values[codes] * absmax.repeat_interleave(256)[:300] + mean
    tensors.update({
        "map": values.numpy(), "nested.scales": scales.numpy(), "nested.codes": codes.to(torch.uint8).numpy(),
        "nested.absmax": absmax.numpy(), "nested.mean": mean.reshape(1).numpy(), "nested.decoded": decoded.numpy()})


def write(path, tensors):
    header, data = {}, b""
    for name, values in sorted(tensors.items(), key=lambda item: item[1].dtype != np.float32):
        raw = values.tobytes()
        dtype = "F32" if values.dtype == np.float32 else "I32"
        header[name] = dict(dtype=dtype, shape=[len(raw) // 4], data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    tensors = {"input": inputs()}
    ggml(sys.argv[1], tensors["input"], tensors)
    four_bit(tensors["input"], tensors)
    nested(tensors)
    root = pathlib.Path(__file__).resolve().parents[1]
    write(root / "Ration.Tests" / "Golden" / "quantization.safetensors", tensors)


main()
