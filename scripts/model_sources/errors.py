"""What goes wrong between a model's source and its checkpoint directory."""


class FetchError(RuntimeError):
    """A model could not be fetched; the message is one sentence for the person who asked for it."""
