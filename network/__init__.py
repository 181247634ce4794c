"""What train.py is made of, from the recipe of a training to the network for the webcam."""
