"""Batch files in OpenAI's and `vllm run-batch`'s format: requests in lines, answers in lines.

lines     what a line of the input asks, or why it asks nothing
answers   the file of answers, which goes on where a run before ended
runner    asks the service in this process, as many lines at once as it is told
"""
