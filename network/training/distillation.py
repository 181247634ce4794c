"""Distillation: what teachers say of a face, as augmentation has changed it, is half of its target."""

from collections.abc import Callable

import keras
from keras import layers, ops

from network.model.architecture import load_network
from network.training.teachers import Teacher

WEIGHT = 0.5  # of the teachers in a target; the rest are the shares of the votes


class Student(keras.Sequential):
    """A model to train, whose targets may be blended with the opinion of teachers.

    They see the very picture that the student sees: "consistent teaching" of Beyer et al. 2022
    (arXiv:2106.05237).
    """

    # faces (n, side, side, 1) -> probabilities (n, emotions), or None; not saved with the model
    ask: Callable | None = None

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if training and self.ask:
            y = (1 - WEIGHT) * y + WEIGHT * self.ask(x)
        return super().compute_loss(x, y, y_pred, sample_weight, training)


def opinions_of(teachers: list[Teacher], policy: str) -> Callable | None:
    """Return a function for `Student.ask`: the mean of the teachers' probabilities; None without any.

    Those that their training ended with: it was towards the shares of the votes, while a calibrated
    network says how likely one label is. Of the mirror image they are not asked: training shows
    that too. `policy` is Keras's dtype policy, in which they compute.
    """
    networks = [load_network(teacher.folder)[0].get_layer("logits") for teacher in teachers]

    def ask(faces):
        opinions = []
        for network, teacher in zip(networks, teachers):
            logits = ops.cast(network(faces, training=False), "float32")
            logits = ops.mean(logits, axis=(1, 2))
            opinions.append(ops.softmax(logits * teacher.temperature + teacher.offsets))
        return sum(opinions) / len(opinions)

    for network in networks:
        network.trainable = False
        for layer in network.layers:
            if not isinstance(layer, layers.AveragePooling2D):  # as in brighten_dim_faces
                layer.dtype_policy = policy
    return ask if networks else None
