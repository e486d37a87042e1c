"""What is done to a sound beyond giving it another form: its ends are cut off, it is made louder or quieter."""

from dataclasses import dataclass

# The limiter looks at peaks between the samples, too: it works at four times the rate, up to this one.
_FINEST_RATE = 192_000


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """In plain numbers, found by listening beforehand."""

    begin: int | None = None
    """The first sample that is kept, at the rate that the result has; None: all of them are."""
    end: int | None = None
    """The first after it that is not."""
    gain: float | None = None
    """In dB."""
    ceiling: float | None = None
    """In dBFS: what would be higher is held down."""

    @property
    def trims(self) -> bool:
        """Whether something is cut off."""
        return self.begin is not None

    @property
    def changes_level(self) -> bool:
        """Whether the samples are others."""
        return self.gain is not None

    def steps(self, rate: int) -> list[str]:
        """The filters that do it, at this rate."""
        steps = [f"atrim=start_sample={self.begin}:end_sample={self.end}"] if self.trims else []
        if self.gain is not None:
            steps.append(f"volume={self.gain:.3f}dB:precision=float")
        if self.ceiling is not None:
            held = f"alimiter=limit={10 ** (self.ceiling / 20):.6f}:level=0:attack=5:release=50:latency=1"
            finer = max(1, min(4, _FINEST_RATE // rate))
            if finer == 1:
                return [*steps, held, "aformat=sample_fmts=fltp"]
            back = f"aresample=osr={rate}:resampler=soxr:precision=28:osf=fltp"
            steps += [f"aresample=osr={rate * finer}:resampler=soxr:precision=28:osf=dblp", held, back]
        return steps


NONE = Treatment()
