"""Parts that papers share: the scan engine, cells, attention, memory, distributions."""
