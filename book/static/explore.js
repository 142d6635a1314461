// Filters of the reading list, the lineage graph's highlights, and cards over links. Every page is complete without it.
