"""Learning Phrase Representations using RNN Encoder-Decoder (Cho et al., 2014)."""
