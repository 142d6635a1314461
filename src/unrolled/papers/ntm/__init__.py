"""Neural Turing machines: Graves, Wayne and Danihelka, 2014."""
