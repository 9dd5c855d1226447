"""Trains the shape of Ration's preset `small` in eager float32 PyTorch on random tokens; prints one JSON object.

    python3 benchmarks/peers/pytorch_train.py --batch-rows 4 --sequence 256 --steps 6 --threads 2

tokensPerSecond is that of the median step, the first two left out. peakBytes is the peak resident memory of the
process as the system counts it (VmHWM), importBytes what it held before the model was made. With `tuned`, the first two
steps run with the allocator as it comes and give peakBytes; then it keeps freed memory, which is faster and takes up to
a tenth more: each figure is PyTorch's better one.
"""
import argparse
import json
import math
import time

import peer

VOCABULARY, HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, HEAD_DIMENSION = 32000, 768, 2048, 12, 12, 4, 64
WARM_UP = 2  # the second step is the first that holds gradients and optimizer state together, as all later ones do


def build(torch, sequence):
    nn, F = torch.nn, torch.nn.functional

    class RmsNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(HIDDEN))

        def forward(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight

    def linear(inputs, outputs):
        layer = nn.Linear(inputs, outputs, bias=False)
        nn.init.normal_(layer.weight, std=0.02)
        return layer

    def rotate(x, cosine, sine):
        a, b = x.chunk(2, -1)
        return x * cosine + torch.cat((-b, a), -1) * sine

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj = linear(HIDDEN, HEADS * HEAD_DIMENSION)
            self.k_proj = linear(HIDDEN, KV_HEADS * HEAD_DIMENSION)
            self.v_proj = linear(HIDDEN, KV_HEADS * HEAD_DIMENSION)
            self.o_proj = linear(HEADS * HEAD_DIMENSION, HIDDEN)

        def forward(self, x, cosine, sine, mask):
            rows, length, _ = x.shape
            q = self.q_proj(x).view(rows, length, HEADS, HEAD_DIMENSION).transpose(1, 2)
            k = self.k_proj(x).view(rows, length, KV_HEADS, HEAD_DIMENSION).transpose(1, 2)
            v = self.v_proj(x).view(rows, length, KV_HEADS, HEAD_DIMENSION).transpose(1, 2)
            q, k = rotate(q, cosine, sine), rotate(k, cosine, sine)
            k = k.repeat_interleave(HEADS // KV_HEADS, 1)
            v = v.repeat_interleave(HEADS // KV_HEADS, 1)
            scores = (q @ k.transpose(-1, -2)) / math.sqrt(HEAD_DIMENSION) + mask
            mixed = scores.softmax(-1) @ v
            return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.input_layernorm, self.post_attention_layernorm = RmsNorm(), RmsNorm()
            self.self_attn = Attention()
            self.gate_proj, self.up_proj = linear(HIDDEN, INNER), linear(HIDDEN, INNER)
            self.down_proj = linear(INNER, HIDDEN)

        def forward(self, x, *context):
            x = x + self.self_attn(self.input_layernorm(x), *context)
            normed = self.post_attention_layernorm(x)
            return x + self.down_proj(F.silu(self.gate_proj(normed)) * self.up_proj(normed))

    class Llama(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed_tokens = nn.Embedding(VOCABULARY, HIDDEN)
            nn.init.normal_(self.embed_tokens.weight, std=0.02)
            self.layers = nn.ModuleList(Block() for _ in range(LAYERS))
            self.norm = RmsNorm()
            self.lm_head = linear(HIDDEN, VOCABULARY)
            frequencies = 10000.0 ** (-torch.arange(0, HEAD_DIMENSION, 2) / HEAD_DIMENSION)
            angles = torch.outer(torch.arange(sequence).float(), frequencies).repeat(1, 2)
            self.register_buffer("cosine", angles.cos())
            self.register_buffer("sine", angles.sin())
            self.register_buffer("mask", torch.full((sequence, sequence), -math.inf).triu(1))

        def forward(self, tokens):
            x = self.embed_tokens(tokens)
            for layer in self.layers:
                x = layer(x, self.cosine, self.sine, self.mask)
            return self.lm_head(self.norm(x))

    return Llama()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-rows", type=int, default=4)
    parser.add_argument("--sequence", type=int, default=256)
    parser.add_argument("--steps", type=int, default=6)
    peer.add_arguments(parser)
    arguments = parser.parse_args()
    if arguments.steps <= WARM_UP:
        parser.error(f"--steps: more than {WARM_UP}, for the first {WARM_UP} are not counted")
    peer.prepare(arguments.threads, arguments.tuning)
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    import_bytes = peer.memory("VmRSS")
    model = build(torch, arguments.sequence)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [dict(params=[p for p in parameters if p.dim() == 2], weight_decay=0.1),
         dict(params=[p for p in parameters if p.dim() == 1], weight_decay=0.0)], lr=3e-4, betas=(0.9, 0.95))
    seconds = []
    for number in range(arguments.steps):
        if number == WARM_UP and arguments.tuning == "tuned":
            peak_bytes = peer.memory("VmHWM")
            peer.keep_freed_memory()
        tokens = torch.randint(VOCABULARY, (arguments.batch_rows, arguments.sequence + 1))
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        logits = model(tokens[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        del logits
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    if arguments.tuning != "tuned":
        peak_bytes = peer.memory("VmHWM")
    tokens_a_step = arguments.batch_rows * arguments.sequence
    print(json.dumps(dict(
        tokensPerSecond=tokens_a_step / peer.median(seconds[WARM_UP:]), peakBytes=peak_bytes, loss=loss.item(),
        importBytes=import_bytes, parameters=sum(p.numel() for p in parameters), stepSeconds=seconds,
        tuning=arguments.tuning, torch=torch.__version__, threads=torch.get_num_threads(), blas=peer.blas())))


if __name__ == "__main__":
    main()
