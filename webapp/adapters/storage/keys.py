"""Which keys there are."""

TOPS = ("media", "transcoded")


def is_ours(key: str) -> bool:
    """Whether it is one of an object of ours, and leads nowhere else."""
    names = key.split("/")
    return len(names) > 1 and names[0] in TOPS and not {"", ".", ".."} & set(names) and "\0" not in key


def check(key: str) -> None:
    """Raise ValueError for a key that is none of ours: keys are made by us, so that is a bug or an attack."""
    if not is_ours(key):
        raise ValueError(key)
