"""Forward and backward of F.cross_entropy(h @ W.T, targets) in float32 PyTorch; prints one JSON object.

    python3 benchmarks/peers/pytorch_linear_cross_entropy.py --tokens 1024 --hidden 768 --vocabulary 32000

seconds is the median repeat, the first left out; extraBytes the peak resident memory beyond the weights, the hidden
states and the gradients of both, which any method must hold. The memory is measured first, with the allocator as it
comes; `tuned` then lets it keep freed memory, which is faster and costs memory here.
"""
import argparse
import json
import time

import peer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--vocabulary", type=int, default=32000)
    parser.add_argument("--repeats", type=int, default=6)
    peer.add_arguments(parser)
    arguments = parser.parse_args()
    if arguments.repeats < 2:
        parser.error("--repeats: at least 2, for the first is not counted")
    peer.prepare(arguments.threads, arguments.tuning)
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)

    def step(hidden, weights, targets):
        hidden.grad = weights.grad = None
        start = time.perf_counter()
        loss = F.cross_entropy(hidden @ weights.T, targets)
        loss.backward()
        return time.perf_counter() - start, loss.item()

    def make(tokens, dimension, vocabulary):
        hidden = torch.randn(tokens, dimension).requires_grad_()
        weights = (torch.randn(vocabulary, dimension) * 0.02).requires_grad_()
        return hidden, weights, torch.randint(vocabulary, (tokens,))

    # A smaller run first, so that the threads and buffers of the libraries are not counted as the method's memory.
    step(*make(256, 256, 512))
    case = make(arguments.tokens, arguments.hidden, arguments.vocabulary)
    held = sum(t.numel() * 4 for t in case[:2])
    peer.forget_peak()
    before = peer.memory("VmRSS")
    step(*case), step(*case)
    extra = peer.memory("VmHWM") - before - held
    if arguments.tuning == "tuned":
        peer.keep_freed_memory()
    results = [step(*case) for _ in range(arguments.repeats)]
    print(json.dumps(dict(
        seconds=peer.median([seconds for seconds, _ in results[1:]]),
        extraBytes=extra, loss=results[-1][1],
        tokens=arguments.tokens, hidden=arguments.hidden, vocabulary=arguments.vocabulary,
        tuning=arguments.tuning, torch=torch.__version__, threads=torch.get_num_threads(), blas=peer.blas())))


if __name__ == "__main__":
    main()
