"""The recipe of a training run: all that may vary between runs, in one frozen object."""

from dataclasses import dataclass, field

from dataset.images import FACE_SIZE
from network.augmentation import Augmentation

QUICK_EPOCHS = 5


@dataclass(frozen=True)
class Recipe:
    """The architecture, its targets, and how it is trained.

    `loss` is "crossentropy" or "focal", `labels` is "soft" (shares of the votes) or "hard" (one
    label a face).
    """

    face_size: int = FACE_SIZE  # pixels
    # 3x3 convolutions a block
    filters: tuple[tuple[int, ...], ...] = ((24,), (48, 48), (96, 96, 96), (208, 208, 208))
    min_mean_gray: float = 90  # 0 to 255; dimmer faces, one in eight of FER-2013, are made brighter
    dropout: float = 0.3
    labels: str = "soft"
    loss: str = "crossentropy"
    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 4e-3  # at its highest
    warm_up: float = 0.05  # share of all steps in which the learning rate rises from 0
    weight_decay: float = 0.02  # per step and times the learning rate
    bfloat16: bool = False  # compute in 16 bits
    seed: int = 42  # of weights, order and augmentation
    augmentation: Augmentation = field(default_factory=Augmentation)
