"""What several packages need and none of them is about.

error_text                      a foreign exception, what pydantic found wrong: one sentence
import_path                     "package.module:attribute"
checkpoint                      a model's folder or hub snapshot, its config.json
json_answer, schema_validator   JSON in an answer; a JSON schema that fetches nothing
concurrency                     several coroutines at once
candidate_report                a candidate as plain data, for every report of one
conversation                    "prompt or messages" of a row, with or without responses
seeding                         seeds that follow from a text
thoughts                        an answer without what stands in its think block
"""
