"""Bodies on the wire, as pydantic models: what is read strictly, what is written.

Completions are read by requests.py and written by responses.py, with the report of report.py; the
reward model's paths have both in rewards.py.
"""
