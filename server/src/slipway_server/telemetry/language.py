"""Count tokens of a language model, and time them."""

from prometheus_client import Counter, Histogram

from slipway_server.telemetry.metrics import Metrics

_FIRST_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_RATES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


class LanguageMetrics:
    """What a server of a language model tells beside the rest."""

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        self._first = Histogram(
            "slipway_first_token_seconds",
            "Time from a request to the first token of its answer, waiting for a slot included",
            buckets=_FIRST_SECONDS,
            registry=registry,
        )
        self._rate = Histogram(
            "slipway_tokens_per_second",
            "Tokens of an answer in each second after the first one",
            buckets=_RATES,
            registry=registry,
        )
        self._prompt = Counter("slipway_prompt_tokens", "Tokens of prompts that were answered", registry=registry)
        self._generated = Counter("slipway_generated_tokens", "Tokens of answers", registry=registry)

    def first_token(self, seconds: float) -> None:
        """Time the first token of an answer."""
        self._first.observe(seconds)

    def answered(self, prompt: int, generated: int, seconds: float) -> None:
        """Count an answer; `seconds`: from its first token to its last."""
        self._prompt.inc(prompt)
        self._generated.inc(generated)
        if generated > 1 and seconds > 0:
            self._rate.observe((generated - 1) / seconds)
