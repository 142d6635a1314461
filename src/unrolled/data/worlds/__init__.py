"""A simulator of small worlds that asks bAbI's twenty types of question, and a solver that reads the text."""
