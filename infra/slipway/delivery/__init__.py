"""How weights travel from where they are to the pods that serve them: which way, and the upload to the model store."""
