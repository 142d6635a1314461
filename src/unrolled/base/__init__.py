"""What every part needs and none owns: errors, safe files, paths and keys. Standard library only."""
