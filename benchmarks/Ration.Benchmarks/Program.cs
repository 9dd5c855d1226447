using Ration.Benchmarks;

// Each benchmark sets two sides against each other in one process, alternately, because machines are noisy.
(string Name, string Meaning, Func<string[], int> Run)[] benchmarks =
[
    ("gemm", "the f32 matrix product against OpenBLAS   [--threads N] [--rounds N] [--only TEXT]", GemmAgainstOpenBlas.Run),
    ("loss", "the vocabulary head and its loss   [--peer tuned|installed] [--rounds N] [--large]", LinearCrossEntropyAgainstPyTorch.Run),
    ("losses", "the ways to compute the vocabulary's loss   [--tokens N] [--width N] [--vocabulary N] [--threads N] [--rounds N]", LossMethodComparison.Run),
    ("filter", "what the loss's gradient filter skips on a trained model   MODEL TEXT [--tokens N] [--threads N] [--rounds N]", GradientFilterOnModel.Run),
    ("budgets", "the tool at five budgets for three presets: planned against measured   TOOL TEXT", BudgetSweep.Run),
    ("methods", "small with every memory method: planned and measured peak, speed   TOOL TEXT [--steps N] [--only NAME,NAME] [--chart FILE.svg|FILE.html] [--runs FILE]", MemoryMethodRuns.Run),
    ("attention", "attention at 1k, 4k and 16k tokens", AttentionMemory.Run),
    ("generate", "tokens a second of a preset   [--preset NAME] [--weights TYPE] [--cache TYPE] [--prompt N] [--tokens N] [--profile]", GenerationSpeed.Run),
    ("caches", "attention of one token over long caches against reading them   [--threads N] [--rounds N] [--keys N]", CachesAgainstMemory.Run),
    ("rows", "one or a few rows by stored weights against reading the weights   [--threads N] [--rounds N]", RowsAgainstMemory.Run),
    ("generation", "prompts and generation against llama.cpp   LLAMA-BENCH GGUF … [--threads N] [--rounds N] [--profile]", GenerationAgainstLlamaCpp.Run),
    ("perplexity", "perplexity of a text against llama.cpp   LLAMA-PERPLEXITY GGUF … TEXT [--context N] [--chunks N] [--threads N]", PerplexityAgainstLlamaCpp.Run),
    ("tokenizers", "ids of vocabularies that Ration wrote and bytes encoded a second on one core, against llama.cpp   LLAMA-TOKENIZE VOCABULARY.gguf … TEXT [--rounds N]",
        TokenizersAgainstLlamaCpp.Run),
    ("subspace", "low-rank rules against the products of a training step   [--preset NAME] [--tokens N] [--threads N] [--rounds N]", SubspaceCost.Run),
    ("optimizers", "held-out loss of every update rule, and of AdamW with every method that changes numbers, "
        + "after the same tokens   TEXT [--tokens N] [--only NAME,NAME] [--rates X,Y] [--threads N]", MethodsOnText.Run),
    ("headlines", "what papers say of their methods beside the bytes of plans; nothing is run   [PART OF A METHOD'S NAME]", PaperHeadlines.Run),
    ("predictions", "predicted seconds of training steps against measured ones, and the planner's choice against all plans   [--threads N] [--steps N]", PredictedAgainstMeasured.Run),
    ("updates", "AdamW with state in fewer bits against F32, and F32 against the bandwidth of memory   [--threads N] [--rounds N] [--elements N] [--only FORMAT]", StateFormats.Run),
    ("random", "random matrices made anew against the products that read them   [--threads N] [--rounds N]", RandomMatrices.Run),
    ("bytes", "training with products of bytes against floats   TEXT [--preset NAME] [--rows N] [--sequence N] [--steps N] [--threads N]", ProductsOfBytes.Run),
    ("stored", "many rows by stored weights against f32 weights   [--threads N] [--rounds N]", StoredWeightsAgainstFloats.Run),
];

foreach ((string name, _, Func<string[], int> run) in benchmarks)
    if (args.Length > 0 && args[0] == name) return run(args[1..]);

foreach ((string name, string meaning, _) in benchmarks) Console.Error.WriteLine($"{name,-10} {meaning}");
return 2;
