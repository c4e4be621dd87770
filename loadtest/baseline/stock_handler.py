"""An image classifier the way TorchServe's documentation writes one: a BaseHandler around a transformers checkpoint.

It is neither tuned nor crippled: torch's default threads, fp32, inference mode, batches as TorchServe forms them.
"""

import io
from typing import Any

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification
from ts.torch_handler.base_handler import BaseHandler


class StockHandler(BaseHandler):  # type: ignore[misc] # ts has no types
    """preprocess, inference and postprocess of one batch, driven by BaseHandler.handle."""

    def initialize(self, context: Any) -> None:
        """Load the checkpoint that lies in the archive's root."""
        properties = context.system_properties
        self.manifest = context.manifest
        gpu_id = properties.get("gpu_id")
        self.device = torch.device(f"cuda:{gpu_id}" if torch.cuda.is_available() and gpu_id is not None else "cpu")
        model_dir = properties["model_dir"]
        self.processor = AutoImageProcessor.from_pretrained(model_dir)
        self.model = AutoModelForImageClassification.from_pretrained(model_dir, dtype=torch.float32)
        self.model.to(self.device)
        self.model.eval()
        self.initialized = True

    def preprocess(self, data: list[dict[str, Any]]) -> torch.Tensor:
        """Decode a batch of requests; returns float32 [B, 3, H, W]."""
        images = []
        for row in data:
            image: bytes = row.get("data") or row["body"]
            images.append(Image.open(io.BytesIO(image)).convert("RGB"))
        pixels: torch.Tensor = self.processor(images=images, return_tensors="pt")["pixel_values"]
        return pixels.to(self.device)

    def inference(self, data: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return float32 probabilities [B, 5]."""
        with torch.inference_mode():
            logits: torch.Tensor = self.model(data).logits
        return torch.nn.functional.softmax(logits, dim=1)

    def postprocess(self, data: torch.Tensor) -> list[dict[str, float]]:
        """Return a map of label to probability per request."""
        labels = self.model.config.id2label
        return [{labels[index]: row[index] for index in range(len(row))} for row in data.tolist()]
