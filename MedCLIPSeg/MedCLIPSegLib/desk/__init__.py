"""The desk: a list of cases, and what people think of them."""
