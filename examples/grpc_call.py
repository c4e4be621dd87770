"""One picture over gRPC, with the numbers behind the decision: python examples/grpc_call.py samples/cat.jpg"""

import os
import sys
from pathlib import Path

from trust_nsfw.client import Failure, GrpcModerationClient

with GrpcModerationClient(os.environ.get("TRUST_NSFW_GRPC", "127.0.0.1:7070")) as client:
    result = client.classify(Path(sys.argv[1]))
    if isinstance(result, Failure):  # only with on_unavailable="review"
        sys.exit(f"{result.action}: {result.message}")
    print(result.action, result.label, result.scores.classes(), *result.reasons)
