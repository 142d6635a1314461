"""Memory networks (Weston, Chopra and Bordes, 2015)."""
