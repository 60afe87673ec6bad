"""What node pools hold: which pool suits a model, how many replicas fit, how an update rolls."""
