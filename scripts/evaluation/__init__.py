"""How good a model is: its predictions on labelled images, figures made of them, and pages that show both."""
