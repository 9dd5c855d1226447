"""Golden bytes of quantized tensors, from ggml's own library and from bitsandbytes' rules in PyTorch.

Writes tests/Ration.Tests/Golden/quantization.safetensors. It takes the path of a libggml-base that was built for plain
x86-64, whose products and sums are rounded apart (the default of its CMake build for that library):

    python3 tests/golden/make_quantization_golden.py build/bin/libggml-base.so

Bytes are declared as I32, four to a number.

input               F32 [2048]     rows of 256 of different kinds, see `inputs`
encoded.<type>      bytes          the input, by ggml_quantize_chunk without importance weights
blocks.<type>       bytes          random bytes, two super-blocks of elements
decoded.<type>      F32            the same, by dequantize_row_<type>
codes.nf4, .fp4     bytes          the input in blocks of 64, two codes a byte, by the nearest value (midpoints between values)
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
FP4 = [0, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0]


class InitParams(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


def inputs():
    random = np.random.default_rng(20)
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


def nearest(values, scaled):
    """Of two equally near values the lower one."""
    values = torch.tensor(values, dtype=torch.float32)
    return torch.bucketize(scaled, (values[:-1] + values[1:]) / 2)


def four_bit(x, tensors):
    blocks = torch.from_numpy(x).reshape(-1, 64)
    scales = blocks.abs().amax(1)
    scaled = (blocks * (1.0 / scales.clamp(min=1e-38))[:, None]).clamp(-1, 1).flatten()
    order = np.argsort(FP4)
    fp4 = torch.from_numpy(order)[nearest([FP4[i] / 12 for i in order], scaled.abs())] + 8 * (scaled < 0)
    for name, codes in (("nf4", nearest(NF4, scaled)), ("fp4", fp4)):
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
    codes = nearest(values.tolist(), left * (1.0 / absmax)[:, None]).flatten()[:300]
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
