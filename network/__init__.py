"""The parts of train.py, from the training recipe to the network for the webcam."""
