"""The folder of a run: records, journal, manifest."""
