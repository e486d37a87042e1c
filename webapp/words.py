"""Sentences that users read are marked where they stand, so that the catalogue in translations/ has them all."""


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for it
    """The sentence itself: it is said in the reader's language when it is shown."""
    return sentence
