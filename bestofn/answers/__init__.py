"""Answer keys: what of an answer is voted on, in a normal form. One kind a file.

Two answers of a request with the same key say the same, and vote together; an answer whose key is
None does not vote. A key means nothing outside its request.
"""
