"""A dataset run: rows sampled, scored and recorded, here or on a Ray cluster."""
