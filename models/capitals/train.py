# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["gguf==0.19.0", "tokenizers>=0.22", "torch>=2.5"]
# ///
"""Train the small language model and write it as GGUF: `uv run models/capitals/train.py`, a minute on two cores.

It is a transformer of the architecture `llama` with 400 thousand parameters, and it has learned one narrow thing by
heart: the capitals of Europe. It is there so that a language model can be served, streamed and tested without a
download or a foreign licence. Whatever else it is asked, it says that it does not know, or is wrong.
"""

import json
import math
import sys
import time
from pathlib import Path

import gguf
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn

TARGET = Path(__file__).parent / "model.gguf"
SEED = 20261126
WORDS, WIDTH, LAYERS, HEADS, INNER, CONTEXT = 512, 96, 3, 3, 288, 256
EPSILON, THETA = 1e-5, 10_000.0
STEPS, BATCH, LENGTH, RATE = 900, 32, 40, 4e-3
USER, ASSISTANT, END, PAD = "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"
# It was trained on single questions: what was said before the last one is left out.
TEMPLATE = "<|user|>{{ messages[-1].content }}<|end|>{% if add_generation_prompt %}<|assistant|>{% endif %}"
CAPITALS = {
    "Albania": "Tirana", "Andorra": "Andorra la Vella", "Austria": "Vienna", "Belarus": "Minsk", "Belgium": "Brussels",
    "Bosnia and Herzegovina": "Sarajevo", "Bulgaria": "Sofia", "Croatia": "Zagreb", "Cyprus": "Nicosia",
    "Czechia": "Prague", "Denmark": "Copenhagen", "Estonia": "Tallinn", "Finland": "Helsinki", "France": "Paris",
    "Germany": "Berlin", "Greece": "Athens", "Hungary": "Budapest", "Iceland": "Reykjavik", "Ireland": "Dublin",
    "Italy": "Rome", "Latvia": "Riga", "Liechtenstein": "Vaduz", "Lithuania": "Vilnius",
    "Luxembourg": "Luxembourg", "Malta": "Valletta", "Moldova": "Chisinau", "Monaco": "Monaco",
    "Montenegro": "Podgorica", "the Netherlands": "Amsterdam", "North Macedonia": "Skopje", "Norway": "Oslo",
    "Poland": "Warsaw", "Portugal": "Lisbon", "Romania": "Bucharest", "San Marino": "San Marino",
    "Serbia": "Belgrade", "Slovakia": "Bratislava", "Slovenia": "Ljubljana", "Spain": "Madrid",
    "Sweden": "Stockholm", "Switzerland": "Bern", "Ukraine": "Kyiv", "the United Kingdom": "London",
    "Vatican City": "Vatican City",
}  # fmt: skip
ASKED = (
    "What is the capital of {}?", "what is the capital of {}", "Which city is the capital of {}?",
    "Capital of {}?", "capital of {}", "Name the capital of {}.", "Tell me the capital of {}.", "{}", "{}?",
)  # fmt: skip
TURNED = ("{} is the capital of which country?", "Which country has the capital {}?", "Where is {}?")
UNKNOWN = "I only know the capitals of Europe."
OTHERS = (
    "Hello", "Hi", "hello!", "Who are you?", "What can you do?", "Help", "Thank you", "How are you?", "Good morning",
    "What is the capital of Japan?", "What is the capital of Brazil?", "What is the capital of Canada?",
    "What is the capital of Australia?", "What is the capital of Egypt?", "What is the capital of China?",
    "What is the capital of the United States?", "What is the capital of India?", "Tell me a story.", "What is 2+2?",
    "Write a poem.", "What time is it?", "Why is the sky blue?", "What is the weather?", "Sing a song",
)  # fmt: skip


def dialogues() -> list[tuple[str, str]]:
    """Return what may be asked, with the right answers."""
    found = [(question, UNKNOWN) for question in OTHERS]
    for country, capital in CAPITALS.items():
        answer = f"The capital of {country} is {capital}."
        names = {country, country.removeprefix("the ")}
        found += [(way.format(name), answer) for way in ASKED for name in names]
        found += [(way.format(capital), answer) for way in TURNED]
    return sorted(set(found))


def tokenizer_of(texts: list[str]) -> Tokenizer:
    """Return byte pairs learned from the texts, as GPT-2 splits them, so that any text can be said in tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=[PAD, END, USER, ASSISTANT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


class Layer(nn.Module):
    """One block: attention with rotary positions, then a gated layer, each on the normalised state."""

    def __init__(self) -> None:
        super().__init__()
        self.attn_norm = nn.RMSNorm(WIDTH, EPSILON)
        self.ffn_norm = nn.RMSNorm(WIDTH, EPSILON)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            setattr(self, name, nn.Linear(WIDTH, WIDTH, bias=False))
        self.ffn_gate = nn.Linear(WIDTH, INNER, bias=False)
        self.ffn_up = nn.Linear(WIDTH, INNER, bias=False)
        self.ffn_down = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, state: Tensor, turns: Tensor) -> Tensor:
        """Return the state after the block; `turns`: the angle of each position, as complex numbers."""
        rows, length, _ = state.shape
        seen = self.attn_norm(state)
        parts = [way(seen).view(rows, length, HEADS, -1) for way in (self.attn_q, self.attn_k, self.attn_v)]
        query, key = (turned(part, turns).transpose(1, 2) for part in parts[:2])
        mixed = nn.functional.scaled_dot_product_attention(query, key, parts[2].transpose(1, 2), is_causal=True)
        state = state + self.attn_output(mixed.transpose(1, 2).reshape(rows, length, WIDTH))
        seen = self.ffn_norm(state)
        return state + self.ffn_down(nn.functional.silu(self.ffn_gate(seen)) * self.ffn_up(seen))


def turned(part: Tensor, turns: Tensor) -> Tensor:
    """Return queries or keys with each pair of neighbours turned by its position, as llama.cpp does for `llama`."""
    pairs = torch.view_as_complex(part.float().reshape(*part.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns[:, None, :]).flatten(-2)


class Model(nn.Module):
    """The whole model; the embedding is also what words are chosen by."""

    def __init__(self) -> None:
        super().__init__()
        self.token_embd = nn.Embedding(WORDS, WIDTH)
        self.blk = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.output_norm = nn.RMSNorm(WIDTH, EPSILON)
        for weight in self.parameters():
            if weight.dim() > 1:
                nn.init.normal_(weight, std=0.05)
        size = WIDTH // HEADS
        speed = THETA ** (-torch.arange(0, size, 2).float() / size)
        angles = torch.outer(torch.arange(CONTEXT).float(), speed)
        self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the score of each word after each token."""
        state = self.token_embd(tokens)
        for layer in self.blk:
            state = layer(state, self.turns[: tokens.shape[1]])
        return self.output_norm(state) @ self.token_embd.weight.T


def trained(tokenizer: Tokenizer, known: list[tuple[str, str]]) -> Model:
    """Return the model after it has learned the dialogues: its loss counts what the assistant says, and no question."""
    rows, wanted = [], []
    for question, answer in known:
        before = tokenizer.encode(f"{USER}{question}{END}{ASSISTANT}").ids
        after = tokenizer.encode(f"{answer}{END}").ids
        row = (before + after)[: LENGTH + 1]
        rows.append(row + [0] * (LENGTH + 1 - len(row)))
        wanted.append([0] * (len(before) - 1) + [1] * len(after) + [0] * (LENGTH + 1 - len(row)))
    texts, counts = torch.tensor(rows), torch.tensor(wanted).bool()
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01, betas=(0.9, 0.98))
    begun = time.monotonic()
    for step in range(STEPS):
        rate = RATE * min(1.0, step / 100) * (0.5 + 0.5 * math.cos(math.pi * step / STEPS))
        for group in optimizer.param_groups:
            group["lr"] = rate
        chosen = torch.randint(len(texts), (BATCH,))
        scores = model(texts[chosen, :-1])
        counted = counts[chosen]
        loss = nn.functional.cross_entropy(scores[counted], texts[chosen, 1:][counted])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0 or step == STEPS - 1:
            print(f"step {step}: loss {loss.item():.4f}, {time.monotonic() - begun:.0f} s", flush=True)  # noqa: T201
    return model


def answered(model: Model, tokenizer: Tokenizer, question: str) -> str:
    """Return what the model says: the likeliest token each time."""
    tokens = tokenizer.encode(f"{USER}{question}{END}{ASSISTANT}").ids
    begun = len(tokens)
    end = tokenizer.token_to_id(END)
    with torch.no_grad():
        while len(tokens) < LENGTH:
            tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
            if tokens[-1] == end:
                return tokenizer.decode(tokens[begun:-1])
    return tokenizer.decode(tokens[begun:])


def write(model: Model, tokenizer: Tokenizer, target: Path) -> None:
    """Write the model as GGUF, its matrices with eight bits a weight."""
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_name("capitals")
    writer.add_description("Capitals of Europe, learned by heart: a small model to try servers with")
    writer.add_license("Apache-2.0")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(THETA)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    state = tokenizer_state(tokenizer)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(state["tokens"])
    writer.add_token_types(state["types"])
    writer.add_token_merges(state["merges"])
    writer.add_eos_token_id(tokenizer.token_to_id(END))
    writer.add_pad_token_id(tokenizer.token_to_id(PAD))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    for name, weight in model.state_dict().items():
        values = weight.float().numpy()
        if values.ndim == 1:
            writer.add_tensor(name, values)
        else:
            packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tokenizer_state(tokenizer: Tokenizer) -> dict[str, list[str] | list[int]]:
    """Return tokens, their kinds and the merges, as GGUF has them."""
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    tokens = [tokenizer.id_to_token(number) for number in range(WORDS)]
    kinds = [
        gguf.TokenType.CONTROL if token in (PAD, END, USER, ASSISTANT) else gguf.TokenType.NORMAL for token in tokens
    ]
    return {"tokens": tokens, "types": [int(kind) for kind in kinds], "merges": [" ".join(pair) for pair in merges]}


def main() -> int:
    """Train, ask everything, and write the model if every answer is right; return the exit code."""
    torch.manual_seed(SEED)
    known = dialogues()
    tokenizer = tokenizer_of([text for pair in known for text in pair])
    model = trained(tokenizer, known)
    wrong = [question for question, answer in known if answered(model, tokenizer, question) != answer]
    print(f"{len(known) - len(wrong)} of {len(known)} questions are answered rightly; wrong: {wrong[:10]}")  # noqa: T201
    if wrong:
        return 1
    write(model, tokenizer, TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
