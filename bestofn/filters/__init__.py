"""Filters, one a file or a folder; each rejects a candidate for one of its reasons, or keeps it.

    request + candidate ─► filter.check ─► None (kept) or Rejection(filter, reason, detail, certain)

Every candidate passes every filter in the order given, and all rejections are kept. A filter looks
at one candidate at a time, is quick (linear in the text), holds no state and calls no model. A
rejection is *certain* where 98 of 100 read on real outputs were right, else a suspicion. What
several of them need of a text stands beside them: `reasoning` (thoughts told from the answer),
`chat_tokens`, `markdown` (fenced code and prose), `data_lines` (records), `tool_arguments`,
`bounded_schema`; `truncation` and `repetition` are folders of rules.

    >>> from bestofn.core.types import Candidate, Request
    >>> from bestofn.filters.repetition.filter import RepetitionFilter
    >>> request = Request.from_prompt("Name a colour.")
    >>> loop = Candidate(0, {"role": "assistant", "content": "red and blue, " * 9}, "stop")
    >>> RepetitionFilter().check(request, loop).reason
    'exact_loop'

| filter      | reason               | what it means                                              |
|-------------|----------------------|------------------------------------------------------------|
| empty       | empty                | neither content nor a tool call                            |
|             | whitespace_only      | the content is only whitespace                             |
|             | nothing_visible      | only zero-width, control or replacement characters         |
|             | only_template_token  | only a chat template's token                               |
|             | empty_fence          | only a code block without content                          |
|             | no_answer            | thoughts, and no answer behind them                        |
| template_   | dialogue_goes_on     | another turn begins behind a chat template's token         |
| token       | token_in_text        | such a token stands within the text                        |
| repetition  | loop_stopped         | the engine stopped it in a loop during decoding            |
|             | whitespace_flood     | hundreds of blanks, or dozens of empty lines, in a row     |
|             | exact_loop           | the same tokens several times in a row                     |
|             | near_loop            | almost the same tokens in a row: a small part varies       |
|             | few_words            | a long stretch knows only a few words                      |
|             | duplicate_paragraphs | too much of it stands in paragraphs that stood before      |
|             | duplicate_lines      | too much of it stands in lines that stood before           |
|             | duplicate_ngrams     | too much of it stands in 20-grams that stood before        |
| truncation  | length               | it reached the token limit                                 |
|             | aborted              | it was stopped from outside                                |
|             | loop_stopped         | as above: it was cut, whatever it says                     |
|             | content_filter       | the engine's content filter cut it                         |
|             | invalid_json         | JSON was asked for, and it does not parse                  |
|             | unclosed_think       | the reasoning never ended                                  |
|             | unclosed_fence       | a code block never ended                                   |
|             | unclosed_bracket     | a bracket near the end never closed                        |
|             | unclosed_quote       | a quotation near the end never closed                      |
|             | unclosed_code        | code, a formula, a tag or an element never ended           |
|             | cut_row              | the last row of a table has fewer cells than its head      |
|             | open_end             | its last mark or word announces more: a comma, "of the"    |
|             | no_sentence_end      | its last sentence has no end, and is no short answer       |
| language    | wrong_language       | its language is not the prompt's, or not one of the list   |
| length      | too_short, too_long  | outside the bounds in characters or tokens                 |
| pattern     | pattern_missing      | a pattern that it must match is not found                  |
|             | pattern_forbidden    | a pattern that it must not match is found                  |
| json_schema | invalid_json         | it does not parse as JSON                                  |
|             | schema_mismatch      | it does not fit the schema                                 |
|             | unusable_schema      | the request's schema is none                               |
|             | unjudged             | the schema takes too long to judge by: a suspicion         |
| tool_calls  | unknown_tool         | a tool that was not offered                                |
|             | invalid_arguments    | its arguments are no JSON object                           |
|             | arguments_mismatch   | they do not fit the tool's schema                          |
|             | missing_call         | a call was demanded, and none came                         |
|             | unjudged             | as above: a suspicion                                      |
| control_    | replacement_character | U+FFFD                                                    |
| characters  | control_character    | characters that steer, as NUL                              |
|             | mojibake             | UTF-8 read as Latin-1                                      |
| script      | foreign_script       | letters of a script that neither prompt nor answer has     |
| echo        | prompt_echoed        | the whole prompt given back                                |
| custom      | rejected             | your function rejected it (or the reason that it returned) |
| any         | unchecked            | nobody could: it took too long, a suspicion                |

A filter is a frozen dataclass whose keyword fields are its options; a wrong one is a `ConfigError`.
"""
