"""What a model knows, what a prompt asks, and the verdict on an answer."""
