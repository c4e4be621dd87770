"""transformers' Trainer, set up for one training; on several GPUs through accelerate, started by torchrun."""

import os
from pathlib import Path

import torch
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from dataset.example import PreparedDataset
from training.course import Course
from training.loss import balanced_weights, loss_function
from training.patience import Patience
from training.pictures import Collator, Pictures
from training.precision import settled
from training.selection import SELECTION, compute_metrics
from training.settings import TrainingSettings
from trust_nsfw.preprocess import PreprocessingSpec

TENSORBOARD_FOLDER = "tensorboard"
KEPT_STATES = 2  # the best and the last
LOG_EVERY_SHARE = 0.01  # of all steps


def trainer_of(
    data: PreparedDataset,
    spec: PreprocessingSpec,
    model: PreTrainedModel,
    settings: TrainingSettings,
    work: Path,
    *,
    workers: int,
) -> Trainer:
    """Return a Trainer whose states and TensorBoard logs go to `work`; it ends with the best state's weights loaded.

    Raises TrainingError and DatasetError for what can't be trained on.
    """
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(work / TENSORBOARD_FOLDER)
    train, validation = data.of_split("train"), data.of_split("validation")
    weights = balanced_weights([one.label for one in train]) if settings.class_weights == "balanced" else None
    callbacks: list[TrainerCallback] = [Course(settings.max_fpr)]
    if settings.patience:
        callbacks.append(Patience(settings.patience))
    precision = settled(settings.precision)
    every = 1 / (settings.epochs * settings.evaluations_per_epoch)  # a share of all steps
    arguments = TrainingArguments(
        output_dir=str(work),
        use_cpu=not torch.cuda.is_available(),  # else several processes on CPUs would each train alone
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=max(settings.batch, 32),
        gradient_accumulation_steps=settings.accumulate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup_share,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        eval_strategy="steps",
        save_strategy="steps",
        logging_strategy="steps",
        eval_steps=min(every, 0.999),
        save_steps=min(every, 0.999),
        logging_steps=LOG_EVERY_SHARE,
        save_total_limit=KEPT_STATES,
        load_best_model_at_end=True,
        metric_for_best_model=SELECTION,
        greater_is_better=True,
        seed=settings.seed,
        data_seed=settings.seed,
        dataloader_num_workers=workers,
        dataloader_persistent_workers=workers > 0,
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=["tensorboard"],
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=Collator(spec),
        train_dataset=Pictures(data, train, spec, augment=settings.augmentation != "none"),
        eval_dataset=Pictures(data, validation, spec, augment=False),
        compute_loss_func=loss_function(settings, weights),
        compute_metrics=compute_metrics(settings),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)  # Course speaks in its place
    return trainer
