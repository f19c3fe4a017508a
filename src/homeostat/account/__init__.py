"""Account: what is told of a past time, from the store alone, as it was known then."""
