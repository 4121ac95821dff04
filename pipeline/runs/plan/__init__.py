"""`maskline plan`: what is learnt, and how, chosen from the data and the machine."""
