"""A Recurrent Latent Variable Model for Sequential Data (Chung et al., 2015)."""
