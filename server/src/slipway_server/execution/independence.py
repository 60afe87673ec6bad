"""Try whether the rows of a request change each other's answers, or its own depend on how many rows there are.

A free first dimension may as well be time, and a graph may normalise over it: then requests that are put together
would answer each other's questions. Two things are tried, for many kinds of numbers and several numbers of rows:

- Rows are exchanged for others while the rest stays where it is. The shapes are the same, so the same code runs,
  and the answers of those that stay must be the same to the last bit: no rounding can hide a dependence.
- Rows alone and among others must give the same within the rounding of another order of additions, measured by
  the size that this element of the output has in other rows.

A trial that cannot fail shows nothing: an output must differ between rows, or the verdict is that nothing is known.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from slipway_server.backends.base import Cancellation, Session
from slipway_server.execution.compare import Pool, close, identical, sizes, tolerance
from slipway_server.execution.finding import DependenceSeen, Ended, Finding, NothingKnown, Verdict
from slipway_server.execution.samples import FILLS, KINDS, SHOWN, Inputs, Kind, Sampler, Source, take
from slipway_server.values.errors import BadRequest
from slipway_server.values.tensors import Array

# The inputs of one trial; it holds up to four times as much, besides what the model itself needs.
BATCH_BYTES = 8 * 2**20
_TOO_LONG = "the trials took too long"
_POOL = 8
_FEW = 3
_EVERY_KIND = 3
_KINDS_LEAST = 2
_SEED = 20_260_101


def try_rows(session: Session, golden: Inputs, max_rows: int, cancellation: Cancellation) -> Finding:
    """Try the model with up to `max_rows` rows at once.

    Args:
        session: the model; every input and output has a free first dimension.
        golden: the golden request's arrays by input name.
        max_rows: the most rows that shall run together, at least 2.
        cancellation: ends the trials; what was found until then counts.
    """
    try:
        _check_golden(golden)
        trial = _Trial(session, Sampler(golden), cancellation)
        reached = trial.run(max_rows)
    except DependenceSeen as seen:
        return Finding(Verdict.DEPENDENT, str(seen))
    except NothingKnown as nothing:
        return Finding(Verdict.UNKNOWN, str(nothing))
    except Ended as ended:
        return Finding(Verdict.UNKNOWN, str(ended))
    reason = f"up to {reached} rows of {len(trial.kinds)} kinds did not change each other's answers{trial.cut}"
    held = trial.held()
    if held:
        names = ", ".join(f"`{name}`" for name in held)
        reason += f"; a request with another {names} than the golden request has runs alone"
    return Finding(Verdict.INDEPENDENT, reason, reached, held)


class _Trial:
    def __init__(self, session: Session, sampler: Sampler, cancellation: Cancellation) -> None:
        self._session = session
        self._sampler = sampler
        self._cancellation = cancellation
        self._random = np.random.default_rng(_SEED)
        signature = session.signature
        self._tolerance = tolerance(signature)
        self._names = [tensor.name for tensor in signature.outputs]
        self._first: dict[str, Array] = {}
        self._varied: set[str] = set()
        has_floats = any(tensor.numpy_dtype.kind == "f" for tensor in signature.inputs)
        self._wanted = KINDS if has_floats else SHOWN
        self.kinds: list[Pool] = []
        self.cut = ""
        """Why fewer rows were tried than there might be: the end of a sentence."""

    def run(self, max_rows: int) -> int:
        """Try 2 rows, then more, and return how many could be tried."""
        most = max(2, min(max_rows, BATCH_BYTES // self._sampler.row_bytes()))
        if most < max_rows:
            self.cut = f"; more would be over {BATCH_BYTES // 2**20} MiB at once"
        self._begin()
        idle = self._without_influence()
        reached = 1
        for rows in _ladder(most):
            try:
                self._climb(rows, thorough=rows <= _FEW or rows == most)
            except Ended as ended:
                if reached == 1:
                    raise
                self.cut = f"; {rows} could not be tried: {ended}"
                break
            reached = rows
        self._see_variety()
        if idle is not None:
            raise NothingKnown(f"no output changed with input `{idle}`, which is drawn from the golden request")
        return reached

    def _begin(self) -> None:
        """Draw rows of each kind, and ask each of them alone."""
        for source in Source:
            self._sampler.source = source
            if self._pool(self._wanted[0]) is not None:
                break
        self.kinds = [pool for kind in self._wanted if (pool := self._pool(kind)) is not None]
        if len(self.kinds) < _KINDS_LEAST:
            raise NothingKnown("the model computes none, or only one, of the kinds of random rows that were tried")

    def _climb(self, rows: int, thorough: bool) -> None:
        """Try `rows` rows of each kind at once; `thorough`: exchange some of them, too."""
        for place, pool in enumerate(self.kinds):
            base, chosen = self._base(pool, rows)
            together = self._together(base, rows, pool.kind)
            if rows == 2:
                again = self._together(base, rows, pool.kind)
                if any(not identical(together[name], again[name]) for name in self._names):
                    raise NothingKnown("the model answers the same request differently when asked again")
            self._compare_with_alone(pool, together, chosen, rows)
            # What a far row does shows with a few kinds; what a large number does has shown with few rows.
            if thorough and (rows <= _FEW or place % _EVERY_KIND == 0):
                self._exchange(pool, base, together, rows, every=rows <= _FEW, place=place)

    def _see_variety(self) -> None:
        """See that each output was not the same whatever was put in: else nothing could be shown."""
        for name in self._names:
            varied = sum(pool.varied(name) for pool in self.kinds)
            if varied < _KINDS_LEAST:
                raise NothingKnown(
                    f"output `{name}` was the same for all rows that could be tried, which shows nothing: whole "
                    "numbers and text are taken from the golden request, which should have several different rows"
                )

    def _without_influence(self) -> str | None:
        """Return an input of whole numbers or text that changes no output: what others do than were drawn is open."""
        for tensor in self._session.signature.inputs:
            shown = tensor.numpy_dtype.kind != "f" and tensor.name in self._varied
            if shown and not any(self._tells(tensor.name, pool) for pool in self.kinds):
                return tensor.name
        return None

    def _tells(self, name: str, pool: Pool) -> bool:
        """Return whether an output changes when another row takes the place of a row in one input alone."""
        try:
            for i, alone in enumerate(pool.alone):
                other = take(pool.inputs, [i]) | {name: pool.inputs[name][[i - 1]]}
                outputs = self._run(other)
                if any(not identical(outputs[output], alone[output]) for output in self._names):
                    return True
        except BadRequest:
            return False
        return False

    def held(self) -> dict[str, Array]:
        """Return the inputs whose row was the same in all trials, by name; one element if all of it are the same."""
        same = {name: row.ravel() for name, row in self._first.items() if name not in self._varied}
        uniform = {name for name, row in same.items() if row.size and (row == row[0]).all()}
        return {name: row[:1] if name in uniform else self._first[name] for name, row in same.items()}

    def _pool(self, kind: Kind) -> Pool | None:
        """Draw rows and ask each alone; None if the model cannot compute one of them, which proves nothing."""
        inputs = self._sampler.draw(kind, _POOL, self._random)
        alone: list[dict[str, Array]] = []
        for i in range(_POOL):
            try:
                outputs = self._run(take(inputs, [i]))
            except BadRequest:
                return None
            for name, array in outputs.items():
                self._check_rows(name, array, 1)
                if alone and array.shape != alone[0][name].shape:
                    raise DependenceSeen(
                        f"output `{name}` has the shape {list(alone[0][name].shape)} for one row and "
                        f"{list(array.shape)} for another"
                    )
            alone.append(outputs)
        self._notice(inputs)
        return Pool(kind, inputs, alone, {name: sizes([one[name] for one in alone]) for name in self._names})

    def _base(self, pool: Pool, rows: int) -> tuple[dict[str, Array], dict[int, int]]:
        """Return rows of the pool's kind, and which of them (by place) are which of the pool."""
        base = self._sampler.draw(pool.kind, rows, self._random)
        places = sorted({round(i * (rows - 1) / (_POOL - 1)) for i in range(_POOL)})
        chosen = dict(zip(places, self._random.permutation(_POOL).tolist(), strict=False))
        for name, array in base.items():
            array[list(chosen)] = pool.inputs[name][list(chosen.values())]
        self._notice(base)
        return base, chosen

    def _exchange(
        self, pool: Pool, base: dict[str, Array], together: Mapping[str, Array], rows: int, every: bool, place: int
    ) -> None:
        """Exchange every second row for others, and see that the rest keeps its answers to the last bit."""
        for odd in (0, 1):
            gone = np.arange(rows) % 2 == odd
            fills = self._sampler.fills(pool.kind, base, 1 - odd, rows, self._random)
            for number, (words, draw) in enumerate(fills):
                # Of large batches, two kinds of exchange: others of the kind, and one in turn.
                if not every and number not in (0, 1 + (place + odd) % (len(FILLS) + 1)):
                    continue
                fill = draw()
                original = {name: array.copy() for name, array in base.items()}
                # In the memory of `base`: additions may begin elsewhere when an array is aligned otherwise.
                for name, array in base.items():
                    array[gone] = fill[name][gone]
                try:
                    outputs = self._run(base)
                except BadRequest:
                    if self._runs_alone(base, gone):
                        raise DependenceSeen(f"rows that run alone fail beside {words}") from None
                    continue
                finally:
                    for name, array in base.items():
                        array[:] = original[name]
                for name in self._names:
                    self._check_rows(name, outputs[name], rows)
                    if not identical(outputs[name][~gone], together[name][~gone]):
                        raise DependenceSeen(
                            f"output `{name}` of a row changes with the rows beside it ({pool.kind.name}, {words})"
                        )

    def _compare_with_alone(
        self, pool: Pool, together: Mapping[str, Array], chosen: Mapping[int, int], rows: int
    ) -> None:
        usual = self._sampler.usual(pool.kind)
        for name in self._names:
            self._check_rows(name, together[name], rows)
            for place, i in chosen.items():
                one, other = pool.alone[i][name], together[name][place : place + 1]
                if not close(one, other, pool.sizes[name], self._tolerance, usual):
                    raise DependenceSeen(
                        f"output `{name}` of a row is another one alone than as row {place} of {rows} "
                        f"({pool.kind.name})"
                    )

    def _together(self, inputs: Inputs, rows: int, kind: Kind) -> dict[str, Array]:
        try:
            return self._run(inputs)
        except BadRequest:
            if self._runs_alone(inputs, np.ones(rows, bool)):
                # Where fewer rows run, it may be for want of memory.
                kind_of_end = DependenceSeen if rows == 2 else Ended
                raise kind_of_end(f"rows that run alone fail together ({kind.name})") from None
            raise NothingKnown(f"the model cannot compute some of the random rows ({kind.name})") from None

    def _runs_alone(self, inputs: Inputs, which: Array) -> bool:
        try:
            for i in np.flatnonzero(which):
                self._run(take(inputs, [int(i)]))
        except BadRequest:
            return False
        return True

    def _run(self, inputs: Inputs) -> dict[str, Array]:
        if self._cancellation.cancelled:
            raise Ended(_TOO_LONG)
        try:
            return self._session.run(inputs, self._cancellation)
        except BadRequest:
            if self._cancellation.cancelled:
                raise Ended(_TOO_LONG) from None
            raise

    def _notice(self, inputs: Inputs) -> None:
        for name, array in inputs.items():
            first = self._first.setdefault(name, array[0].copy() if array.ndim > 1 else array[:1].copy())
            if not bool((array == first).all()):
                self._varied.add(name)

    @staticmethod
    def _check_rows(name: str, array: Array, rows: int) -> None:
        if array.ndim == 0 or array.shape[0] != rows:
            raise DependenceSeen(f"output `{name}` has the shape {list(array.shape)} for {rows} rows")


def _check_golden(golden: Inputs) -> None:
    lengths = {len(array) for array in golden.values()}
    if len(lengths) != 1:
        raise DependenceSeen("the golden request has another number of rows for each input")
    if lengths == {0}:
        raise NothingKnown("the golden request has no rows")


def _ladder(max_rows: int) -> Iterator[int]:
    """Yield 2, 3, 5, 8, 14 ... up to `max_rows`: some even, some odd, some in threes, some in fours."""
    rows = 2
    while rows < max_rows:
        yield rows
        rows += max(1, 3 * rows // 4)
    yield max_rows
