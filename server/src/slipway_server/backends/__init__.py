"""What computes a model: one module or package for each library, behind one interface; an image has only its own."""
