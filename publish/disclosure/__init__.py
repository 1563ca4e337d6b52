"""Statistical disclosure control: what a reader could conclude, and what has to stay hidden."""
