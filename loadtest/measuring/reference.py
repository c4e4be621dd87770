"""The fp32 reference: `python -m measuring.reference CHECKPOINT PICTURES OUT` writes each picture's probabilities.

transformers alone, picture by picture: what the baseline's answers are compared with, and how far ours are from it.
"""

import json
import sys
from io import BytesIO
from pathlib import Path

import torch
import transformers
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification

from measuring.pictures import jpegs_of


def probabilities(checkpoint: Path, pictures: list[bytes]) -> list[dict[str, float]]:
    """Return float32 probabilities by label for each picture."""
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    processor = AutoImageProcessor.from_pretrained(checkpoint)
    model = AutoModelForImageClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
    scores = []
    with torch.inference_mode():
        for picture in pictures:
            pixels = processor(images=Image.open(BytesIO(picture)).convert("RGB"), return_tensors="pt")["pixel_values"]
            [row] = model(pixels).logits.softmax(dim=-1).tolist()
            scores.append({model.config.id2label[index]: value for index, value in enumerate(row)})
    return scores


if __name__ == "__main__":
    found = probabilities(Path(sys.argv[1]), jpegs_of(Path(sys.argv[2])))
    Path(sys.argv[3]).write_text(json.dumps(found), encoding="utf-8")
