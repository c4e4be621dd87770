"""The starter model's architecture: nsfwjs's MobileNetV2 as a transformers model.

The backbone is transformers' own MobileNetV2; the head is the one in nsfwjs 4.3.0's TensorFlow.js topology:
1280 -> Dense 256, ReLU, Dropout 0.5 -> Dense 128, ReLU, Dropout 0.25 -> Dense 5. Its last softmax is left to the
engine, so softmax(logits) are nsfwjs's probabilities.
"""

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForImageClassification, MobileNetV2Config, MobileNetV2Model
from transformers.modeling_outputs import ImageClassifierOutput
from transformers.models.mobilenet_v2.modeling_mobilenet_v2 import MobileNetV2PreTrainedModel

BACKBONE_FEATURES = 1280
HIDDEN_FEATURES = (256, 128)
DROPOUT_PROBABILITIES = (0.5, 0.25)


class NsfwjsMobileNetConfig(MobileNetV2Config):
    """MobileNetV2 1.0 at 224x224 with TensorFlow padding; the head's shape is fixed by its weights."""

    model_type = "nsfwjs_mobilenet_v2"


class NsfwjsMobileNetForImageClassification(MobileNetV2PreTrainedModel):
    """Image classifier with the classes of `config.id2label`; weights `mobilenet_v2.*` and `dense_1` to `dense_3`."""

    config_class = NsfwjsMobileNetConfig

    def __init__(self, config: NsfwjsMobileNetConfig) -> None:
        super().__init__(config)
        first, second = HIDDEN_FEATURES
        self.mobilenet_v2 = MobileNetV2Model(config)
        self.dense_1 = nn.Linear(BACKBONE_FEATURES, first)
        self.dropout_1 = nn.Dropout(DROPOUT_PROBABILITIES[0])
        self.dense_2 = nn.Linear(first, second)
        self.dropout_2 = nn.Dropout(DROPOUT_PROBABILITIES[1])
        self.dense_3 = nn.Linear(second, len(config.id2label or {}))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        pixel_values: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> ImageClassifierOutput | tuple[torch.Tensor, ...]:
        """Score pictures: float [B, 3, 224, 224] in 0 to 1 -> logits [B, num_labels].

        With `labels`, int64 [B], the output also holds the cross-entropy loss. `return_dict=False` gives the tuple
        (loss if labels, logits, hidden states if asked for), as transformers' own classifiers do.
        """
        features = self.mobilenet_v2(pixel_values, output_hidden_states=output_hidden_states, return_dict=True)
        hidden = self.dropout_1(torch.relu(self.dense_1(features.pooler_output)))
        hidden = self.dropout_2(torch.relu(self.dense_2(hidden)))
        logits = self.dense_3(hidden)
        loss = None if labels is None else self.loss_function(labels, logits, self.config)
        output = ImageClassifierOutput(loss=loss, logits=logits, hidden_states=features.hidden_states)
        as_output = self.config.return_dict if return_dict is None else return_dict
        return output if as_output else output.to_tuple()


def register() -> None:
    """Make AutoConfig and AutoModelForImageClassification know the starter; calling it again changes nothing.

    AutoImageProcessor needs nothing: the checkpoint's preprocessor_config.json names a processor of transformers.
    """
    AutoConfig.register(NsfwjsMobileNetConfig.model_type, NsfwjsMobileNetConfig, exist_ok=True)
    AutoModelForImageClassification.register(
        NsfwjsMobileNetConfig, NsfwjsMobileNetForImageClassification, exist_ok=True
    )
