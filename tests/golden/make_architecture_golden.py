"""Golden values of a small model of every family, and of every rotary scaling, computed by PyTorch in float64.

Writes tests/Ration.Tests/Golden/architectures.json and architectures.safetensors:

    python3 tests/golden/make_architecture_golden.py

Each family is written out on its own, after the modelling code of Hugging Face transformers and with its configuration keys, so
that nothing here shares an abstraction with what it checks. Weights are not stored: an element is a hash of its weight's name and of
its number (see `weight`), under the names that all families are brought to; fused and transposed matrices of the files (GPT-2,
Phi-3) are put together from them.

architectures.json, for each case:
    loss        mean cross-entropy of the targets
    gradients   name -> [norm, sum of gradient x hash of "direction of " + name], for every weight
architectures.json, "frequencies": for each rotary scaling the frequencies, the factor and the longest text.
architectures.safetensors:
    <case>.logits   F32 [rows, sequence, vocabulary]
    tokens, targets I32 [rows, sequence]
"""
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from make_llama_golden import write_safetensors

ROWS, SEQUENCE, VOCABULARY = 2, 19, 29
BASE = dict(
    vocab_size=VOCABULARY, hidden_size=20, intermediate_size=28, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
    head_dim=6, rope_theta=10000.0, rms_norm_eps=1e-5, max_position_embeddings=64, norm_offset=0.0)
LEAST_MARGIN = 1e-4  # between the last chosen expert and the first one not chosen


# ---------------------------------------------------------------- weights by formula

def hashed(name, count):
    """Numbers in [-1, 1) with 24 bits: splitmix64 of a stream that the name's FNV-1a hash begins."""
    stream = 14695981039346656037
    for byte in name.encode():
        stream = ((stream ^ byte) * 1099511628211) % 2 ** 64
    with np.errstate(over="ignore"):
        z = np.uint64(stream) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2 ** 23 - 1


class Weights:
    """Weights by name, made when first asked for."""

    def __init__(self, config):
        self.config, self.known = config, {}

    def __call__(self, name, *shape):
        if name not in self.known:
            values = hashed(name, math.prod(shape))
            if name.endswith(".bias"):
                values = 0.25 * values
            elif len(shape) == 1:
                values = 1 - self.config["norm_offset"] + 0.25 * values
            else:
                values = 1.5 * math.sqrt(3.0 / shape[-1]) * values
            self.known[name] = torch.tensor(values.astype(np.float32).astype(np.float64).reshape(shape)).requires_grad_()
        return self.known[name]


# ---------------------------------------------------------------- rotary scalings (modeling_rope_utils.py)

def default_frequencies(base, dim):
    return 1.0 / (base ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim))


def rope_parameters(config, seq_len, base=None, dim=None):
    """inv_freq and attention_scaling."""
    base = base or config["rope_theta"]
    dim = dim or config["head_dim"]
    scaling = config.get("rope_scaling")
    if scaling is None:
        return default_frequencies(base, dim), 1.0
    kind, factor, longest = scaling["rope_type"], scaling.get("factor"), config["max_position_embeddings"]
    if kind == "linear":
        return default_frequencies(base, dim) / factor, 1.0
    if kind == "dynamic":
        seq_len = max(seq_len, longest)
        base = base * ((factor * seq_len / longest) - (factor - 1)) ** (dim / (dim - 2))
        return default_frequencies(base, dim), 1.0
    if kind == "yarn":
        return yarn(scaling, base, dim, scaling.get("original_max_position_embeddings") or longest)
    if kind == "llama3":
        return llama3(scaling, base, dim), 1.0
    assert kind == "longrope"
    original = config["original_max_position_embeddings"]
    factor = longest / original
    attention_factor = scaling.get("attention_factor")
    if attention_factor is None:
        attention_factor = 1.0 if factor <= 1.0 else math.sqrt(1 + math.log(factor) / math.log(original))
    ext = torch.tensor(scaling["long_factor"] if seq_len > original else scaling["short_factor"], dtype=torch.float64)
    return 1.0 / (ext * base ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)), attention_factor


def yarn(scaling, base, dim, longest):
    factor = scaling["factor"]
    attention_factor = scaling.get("attention_factor")
    if attention_factor is None:
        attention_factor = 0.1 * math.log(factor) + 1.0
    beta_fast, beta_slow = scaling.get("beta_fast") or 32, scaling.get("beta_slow") or 1

    def find_correction_dim(rotations):
        return (dim * math.log(longest / (rotations * 2 * math.pi))) / (2 * math.log(base))

    low = max(math.floor(find_correction_dim(beta_fast)), 0)
    high = min(math.ceil(find_correction_dim(beta_slow)), dim - 1)
    if low == high:
        high += 0.001
    ramp = torch.clamp((torch.arange(dim // 2, dtype=torch.float64) - low) / (high - low), 0, 1)
    pos_freqs = base ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    extrapolation, interpolation, keep = 1.0 / pos_freqs, 1.0 / (factor * pos_freqs), 1 - ramp
    return interpolation * (1 - keep) + extrapolation * keep, attention_factor


def llama3(scaling, base, dim):
    inv_freq = default_frequencies(base, dim)
    factor, low, high = scaling["factor"], scaling["low_freq_factor"], scaling["high_freq_factor"]
    old = scaling["original_max_position_embeddings"]
    wavelen = 2 * math.pi / inv_freq
    scaled = torch.where(wavelen > old / low, inv_freq / factor, inv_freq)
    smooth = (old / wavelen - low) / (high - low)
    smoothed = (1 - smooth) * scaled / factor + smooth * scaled
    medium = ~(wavelen < old / high) & ~(wavelen > old / low)
    return torch.where(medium, smoothed, scaled)


# ---------------------------------------------------------------- parts that several modelling files copy from each other

def rms_norm(x, weight, eps, offset=0.0):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * (offset + weight)


def rotate_half(x):
    return torch.cat((-x[..., x.shape[-1] // 2:], x[..., :x.shape[-1] // 2]), -1)


def rotate(x, inv_freq, attention_scaling):
    """x [rows, heads, sequence, head_dim]; channels beyond the frequencies pass."""
    angles = torch.arange(x.shape[2], dtype=x.dtype)[:, None] * inv_freq
    emb = torch.cat((angles, angles), -1)
    cos, sin = emb.cos() * attention_scaling, emb.sin() * attention_scaling
    turned, passed = x[..., :emb.shape[-1]], x[..., emb.shape[-1]:]
    return torch.cat((turned * cos + rotate_half(turned) * sin, passed), -1)


def causal_attention(q, k, v, scaling, window=None, softcap=None):
    """q [rows, heads, sequence, d]; k and v have as many heads or fewer."""
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    scores = q @ k.transpose(2, 3) * scaling
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    at = torch.arange(q.shape[2])
    hidden = at[None, :] > at[:, None]
    if window is not None:
        hidden = hidden | (at[None, :] <= at[:, None] - window)
    out = scores.masked_fill(hidden, -math.inf).softmax(-1) @ v
    return out.transpose(1, 2).reshape(out.shape[0], out.shape[2], -1)


def split_heads(x, count):
    return x.view(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def project(w, p, c, x, bias=False):
    """q, k and v by heads."""
    out = []
    for name, count in (("q", c["num_attention_heads"]), ("k", c["num_key_value_heads"]), ("v", c["num_key_value_heads"])):
        size = count * c["head_dim"]
        y = F.linear(x, w(f"{p}.{name}_proj.weight", size, c["hidden_size"]), w(f"{p}.{name}_proj.bias", size) if bias else None)
        out.append(split_heads(y, count))
    return out


def output(w, p, c, x):
    return F.linear(x, w(f"{p}.o_proj.weight", c["hidden_size"], c["num_attention_heads"] * c["head_dim"]))


def gated_mlp(w, p, x, hidden, inner, act):
    gate = F.linear(x, w(f"{p}.gate_proj.weight", inner, hidden))
    return F.linear(act(gate) * F.linear(x, w(f"{p}.up_proj.weight", inner, hidden)), w(f"{p}.down_proj.weight", hidden, inner))


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


# ---------------------------------------------------------------- families: config, tokens -> logits

def llama(w, c, tokens, mlp=None, bias=False, qk_norm=False):
    """LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM and, given their MLPs, the mixtures."""
    d, eps = c["hidden_size"], c["rms_norm_eps"]
    x = F.embedding(tokens, w("model.embed_tokens.weight", VOCABULARY, d))
    inv_freq, attention_scaling = rope_parameters(c, tokens.shape[1])
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}"
        h = rms_norm(x, w(f"{p}.input_layernorm.weight", d), eps)
        q, k, v = project(w, f"{p}.self_attn", c, h, bias)
        if qk_norm:
            q = rms_norm(q, w(f"{p}.self_attn.q_norm.weight", c["head_dim"]), eps)
            k = rms_norm(k, w(f"{p}.self_attn.k_norm.weight", c["head_dim"]), eps)
        q, k = rotate(q, inv_freq, attention_scaling), rotate(k, inv_freq, attention_scaling)
        window = c.get("sliding_window") if i >= c.get("max_window_layers", 0) else None
        x = x + output(w, f"{p}.self_attn", c, causal_attention(q, k, v, c["head_dim"] ** -0.5, window))
        h = rms_norm(x, w(f"{p}.post_attention_layernorm.weight", d), eps)
        x = x + (mlp(w, f"{p}.mlp", c, h) if mlp else gated_mlp(w, f"{p}.mlp", h, d, c["intermediate_size"], F.silu))
    x = rms_norm(x, w("model.norm.weight", d), eps)
    return F.linear(x, w("lm_head.weight", VOCABULARY, d))


def qwen2(w, c, tokens):
    return llama(w, c, tokens, bias=True)


def qwen3(w, c, tokens):
    return llama(w, c, tokens, qk_norm=True)


def gemma(w, c, tokens):
    """GemmaForCausalLM."""
    d, eps = c["hidden_size"], c["rms_norm_eps"]
    table = w("model.embed_tokens.weight", VOCABULARY, d)
    x = F.embedding(tokens, table) * d ** 0.5
    inv_freq, scale = rope_parameters(c, tokens.shape[1])
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}"
        q, k, v = project(w, f"{p}.self_attn", c, rms_norm(x, w(f"{p}.input_layernorm.weight", d), eps, 1.0))
        q, k = rotate(q, inv_freq, scale), rotate(k, inv_freq, scale)
        x = x + output(w, f"{p}.self_attn", c, causal_attention(q, k, v, c["head_dim"] ** -0.5))
        h = rms_norm(x, w(f"{p}.post_attention_layernorm.weight", d), eps, 1.0)
        x = x + gated_mlp(w, f"{p}.mlp", h, d, c["intermediate_size"], gelu_tanh)
    return F.linear(rms_norm(x, w("model.norm.weight", d), eps, 1.0), table)


def gemma2_layer(w, p, c, x, attend):
    """Gemma2DecoderLayer, Gemma3DecoderLayer."""
    d, eps = c["hidden_size"], c["rms_norm_eps"]
    h = attend(rms_norm(x, w(f"{p}.input_layernorm.weight", d), eps, 1.0))
    x = x + rms_norm(h, w(f"{p}.post_attention_layernorm.weight", d), eps, 1.0)
    h = rms_norm(x, w(f"{p}.pre_feedforward_layernorm.weight", d), eps, 1.0)
    h = gated_mlp(w, f"{p}.mlp", h, d, c["intermediate_size"], gelu_tanh)
    return x + rms_norm(h, w(f"{p}.post_feedforward_layernorm.weight", d), eps, 1.0)


def gemma2(w, c, tokens):
    """Gemma2ForCausalLM."""
    d = c["hidden_size"]
    table = w("model.embed_tokens.weight", VOCABULARY, d)
    x = F.embedding(tokens, table) * d ** 0.5
    inv_freq, scale = rope_parameters(c, tokens.shape[1])
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}"

        def attend(h):
            q, k, v = project(w, f"{p}.self_attn", c, h)
            q, k = rotate(q, inv_freq, scale), rotate(k, inv_freq, scale)
            window = c["sliding_window"] if (i + 1) % 2 else None
            mixed = causal_attention(q, k, v, c["query_pre_attn_scalar"] ** -0.5, window, c["attn_logit_softcapping"])
            return output(w, f"{p}.self_attn", c, mixed)

        x = gemma2_layer(w, p, c, x, attend)
    logits = F.linear(rms_norm(x, w("model.norm.weight", d), c["rms_norm_eps"], 1.0), table)
    return torch.tanh(logits / c["final_logit_softcapping"]) * c["final_logit_softcapping"]


def gemma3(w, c, tokens):
    """Gemma3ForCausalLM."""
    d, eps = c["hidden_size"], c["rms_norm_eps"]
    table = w("model.embed_tokens.weight", VOCABULARY, d)
    x = F.embedding(tokens, table) * d ** 0.5
    wide = rope_parameters(c, tokens.shape[1])
    local = default_frequencies(c["rope_local_base_freq"], c["head_dim"]), 1.0
    for i in range(c["num_hidden_layers"]):
        p, sliding = f"model.layers.{i}", bool((i + 1) % c["sliding_window_pattern"])

        def attend(h):
            q, k, v = project(w, f"{p}.self_attn", c, h)
            q = rms_norm(q, w(f"{p}.self_attn.q_norm.weight", c["head_dim"]), eps, 1.0)
            k = rms_norm(k, w(f"{p}.self_attn.k_norm.weight", c["head_dim"]), eps, 1.0)
            q, k = rotate(q, *(local if sliding else wide)), rotate(k, *(local if sliding else wide))
            mixed = causal_attention(q, k, v, c["query_pre_attn_scalar"] ** -0.5, c["sliding_window"] if sliding else None)
            return output(w, f"{p}.self_attn", c, mixed)

        x = gemma2_layer(w, p, c, x, attend)
    return F.linear(rms_norm(x, w("model.norm.weight", d), eps, 1.0), table)


def phi3(w, c, tokens):
    """Phi3ForCausalLM, with its fused qkv_proj and gate_up_proj."""
    d, eps, inner, head = c["hidden_size"], c["rms_norm_eps"], c["intermediate_size"], c["head_dim"]
    x = F.embedding(tokens, w("model.embed_tokens.weight", VOCABULARY, d))
    inv_freq, scale = rope_parameters(c, tokens.shape[1], dim=int(head * c["partial_rotary_factor"]))
    heads, kv = c["num_attention_heads"], c["num_key_value_heads"]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}"
        qkv_proj = torch.cat([w(f"{p}.self_attn.{n}_proj.weight", m * head, d) for n, m in (("q", heads), ("k", kv), ("v", kv))])
        qkv = F.linear(rms_norm(x, w(f"{p}.input_layernorm.weight", d), eps), qkv_proj)
        q = split_heads(qkv[..., :heads * head], heads)
        k = split_heads(qkv[..., heads * head:(heads + kv) * head], kv)
        v = split_heads(qkv[..., (heads + kv) * head:], kv)
        q, k = rotate(q, inv_freq, scale), rotate(k, inv_freq, scale)
        x = x + output(w, f"{p}.self_attn", c, causal_attention(q, k, v, head ** -0.5, c["sliding_window"]))
        h = rms_norm(x, w(f"{p}.post_attention_layernorm.weight", d), eps)
        gate_up = torch.cat([w(f"{p}.mlp.{n}_proj.weight", inner, d) for n in ("gate", "up")])
        gate, up = F.linear(h, gate_up).chunk(2, -1)
        x = x + F.linear(up * F.silu(gate), w(f"{p}.mlp.down_proj.weight", d, inner))
    return F.linear(rms_norm(x, w("model.norm.weight", d), eps), w("lm_head.weight", VOCABULARY, d))


def gpt2(w, c, tokens):
    """GPT2LMHeadModel, with its Conv1D matrices [input, output]."""
    d, heads, inner = c["n_embd"], c["n_head"], c["n_inner"]
    wte, wpe = w("model.embed_tokens.weight", VOCABULARY, d), w("model.embed_positions.weight", c["n_positions"], d)
    x = F.embedding(tokens, wte) + wpe[:tokens.shape[1]]

    def layer_norm(x, name):
        return F.layer_norm(x, (d,), w(f"{name}.weight", d), w(f"{name}.bias", d), c["layer_norm_epsilon"])

    def conv1d(x, weight, bias):
        return torch.addmm(bias, x.reshape(-1, x.shape[-1]), weight).view(*x.shape[:-1], -1)

    for i in range(c["n_layer"]):
        p = f"model.layers.{i}"
        a, m = f"{p}.self_attn", f"{p}.mlp"
        c_attn = torch.cat([w(f"{a}.{n}_proj.weight", d, d).T for n in "qkv"], 1)
        c_attn_bias = torch.cat([w(f"{a}.{n}_proj.bias", d) for n in "qkv"])
        q, k, v = conv1d(layer_norm(x, f"{p}.input_layernorm"), c_attn, c_attn_bias).split(d, -1)
        h = causal_attention(split_heads(q, heads), split_heads(k, heads), split_heads(v, heads), (d // heads) ** -0.5)
        x = x + conv1d(h, w(f"{a}.o_proj.weight", d, d).T, w(f"{a}.o_proj.bias", d))
        h = layer_norm(x, f"{p}.post_attention_layernorm")
        h = gelu_tanh(conv1d(h, w(f"{m}.up_proj.weight", inner, d).T, w(f"{m}.up_proj.bias", inner)))
        x = x + conv1d(h, w(f"{m}.down_proj.weight", d, inner).T, w(f"{m}.down_proj.bias", d))
    return F.linear(layer_norm(x, "model.norm"), wte)


def experts_of(w, p, c, x, top_k, count, inner, normalize):
    """The loop over experts of MixtralSparseMoeBlock, Qwen2MoeSparseMoeBlock and Qwen3MoeSparseMoeBlock."""
    d = x.shape[-1]
    probabilities = F.softmax(F.linear(x, w(f"{p}.router.weight", count, d)), -1)
    best = probabilities.topk(top_k + 1, -1).values if top_k < count else None
    assert best is None or (best[:, -2] - best[:, -1]).min() > LEAST_MARGIN, "a choice of experts is too close; change a name"
    weights, selected = torch.topk(probabilities, top_k, -1)
    if normalize:
        weights = weights / weights.sum(-1, keepdim=True)
    out = torch.zeros_like(x)
    for e in range(count):
        gate = w(f"{p}.experts.gate_proj.weight", count, inner, d)[e]
        up = w(f"{p}.experts.up_proj.weight", count, inner, d)[e]
        down = w(f"{p}.experts.down_proj.weight", count, d, inner)[e]
        row, place = torch.where(selected == e)
        h = F.linear(F.silu(F.linear(x[row], gate)) * F.linear(x[row], up), down) * weights[row, place, None]
        out = out.index_add(0, row, h)
    return out


def mixtral_mlp(w, p, c, x):
    flat = x.reshape(-1, x.shape[-1])
    return experts_of(w, p, c, flat, c["num_experts_per_tok"], c["num_local_experts"], c["intermediate_size"], True).view_as(x)


def qwen2_moe_mlp(w, p, c, x):
    flat, d = x.reshape(-1, x.shape[-1]), x.shape[-1]
    out = experts_of(w, p, c, flat, c["num_experts_per_tok"], c["num_experts"], c["moe_intermediate_size"], c["norm_topk_prob"])
    shared = gated_mlp(w, f"{p}.shared_expert", flat, d, c["shared_expert_intermediate_size"], F.silu)
    return (out + torch.sigmoid(F.linear(flat, w(f"{p}.shared_expert_gate.weight", 1, d))) * shared).view_as(x)


def qwen3_moe_mlp(w, p, c, x):
    flat = x.reshape(-1, x.shape[-1])
    return experts_of(
        w, p, c, flat, c["num_experts_per_tok"], c["num_experts"], c["moe_intermediate_size"], c["norm_topk_prob"]).view_as(x)


def mixtral(w, c, tokens):
    return llama(w, c, tokens, mlp=mixtral_mlp)


def qwen2_moe(w, c, tokens):
    return llama(w, c, tokens, mlp=qwen2_moe_mlp, bias=True)


def qwen3_moe(w, c, tokens):
    return llama(w, c, tokens, mlp=qwen3_moe_mlp, qk_norm=True)


# ---------------------------------------------------------------- cases

LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=4, beta_slow=1)
LONG = dict(rope_type="longrope", short_factor=[1.0, 1.25, 1.5], long_factor=[1.0, 2.5, 4.0])
MIXTURE = dict(num_experts=7, num_experts_per_tok=3, moe_intermediate_size=12)
CASES = {
    "llama": (llama, dict()),
    "llama-llama3": (llama, dict(rope_scaling=LLAMA3)),
    "llama-linear": (llama, dict(rope_scaling=dict(rope_type="linear", factor=2.5))),
    "llama-dynamic": (llama, dict(rope_scaling=dict(rope_type="dynamic", factor=3.0), max_position_embeddings=11)),
    "llama-yarn": (llama, dict(rope_scaling=YARN)),
    "mistral": (llama, dict(sliding_window=5)),
    "qwen2": (qwen2, dict(sliding_window=4, max_window_layers=2)),
    "qwen3": (qwen3, dict(head_dim=10, rms_norm_eps=1e-6)),
    "gemma": (gemma, dict(head_dim=8, num_key_value_heads=1, norm_offset=1.0)),
    "gemma2": (gemma2, dict(
        head_dim=8, norm_offset=1.0, sliding_window=4, query_pre_attn_scalar=7, attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    "gemma3": (gemma3, dict(
        head_dim=8, norm_offset=1.0, sliding_window=4, sliding_window_pattern=2, query_pre_attn_scalar=9, rope_local_base_freq=100.0,
        rope_scaling=dict(rope_type="linear", factor=8.0))),
    "phi3-long": (phi3, dict(
        head_dim=8, partial_rotary_factor=0.75, sliding_window=9, rope_scaling=LONG, original_max_position_embeddings=16)),
    "phi3-short": (phi3, dict(
        head_dim=8, partial_rotary_factor=0.75, sliding_window=9, rope_scaling=LONG, original_max_position_embeddings=32)),
    "gpt2": (gpt2, dict(n_embd=20, n_head=5, n_inner=28, n_layer=3, n_positions=23, layer_norm_epsilon=1e-5)),
    "mixtral": (mixtral, dict(num_local_experts=5, num_experts_per_tok=2, intermediate_size=14)),
    "qwen2-moe": (qwen2_moe, dict(MIXTURE, norm_topk_prob=False, shared_expert_intermediate_size=10)),
    "qwen3-moe": (qwen3_moe, dict(MIXTURE, norm_topk_prob=True, head_dim=10)),
}

# Frequencies of published models, and corners of the formulas: name, configuration, longest text.
PUBLISHED = dict(max_position_embeddings=131072, rope_theta=500000.0, head_dim=128)
FREQUENCIES = {
    "llama-3.1": (dict(PUBLISHED, rope_scaling=dict(LLAMA3, original_max_position_embeddings=8192)), 4096),
    "llama-3.2": (dict(PUBLISHED, head_dim=64, rope_scaling=dict(LLAMA3, factor=32.0, original_max_position_embeddings=8192)), 4096),
    "linear": (dict(max_position_embeddings=16384, rope_theta=10000.0, head_dim=64, rope_scaling=dict(rope_type="linear", factor=4.0)), 100),
    "dynamic-short": (dict(max_position_embeddings=4096, rope_theta=10000.0, head_dim=64, rope_scaling=dict(rope_type="dynamic", factor=2.0)), 4096),
    "dynamic-long": (dict(max_position_embeddings=4096, rope_theta=10000.0, head_dim=64, rope_scaling=dict(rope_type="dynamic", factor=2.0)), 10000),
    "yarn": (dict(max_position_embeddings=131072, rope_theta=1000000.0, head_dim=128, rope_scaling=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=32768)), 4096),
    "yarn-with-factor": (dict(max_position_embeddings=8192, rope_theta=10000.0, head_dim=32, rope_scaling=dict(
        rope_type="yarn", factor=16.0, beta_fast=24, beta_slow=2, attention_factor=1.125)), 4096),
    "longrope-short": (dict(max_position_embeddings=131072, original_max_position_embeddings=4096, rope_theta=10000.0, head_dim=6, rope_scaling=LONG), 4096),
    "longrope-long": (dict(max_position_embeddings=131072, original_max_position_embeddings=4096, rope_theta=10000.0, head_dim=6, rope_scaling=LONG), 4097),
}


def run(name, family, config, tokens, targets):
    w = Weights(config)
    logits = family(w, config, tokens)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    loss.backward()
    gradients = {}
    for weight, value in w.known.items():
        direction = torch.tensor(hashed("direction of " + weight, value.numel())).view_as(value)
        gradients[weight] = [value.grad.norm().item(), (value.grad * direction).sum().item()]
    return logits.detach(), dict(loss=loss.item(), gradients=gradients)


def main():
    torch.set_num_threads(1)
    ids = torch.tensor(np.floor((hashed("tokens", ROWS * (SEQUENCE + 1)) + 1) / 2 * VOCABULARY).astype(np.int64)).view(ROWS, -1)
    tokens, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    tensors, cases = dict(tokens=tokens, targets=targets), {}
    for name, (family, changes) in CASES.items():
        logits, cases[name] = run(name, family, dict(BASE, **changes), tokens, targets)
        tensors[name + ".logits"] = logits
        print(name, cases[name]["loss"], logits.abs().max().item())
    frequencies = {}
    for name, (config, seq_len) in FREQUENCIES.items():
        inv_freq, factor = rope_parameters(config, seq_len)
        frequencies[name] = dict(context=seq_len, factor=factor, radians=inv_freq.tolist())
    folder = pathlib.Path(__file__).resolve().parent.parent / "Ration.Tests" / "Golden"
    write_safetensors(folder / "architectures.safetensors", tensors)
    text = json.dumps(dict(cases=cases, frequencies=frequencies), indent=1)
    (folder / "architectures.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
