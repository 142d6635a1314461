"""Joulin and Mikolov 2015: recurrent networks with stacks that gradients can push and pop."""
