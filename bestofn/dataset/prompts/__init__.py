"""Prompts of a dataset run: what a file, a folder or a hub dataset holds, read as rows.

`read_records` (reader.py) gives the records of an input in their order; `read_row` (rows.py) makes
a `Row` of each, with its request, its key and its seed, or with a sentence that says what is wrong.

    for number, (source, record) in enumerate(read_records("prompts.jsonl")):
        row = read_row(number, source, record, {"prompt": "question"}, Defaults(best_of=8))
"""
