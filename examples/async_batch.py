"""Many pictures from an asynchronous service: python examples/async_batch.py samples/*.jpg"""

import asyncio
import os
import sys
from pathlib import Path

from trust_nsfw.client import AsyncModerationClient, Failure


async def main() -> None:
    """Print each picture's action, or why it has none."""
    url = os.environ.get("TRUST_NSFW_URL", "http://127.0.0.1:8080")
    async with AsyncModerationClient(url) as client:
        answer = await client.classify_many({name: Path(name) for name in sys.argv[1:]}, policy="strict")
    for name, result in answer:
        print(name, result.code if isinstance(result, Failure) else result.action)


asyncio.run(main())
