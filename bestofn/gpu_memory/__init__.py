"""Planning what stands on one GPU: a generator, what scores it, and the cache between them."""
