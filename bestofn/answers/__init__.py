"""Answer keys: what of an answer is voted on, in a normal form. One kind a file.

    number      the final number, or what is boxed
    choice      the letter of one of the options that the prompt lists
    json        the JSON value, however it is laid out
    tool_calls  the tools that are called, with their arguments
    code        the program, however it is laid out
    text        a short answer, without case and punctuation
    pattern     what one group of a regular expression finds
    custom      what a function of one's own returns
    auto        whichever of these suits a request and the answers to it

Two answers of a request with the same key say the same, and vote together; an answer whose key is
None does not vote. A key means nothing outside its request.

    NumberKey().key(request, candidate)     # "The total is \\boxed{1,200}." -> "1200"
"""
