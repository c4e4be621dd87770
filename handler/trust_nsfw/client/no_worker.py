"""How TorchServe says over gRPC that nobody takes a request: its queue is full, or no worker is there."""

DETAILS_END = "InternalServerException.()"
"""How the details of INTERNAL end then (InferenceImpl.java, 0.12.0); over REST it is a 503."""


def says_no_worker(details: str) -> bool:
    """Tell from the details of an INTERNAL whether it is such a refusal."""
    return details.rstrip().endswith(DETAILS_END)
