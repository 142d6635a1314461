"""Effective Approaches to Attention-based Neural Machine Translation (Luong et al., 2015)."""
