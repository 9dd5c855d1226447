"""Golden values of a small Llama, computed by PyTorch in float64.

Writes tests/Ration.Tests/Golden/llama.safetensors and llama.json. The model follows the Hugging Face
conventions: names and [out, in] layout of the weights, rotate-half RoPE, RMSNorm, grouped-query attention
(query head h reads key-value head h // (heads / kvHeads)), SwiGLU. All arithmetic is float64 from weights
rounded to float32, so what is written is exact for an implementation that computes in float32.

    python3 tests/golden/make_llama_golden.py

Running it again leaves llama.safetensors as it is, and the losses but for their last digits, which follow the BLAS.

llama.safetensors:
    <name>                      F32  initial weights
    gradient.<name>             F32  gradients of step 1
    final.<name>                F32  weights after the last update
    step<i>.inputs              I32  [rows, sequence], i from 1
    step<i>.targets             I32  [rows, sequence], -1 where the next token is of another document
    step<i>.positions           I32  [rows, sequence], from 0 in each document
    step<i>.keyRanges           I32  [rows, sequence, 2], first and last key (inclusive, indices in the row) that a
                                     token may see: the start of its document, and itself
    tied.gradient.<name>        F32  gradients of the second case, which has no lm_head.weight
llama.json: configuration, hyperparameters, the loss of each step before its update, and the loss of the second case.

The second case takes the initial weights with the head tied to the embeddings and the batch of step 1, a sliding
window (a token sees at most `slidingWindow` keys, itself included), label smoothing and z-loss:
    mean over valid targets of  (1 - s) * nll + s * mean over vocabulary of -log p + z * logsumexp(logits)^2
"""
import array
import json
import math
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F

CONFIGURATION = dict(
    hiddenSize=24, intermediateSize=40, layers=2, heads=4, kvHeads=2, headDimension=6, vocabularySize=61,
    ropeTheta=10000.0, rmsNormEpsilon=1e-5)
TRAINING = dict(
    rows=3, sequence=13, steps=10, learningRate=1e-3, beta1=0.9, beta2=0.95, epsilon=1e-8, weightDecay=0.1)
TIED = dict(slidingWindow=5, labelSmoothing=0.1, zLoss=1e-3)
IGNORED = -1

# Where a new document begins, for the three rows of each step. 1 makes a document of one token whose only target is
# ignored; 13 (the sequence) ignores the last target of the row; an empty list is a row of one document.
DOCUMENT_STARTS = [
    ([], [5], [1, 8]), ([7], [], [12]), ([13], [4], []), ([6], [3, 9], []), ([], [], [10]),
    ([2], [11], [6, 13]), ([], [8], [1]), ([9], [], [3]), ([4, 5], [], [7]), ([], [12, 13], [6])]


def initial_weights(generator):
    """Float32 weights, large enough that attention and the loss are far from uniform, and gains that are not one."""
    c = CONFIGURATION
    hidden, inner, vocabulary = c["hiddenSize"], c["intermediateSize"], c["vocabularySize"]
    query, key = c["heads"] * c["headDimension"], c["kvHeads"] * c["headDimension"]

    def matrix(rows, columns, scale=1.0):
        return torch.randn(rows, columns, generator=generator) * (scale / math.sqrt(columns))

    def gain():
        return 1 + 0.2 * torch.randn(hidden, generator=generator)

    weights = {"model.embed_tokens.weight": matrix(vocabulary, hidden, 2.0)}
    for layer in range(c["layers"]):
        p = f"model.layers.{layer}."
        weights[p + "input_layernorm.weight"] = gain()
        weights[p + "self_attn.q_proj.weight"] = matrix(query, hidden, 1.5)
        weights[p + "self_attn.k_proj.weight"] = matrix(key, hidden, 1.5)
        weights[p + "self_attn.v_proj.weight"] = matrix(key, hidden)
        weights[p + "self_attn.o_proj.weight"] = matrix(hidden, query)
        weights[p + "post_attention_layernorm.weight"] = gain()
        weights[p + "mlp.gate_proj.weight"] = matrix(inner, hidden, 1.5)
        weights[p + "mlp.up_proj.weight"] = matrix(inner, hidden)
        weights[p + "mlp.down_proj.weight"] = matrix(hidden, inner)
    weights["model.norm.weight"] = gain()
    weights["lm_head.weight"] = matrix(vocabulary, hidden)
    return weights


def make_batch(starts_of_rows, generator):
    """Rows cut from a stream of tokens: sequence + 1 tokens each, the targets being the inputs moved by one."""
    rows, sequence = TRAINING["rows"], TRAINING["sequence"]
    tokens = torch.randint(CONFIGURATION["vocabularySize"], (rows, sequence + 1), generator=generator)
    inputs, targets = tokens[:, :-1].clone(), tokens[:, 1:].clone()
    first = torch.zeros(rows, sequence, dtype=torch.long)
    for row, starts in enumerate(starts_of_rows):
        for start in starts:
            targets[row, start - 1] = IGNORED
            first[row, start:] = start
    last = torch.arange(sequence).expand(rows, sequence)
    return dict(inputs=inputs, targets=targets, positions=last - first, keyRanges=torch.stack((first, last), -1))


def rms_norm(x, gain):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIGURATION["rmsNormEpsilon"]) * gain


def rope(x, positions):
    """Rotates pairs (i, i + d/2) of x [rows, heads, sequence, d] by position * theta^(-2i/d)."""
    d = x.shape[-1]
    frequencies = CONFIGURATION["ropeTheta"] ** (-torch.arange(0, d, 2, dtype=x.dtype) / d)
    angles = positions[:, None, :, None].to(x.dtype) * frequencies
    cosine, sine = angles.cos(), angles.sin()
    a, b = x[..., : d // 2], x[..., d // 2:]
    return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1)


def attention(x, weights, prefix, batch, sliding_window):
    c = CONFIGURATION
    rows, sequence, _ = x.shape

    def heads(name, count):
        return F.linear(x, weights[prefix + name]).view(rows, sequence, count, c["headDimension"]).transpose(1, 2)

    q = rope(heads("q_proj.weight", c["heads"]), batch["positions"])
    k = rope(heads("k_proj.weight", c["kvHeads"]), batch["positions"])
    v = heads("v_proj.weight", c["kvHeads"])
    group = c["heads"] // c["kvHeads"]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(c["headDimension"])
    first, last = batch["keyRanges"][..., :1], batch["keyRanges"][..., 1:]
    if sliding_window:
        first = torch.maximum(first, last - sliding_window + 1)
    keys = torch.arange(sequence)
    visible = (keys >= first) & (keys <= last)
    probabilities = scores.masked_fill(~visible[:, None], -math.inf).softmax(-1)
    mixed = (probabilities @ v).transpose(1, 2).reshape(rows, sequence, -1)
    return F.linear(mixed, weights[prefix + "o_proj.weight"])


def logits_of(weights, batch, sliding_window=0):
    x = F.embedding(batch["inputs"], weights["model.embed_tokens.weight"])
    for layer in range(CONFIGURATION["layers"]):
        p = f"model.layers.{layer}."
        normed = rms_norm(x, weights[p + "input_layernorm.weight"])
        x = x + attention(normed, weights, p + "self_attn.", batch, sliding_window)
        normed = rms_norm(x, weights[p + "post_attention_layernorm.weight"])
        gate = F.silu(F.linear(normed, weights[p + "mlp.gate_proj.weight"]))
        up = F.linear(normed, weights[p + "mlp.up_proj.weight"])
        x = x + F.linear(gate * up, weights[p + "mlp.down_proj.weight"])
    x = rms_norm(x, weights["model.norm.weight"])
    return F.linear(x, weights.get("lm_head.weight", weights["model.embed_tokens.weight"]))


def loss_of(logits, targets, label_smoothing=0.0, z_loss=0.0):
    """Mean over valid targets; written out rather than called so that the formula is visible."""
    valid = targets != IGNORED
    logits, targets = logits[valid], targets[valid]
    log_sum_exp = logits.logsumexp(-1)
    nll = log_sum_exp - logits.gather(-1, targets[:, None])[:, 0]
    smooth = log_sum_exp - logits.mean(-1)
    losses = (1 - label_smoothing) * nll + label_smoothing * smooth + z_loss * log_sum_exp.pow(2)
    return losses.mean()


def leaves(weights, dtype):
    return {name: w.to(dtype).clone().requires_grad_() for name, w in weights.items()}


def train(initial, batches, dtype):
    """Trains with AdamW; returns the losses before each update, the gradients of step 1 and the final weights."""
    t = TRAINING
    weights = leaves(initial, dtype)
    decayed = [w for w in weights.values() if w.dim() == 2]
    gains = [w for w in weights.values() if w.dim() == 1]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=t["weightDecay"]), dict(params=gains, weight_decay=0.0)],
        lr=t["learningRate"], betas=(t["beta1"], t["beta2"]), eps=t["epsilon"])
    losses, gradients = [], None
    for batch in batches:
        optimizer.zero_grad()
        logits = logits_of(weights, batch)
        loss = loss_of(logits, batch["targets"])
        theirs = F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten(), ignore_index=IGNORED)
        assert math.isclose(loss.item(), theirs.item(), rel_tol=1e-6)
        loss.backward()
        gradients = gradients or {name: w.grad.clone() for name, w in weights.items()}
        optimizer.step()
        losses.append(loss.item())
    return losses, gradients, {name: w.detach() for name, w in weights.items()}


def tied_case(initial, batch, dtype):
    weights = leaves({name: w for name, w in initial.items() if name != "lm_head.weight"}, dtype)
    logits, targets = logits_of(weights, batch, TIED["slidingWindow"]), batch["targets"]
    smooth = loss_of(logits, targets, TIED["labelSmoothing"])
    theirs = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, label_smoothing=TIED["labelSmoothing"])
    assert math.isclose(smooth.item(), theirs.item(), rel_tol=1e-6)
    loss = loss_of(logits, targets, TIED["labelSmoothing"], TIED["zLoss"])
    loss.backward()
    return loss.item(), {name: w.grad for name, w in weights.items()}


def write_safetensors(path, tensors):
    """The format by hand: length of the header (8 bytes, little-endian), JSON header, data."""
    header, data = {}, bytearray()
    for name, tensor in tensors.items():
        is_float = tensor.is_floating_point()
        values = array.array("f" if is_float else "i", tensor.flatten().tolist())
        if sys.byteorder == "big":
            values.byteswap()
        begin = len(data)
        data += values.tobytes()
        header[name] = dict(
            dtype="F32" if is_float else "I32", shape=list(tensor.shape), data_offsets=[begin, len(data)])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def relative_difference(a, b):
    return ((a.double() - b).norm() / b.norm()).item()


def report_float32(initial, batches, losses, gradients, final, tied):
    """How far float32 PyTorch lands from the golden values: a guide for tolerances, printed and not stored."""
    losses32, gradients32, final32 = train(initial, batches, torch.float32)
    _, tied32 = tied_case(initial, batches[0], torch.float32)
    print("float32 PyTorch against these values, relative:", file=sys.stderr)
    print("  losses   ", max(abs(a / b - 1) for a, b in zip(losses32, losses)), file=sys.stderr)
    for title, ours, golden in (("gradients", gradients32, gradients), ("final    ", final32, final), ("tied     ", tied32, tied)):
        print(" ", title, max(relative_difference(ours[n], golden[n]) for n in golden), "(worst tensor, L2)", file=sys.stderr)


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(20240229)
    initial = initial_weights(generator)
    batches = [make_batch(starts, generator) for starts in DOCUMENT_STARTS]
    assert len(batches) == TRAINING["steps"]
    losses, gradients, final = train(initial, batches, torch.float64)
    tied_loss, tied_gradients = tied_case(initial, batches[0], torch.float64)

    tensors = dict(initial)
    tensors.update({"gradient." + name: g for name, g in gradients.items()})
    tensors.update({"final." + name: w for name, w in final.items()})
    for step, batch in enumerate(batches, 1):
        tensors.update({f"step{step}.{name}": values for name, values in batch.items()})
    tensors.update({"tied.gradient." + name: g for name, g in tied_gradients.items()})

    folder = pathlib.Path(__file__).resolve().parent.parent / "Ration.Tests" / "Golden"
    folder.mkdir(exist_ok=True)
    write_safetensors(folder / "llama.safetensors", tensors)
    document = dict(
        configuration=CONFIGURATION, training=TRAINING, losses=losses, tied=dict(TIED, loss=tied_loss))
    (folder / "llama.json").write_text(json.dumps(document, indent=2) + "\n")
    report_float32(initial, batches, losses, gradients, final, tied_gradients)


if __name__ == "__main__":
    main()
