"""Verifiers: functions that check an answer, most of them against `Request.reference`.

| builtin     | an answer is right where                               | reference               |
|-------------|--------------------------------------------------------|-------------------------|
| math        | it equals the reference, by math-verify                | the right answer        |
| code        | its program passes the tests, in a sandboxed process   | tests, or input, output |
| json_schema | it is JSON that fits the schema                        | a schema, or none       |

Any other function is named by its import path; see `bestofn.rewards.verifiers.verifier`.
"""
