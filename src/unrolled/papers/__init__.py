"""One folder a paper: model.py holds the mathematics, experiment.py the data, loss and profiles."""
