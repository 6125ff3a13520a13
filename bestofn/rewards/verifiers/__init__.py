"""Verifiers: functions that check an answer, most of them against `Request.reference`.

| builtin     | an answer is right where                               | reference               |
|-------------|--------------------------------------------------------|-------------------------|
| math        | it equals the reference, by math-verify                | the right answer        |
| code        | its program passes the tests, behind walls           | tests, or input, output |
| json_schema | it is JSON that fits the schema                        | a schema, or none       |

Any other function is named by its import path; see `bestofn.rewards.verifiers.verifier`.

`open` finds a check by its name; `math`, `code` and `json_schema` are the built-in ones. All are a
`VerifierRewardModel` (`verifier`), which runs the check in `workers` or awaits it, and makes scores
of its `verdicts`. The code verifier runs programs in `sandbox`.
"""
