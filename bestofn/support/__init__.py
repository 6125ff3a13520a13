"""What several packages need and none of them is about.

error_text                      a foreign exception, what pydantic found wrong: one sentence
import_path                     "package.module:attribute"
checkpoint                      a model's folder or hub snapshot, its config.json
json_answer, schema_validator   JSON in an answer; a JSON schema that fetches nothing
concurrency                     several coroutines at once
"""
