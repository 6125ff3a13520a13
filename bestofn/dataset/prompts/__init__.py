"""Prompts of a dataset run: what a file, a folder or a hub dataset holds, read as rows.

    reader.py ─► records ─► layouts.py ─► fields ─► rows.py, messages.py ─► Row

`read_records` (reader.py) gives the records of an input in their order, of any kind of file
(files.py, json_records.py, csv_records.py) and of a folder's split (folders.py). `find_fields`
(layouts.py) finds by the columns' names where a record keeps what it asks. `read_row` (rows.py)
makes a `Row` of it, with its request, its key and its seed, or with a sentence that says what is
wrong; its messages are OpenAI's (messages.py).

    for number, (source, record) in enumerate(read_records("prompts.jsonl")):
        row = read_row(number, source, record, {"prompt": "question"}, Defaults(best_of=8))
"""
